"""The last piece of an item, from one person's cart to what another is offered: two visits of one log."""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.items import Item
from schemas.knowledge import effective_from_ms
from schemas.limits import EPOCH_AHEAD_MS, EPOCH_MS, MINUTE_MS, SECOND_MS
from schemas.policy import Holdout, Placement, Policy, Suppression
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

HORIZON_MS: Final = EPOCH_MS + EPOCH_AHEAD_MS
"""From an event until every decision knows of it."""
LATER_MS: Final = HORIZON_MS + SECOND_MS
ITEMS: Final = (Item("last", 0, stock=1), Item("many", 0, stock=50))


def visit(person: str, kind: str, at_ms: int, *items: str, **fields: Any) -> Event:
    return make_event(
        event_id=f"{person}{at_ms}{kind}", event_type=kind, event_time_ms=NOON + at_ms, session_id=person,
        anonymous_id=person, item_ids=items, **fields,
    )  # fmt: skip


def asks(person: str, at_ms: int, **fields: Any) -> Event:
    return visit(person, "page_viewed", at_ms, placements=["home"], **fields)


def fates(
    *events: Event, items: tuple[Item, ...] = ITEMS, **suppression: Any
) -> dict[tuple[str, int], str]:
    """What became of the last piece in each decision, by person and time: `""` where nothing spoke against it."""
    policy = Policy(
        placements=(Placement("home"),), suppression=Suppression(**suppression), holdout=Holdout(share=0.0),
    )  # fmt: skip
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    for position, item in enumerate(items):
        knowledge.add_item(item, position)
    # everybody knows both, so both are candidates
    known = [
        visit("first", "product_viewed", -MINUTE_MS, "last"),
        visit("first", "product_viewed", -MINUTE_MS + 1, "many"),
    ]
    log = sorted([*known, *events], key=lambda one: one.event_time_ms)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"), Learner())
    made: list[tuple[Decision, DecisionTrace]] = []
    for one in fold.run(make_record(event, offset) for offset, event in enumerate(log)):
        made += one.decisions
    return {
        (decision.person, decision.event_time_ms - NOON): _fate(trace) for decision, trace in made
    }


def _fate(trace: DecisionTrace) -> str:
    found = {one.item_id: one.rule for one in trace.candidates if one.verdict == "suppressed"}
    assert "last" in {one.item_id for one in trace.candidates}
    return found.get("last", "")


def test_what_lies_in_a_cart_is_kept_from_others_and_not_from_its_owner() -> None:
    found = fates(
        asks("bob", 0), visit("ada", "product_added_to_cart", 1, "last"), asks("bob", LATER_MS), asks("ada", LATER_MS),
    )  # fmt: skip
    assert found == {("bob", 0): "", ("bob", LATER_MS): "reserved", ("ada", LATER_MS): ""}


def test_it_is_there_again_when_it_is_put_back_or_the_time_is_over() -> None:
    put = visit("ada", "product_added_to_cart", 0, "last")
    back = visit("ada", "product_removed_from_cart", MINUTE_MS, "last")
    after, over = MINUTE_MS + LATER_MS, 15 * MINUTE_MS
    assert fates(put, back, asks("bob", after)) == {("bob", after): ""}
    assert fates(put, asks("bob", after)) == {("bob", after): "reserved"}
    assert fates(put, asks("bob", over)) == {("bob", over): ""}
    assert fates(put, asks("bob", after), reserved_ms=SECOND_MS) == {("bob", after): ""}


def test_what_is_bought_is_gone_until_the_catalogue_has_new_ones() -> None:
    put = visit("ada", "product_added_to_cart", 0, "last")
    bought = visit("ada", "purchase_completed", MINUTE_MS, "last", value_amount=9.0)
    hour = 60 * MINUTE_MS
    assert fates(put, bought, asks("bob", hour)) == {("bob", hour): "reserved"}
    told = (*ITEMS, Item("last", NOON + 2 * MINUTE_MS, stock=1))
    assert fates(put, bought, asks("bob", hour), items=told) == {("bob", hour): ""}


def test_a_purchase_that_is_told_twice_takes_one_piece() -> None:
    bought = [
        visit("ada", "purchase_completed", at, "last", value_amount=9.0) for at in (0, SECOND_MS)
    ]
    again = replace(bought[1], event_id=bought[0].event_id, session_id="ada2")
    two = (Item("last", 0, stock=2), ITEMS[1])
    assert fates(bought[0], again, asks("bob", MINUTE_MS), items=two) == {("bob", MINUTE_MS): ""}
    assert fates(*bought, asks("bob", MINUTE_MS), items=two) == {("bob", MINUTE_MS): "reserved"}


def test_who_agrees_to_nothing_takes_a_piece_all_the_same() -> None:
    bought = visit("ada", "purchase_completed", 0, "last", value_amount=9.0, consent=[])
    assert fates(bought, asks("bob", MINUTE_MS)) == {("bob", MINUTE_MS): "reserved"}


def test_without_proof_nobody_keeps_a_piece_from_others() -> None:
    put = visit("ada", "product_added_to_cart", 0, "last", is_unproven=True)
    assert fates(put, asks("bob", MINUTE_MS)) == {("bob", MINUTE_MS): ""}


@pytest.mark.parametrize("people", [1, 400])
def test_more_are_offered_it_only_until_the_epoch_that_knows(people: int) -> None:
    """The stated bound of overshoot: who is decided for within EPOCH_MS + EPOCH_AHEAD_MS."""
    put = visit("ada", "product_added_to_cart", 0, "last")
    others = [asks(f"p{number}", number * 10) for number in range(people)]
    found = fates(put, *others, asks("bob", HORIZON_MS))
    offered = [at for (_, at), rule in found.items() if rule == ""]
    in_force_ms = effective_from_ms(NOON // EPOCH_MS + 1) - NOON
    assert offered == [at for at in range(0, people * 10, 10) if at < in_force_ms]
    assert max(offered) < HORIZON_MS
    assert found["bob", HORIZON_MS] == "reserved"


def test_stock_that_is_looked_at_no_more_is_offered_by_nobody_else() -> None:
    put = visit("ada", "product_added_to_cart", 0, "last")
    assert fates(put, asks("bob", MINUTE_MS), out_of_stock=False) == {("bob", MINUTE_MS): ""}
