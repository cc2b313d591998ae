"""The last pieces of an item in stock: what of them is bought or lies in a cart since the catalogue told how many there are.

A catalogue that is told once an hour says `1` for an hour after the one piece is gone. Between two of its versions the log
knows better: what was bought since its version is gone, and what somebody put into a cart is kept for them for a while.
Each piece is a time of an event, of nobody.

How far more people may be offered an item than there are pieces of it: by those who are decided for between such an event
and the epoch that knows of it (EPOCH_MS + EPOCH_AHEAD_MS), and by those whom a decision of before is shown while it is
valid. Which of the pieces in carts a purchase or a removal ends is not known, since nobody's name is kept: it is the oldest.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.events import Event
from schemas.items import Item
from schemas.knowledge import ItemKnowledge
from schemas.limits import DAY_MS, PIECES_MAX, RESERVED_MAX_MS
from schemas.state.lessons import ItemFact
from udfs.facts.cart import pieces_of

HELD: Final = "held"
RELEASED: Final = "released"
SOLD: Final = "sold"
SOLD_KEPT_MS: Final = DAY_MS
"""So long the catalogue may take to tell that a piece is gone."""
MOVES: Final = {
    "product_added_to_cart": HELD,
    "product_removed_from_cart": RELEASED,
    "purchase_completed": SOLD,
}
"""Event types that take pieces of their items or give them back, and how."""


def pieces_taken(event: Event, item: Item | None) -> Iterator[tuple[str, float]]:
    """How the event takes pieces of one of its items, and how many, where the catalogue tells how many there are.

    An event without proof takes none: anybody could keep all last pieces from all others.
    """
    how = MOVES.get(event.event_type)
    if how is None or event.is_unproven or item is None or item.stock is None:
        return
    yield how, float(min(pieces_of(event), PIECES_MAX))


def learn_pieces(
    before: ItemKnowledge | None, facts: Sequence[ItemFact], at_ms: int
) -> dict[str, tuple[int, ...]]:
    """`sold` and `held` of an item at the end of an epoch, by the epoch's facts in their order."""
    sold = [one for one in (before.sold if before else ()) if one > at_ms - SOLD_KEPT_MS]
    held = [one for one in (before.held if before else ()) if one > at_ms - RESERVED_MAX_MS]
    for fact in facts:
        pieces = [fact.time_ms] * int(fact.weight)
        if fact.count == HELD:
            held = sorted(held + pieces)
        elif fact.count in (SOLD, RELEASED):
            del held[: len(pieces)]
            sold += pieces if fact.count == SOLD else []
    return {"sold": tuple(sorted(sold)[-PIECES_MAX:]), "held": tuple(held[-PIECES_MAX:])}


def pieces_left(
    item: Item, known: ItemKnowledge | None, now_ms: int, reserved_ms: int, own: int
) -> int | None:
    """How many pieces nobody else has bought or lies in another's cart; None where stock is unknown.

    `known` of the item now; what lies in carts is kept for `reserved_ms`; `own` pieces lie in the person's own. Stock of more
    than PIECES_MAX is what the catalogue says.
    """
    if item.stock is None or known is None or item.stock > PIECES_MAX:
        return item.stock
    sold = sum(one > item.effective_from_ms for one in known.sold)
    held = sum(one > now_ms - reserved_ms for one in known.held)
    return item.stock - sold - max(0, held - own)
