"""The last pieces: bought ones are gone, those in a cart are kept for a while, and never more than there are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.items import Item
from schemas.knowledge import ItemKnowledge, epoch_end_ms, epoch_of
from schemas.limits import MINUTE_MS, PIECES_MAX, RESERVED_MAX_MS
from schemas.state.lessons import ItemFact
from tests.builders import NOON, make_event
from udfs.knowledge.learn_items import learn_item
from udfs.knowledge.pieces import HELD, RELEASED, SOLD, SOLD_KEPT_MS, pieces_left, pieces_taken

EPOCH = epoch_of(NOON)
ITEM = Item("i1", NOON - MINUTE_MS, stock=3)
QUARTER_MS = 15 * MINUTE_MS


def fact(count: str, pieces: float = 1.0, at_ms: int = NOON, number: int = 0) -> ItemFact:
    return ItemFact("item", "i1", at_ms, "s", 1, number, at_ms, count, pieces)


def learnt(
    *facts: ItemFact, before: ItemKnowledge | None = None, epoch: int = EPOCH
) -> ItemKnowledge:
    return learn_item(before, facts, epoch)


def left(known: ItemKnowledge | None, at_ms: int = NOON, own: int = 0, item: Item = ITEM) -> Any:
    return pieces_left(item, known, at_ms, QUARTER_MS, own)


def taken(kind: str, item: Item | None = ITEM, **fields: Any) -> list[tuple[str, float]]:
    return list(pieces_taken(make_event(event_type=kind, item_ids=["i1"], **fields), item))


def test_what_takes_pieces_and_gives_them_back() -> None:
    assert taken("product_added_to_cart") == [(HELD, 1.0)]
    assert taken("product_added_to_cart", quantity=2) == [(HELD, 2.0)]
    assert taken("product_removed_from_cart", quantity=2) == [(RELEASED, 2.0)]
    assert taken("purchase_completed") == [(SOLD, 1.0)]
    assert taken("purchase_completed", quantity=500) == [(SOLD, float(PIECES_MAX))]
    assert taken("product_viewed") == []


def test_a_basket_says_nothing_of_how_many_pieces_each_item_has() -> None:
    event = make_event(event_type="purchase_completed", item_ids=["i1", "i2"], quantity=9)
    assert list(pieces_taken(event, ITEM)) == [(SOLD, 1.0)]


def test_where_stock_is_unknown_or_nothing_is_proven_nothing_is_taken() -> None:
    assert taken("purchase_completed", Item("i1")) == []
    assert taken("purchase_completed", None) == []
    assert taken("product_added_to_cart", is_unproven=True) == []


def test_pieces_that_are_bought_or_in_carts_are_not_left() -> None:
    assert left(None) == 3
    assert left(learnt(fact(HELD, 2.0))) == 1
    assert left(learnt(fact(SOLD, 2.0))) == 1
    assert left(learnt(fact(HELD), fact(SOLD, number=1, at_ms=NOON + 1))) == 2, (
        "what was held is bought"
    )
    assert left(learnt(fact(HELD), fact(RELEASED, number=1, at_ms=NOON + 1))) == 3


def test_ones_own_pieces_are_kept_from_others_only() -> None:
    known = learnt(fact(HELD, 3.0))
    assert left(known) == 0
    assert left(known, own=1) == 1
    assert left(learnt(fact(HELD)), own=2) == 3, "no more are given back than were held"


def test_a_cart_keeps_pieces_for_a_while() -> None:
    known = learnt(fact(HELD))
    assert left(known, NOON + QUARTER_MS - 1) == 2
    assert left(known, NOON + QUARTER_MS) == 3
    assert pieces_left(ITEM, known, NOON, 0, 0) == 3, "0 ms: carts keep nothing"


def test_the_catalogue_knows_what_was_bought_before_it_spoke() -> None:
    known = learnt(fact(SOLD, 3.0))
    assert left(known) == 0
    assert left(known, item=Item("i1", NOON, stock=3)) == 3
    assert left(learnt(fact(HELD, 2.0)), item=Item("i1", NOON, stock=3)) == 1, (
        "carts it does not know"
    )


@pytest.mark.parametrize("stock", [None, PIECES_MAX + 1])
def test_unknown_and_large_stock_is_what_the_catalogue_says(stock: int | None) -> None:
    assert left(learnt(fact(SOLD, 9.0)), item=Item("i1", 0, stock=stock)) == stock


def test_what_is_old_is_forgotten() -> None:
    known = learnt(fact(HELD), fact(SOLD, number=1))
    assert (len(known.held), len(known.sold)) == (0, 1)
    known = learnt(fact(HELD, at_ms=NOON + 1), before=known)
    later = NOON + RESERVED_MAX_MS + MINUTE_MS
    known = learnt(fact("views", at_ms=later), before=known, epoch=epoch_of(later))
    assert (len(known.held), len(known.sold)) == (0, 1)
    later = NOON + SOLD_KEPT_MS + MINUTE_MS
    known = learnt(fact("views", at_ms=later), before=known, epoch=epoch_of(later))
    assert (known.held, known.sold) == ((), ())


def test_pieces_teach_nothing_else() -> None:
    seen, more = (
        learnt(fact("views")),
        learnt(fact("views"), fact(HELD, 5.0), fact(SOLD, 5.0, NOON, 1)),
    )
    assert (more.interest, more.purchases, more.carts) == (seen.interest, 0.0, 0.0)


@given(
    st.lists(
        st.tuples(st.sampled_from([HELD, RELEASED, SOLD]), st.integers(1, PIECES_MAX)), max_size=30
    ),
    st.integers(0, PIECES_MAX),
    st.randoms(),
)
def test_bounded_in_any_order_of_arrival_and_never_more_left_than_there_are(
    found: list[tuple[str, int]], stock: int, chance: Any
) -> None:
    facts = [fact(how, float(pieces), NOON + n, n) for n, (how, pieces) in enumerate(found)]
    known = learnt(fact("views"), *facts)
    chance.shuffle(facts)
    assert learnt(*facts, fact("views")) == known
    assert max(len(known.held), len(known.sold)) <= PIECES_MAX
    end_ms = epoch_end_ms(EPOCH)
    got = left(known, end_ms, item=Item("i1", 0, stock=stock))
    sold = sum(pieces for how, pieces in found if how == SOLD)
    assert got <= max(0, stock - sold) or got <= 0
