"""Items of categories that a policy declares sensitive: offered only within the visit that asked for them, and kept of no person."""

from collections.abc import Collection

from msgspec.structs import replace

from schemas.events import Event
from schemas.items import Item
from schemas.state.session import SessionNews
from udfs.facts.wishes import CATEGORY, LESS, is_among
from udfs.items.match_items import signs_of, words
from udfs.knowledge.knowledge import Knowledge
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


def without_sensitive(news: SessionNews, knowledge: Knowledge) -> SessionNews:
    """What a person's profile is told of the news: nothing of an item of such a category; the same object where there is none.

    The visit's own memory, which ends with it, knows them; so does what is decided within it.
    """
    policy = knowledge.policy_at(news.order_ms)
    sensitive = policy.policy.suppression.sensitive if policy is not None else ()
    if not sensitive or news.kind != "event" or news.event is None:
        return news
    return replace(news, event=_event_without(news.event, sensitive, knowledge))


def _event_without(event: Event, sensitive: Collection[str], knowledge: Knowledge) -> Event:
    if event.event_type == "preference_stated":
        return _preference_without(event, sensitive)
    is_about = event.category is not None and event.category in sensitive

    def is_kept(item_id: str) -> bool:
        item = knowledge.item_at(item_id, event.event_time_ms)
        category = item.category if item is not None else None
        return not is_about if category is None else category not in sensitive

    kept = tuple(filter(is_kept, event.item_ids))
    if not is_about and len(kept) == len(event.item_ids):
        return event
    return replace(event, item_ids=kept, category=None if is_about else event.category)


def _preference_without(event: Event, sensitive: Collection[str]) -> Event:
    """What is stated of other categories."""
    properties = _wishes_without(event.properties, sensitive)
    stated = event.attribute == CATEGORY and event.value is not None
    value = _wish_without(str(event.value), sensitive) if stated else event.value
    if properties is event.properties and value == event.value:
        return event
    return replace(event, properties=properties, value=value)


def _wishes_without(facts: dict[str, str], sensitive: Collection[str]) -> dict[str, str]:
    """Facts by name, of which the categories that are wished for are others; the same object where they are."""
    said = facts.get(CATEGORY)
    left = _wish_without(said, sensitive) if said is not None else said
    return facts if left is None or left == said else facts | {CATEGORY: left}


def _wish_without(value: str, sensitive: Collection[str]) -> str:
    named = {one.lower(): one for one in sensitive}
    said = value.split(",")
    left = [one for one in said if not is_among(one.strip().removeprefix(LESS).strip(), named)]
    return value if len(left) == len(said) else ",".join(left)
