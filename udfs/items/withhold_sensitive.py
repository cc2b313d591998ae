"""Items of categories that a policy declares sensitive: offered only within the visit that asked for them."""

from collections.abc import Collection

from schemas.items import Item
from udfs.items.match_items import signs_of, words
from udfs.moment import Moment


def is_withheld(item: Item | None, sensitive: Collection[str], moment: Moment) -> bool:
    """Whether the item is of such a category and this visit has neither touched one of it, nor named it, nor searched for it.

    A search asks for what all its words stand in: the category's name and the item's own signs. What the person did in other visits counts for nothing.
    """
    category = item.category if item is not None else None
    if item is None or category is None or category not in sensitive:
        return False
    context = moment.context
    if category == moment.event.category or any(
        touch.category == category for touch in context.items.values()
    ):
        return False
    said = words(category) | signs_of(item)
    return not any(asked and asked <= said for asked in map(words, context.queries))
