"""Lists that do not jump, through the fold: what a person is shown next, and what ends it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Boost, ItemRules, Treatment
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.items import Item
from schemas.limits import SESSION_GAP_MS
from schemas.policy import RECOMMEND_ITEMS, Holdout, Placement, Policy, Suppression
from tests.builders import NOON, make_event, make_record
from udfs.items.retrieve_candidates import LAST_SLATE
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

NAMES: Final = ("a", "b", "c", "d")
ITEMS: Final = tuple(Item(one, category=f"Shop/{one.upper()}") for one in NAMES)
GRANTED: Final = ("personalisation", "analytics")
LATER: Final = SESSION_GAP_MS + 60_000


def asks(second: int, order: Iterable[str] | None = None, **fields: Any) -> Event:
    """A page that asks for the list; with `order` of the caller's own candidates, the best first."""
    listed = [{"item_id": one, "position": place} for place, one in enumerate(order or ())]
    own: dict[str, Any] = {"placements": ["list"], "candidates": listed}
    return does(second, **({"event_type": "page_viewed"} | own | fields))


def does(second: int, event_type: str, **fields: Any) -> Event:
    own: dict[str, Any] = {
        "event_id": f"e{second}",
        "event_time_ms": NOON + second * 1_000,
        "consent": GRANTED,
    }
    return make_event(**({"event_type": event_type} | own | fields))


def folded(
    *events: Event,
    items: Iterable[Item] = ITEMS,
    held_out: float = 0.0,
    rules: ItemRules | None = None,
    sensitive: tuple[str, ...] = (),
    **placement: Any,
) -> list[tuple[Decision, DecisionTrace]]:
    own: dict[str, Any] = {"steadiness": 100.0, "rank_by": "given", "size": 4} | placement
    actions: tuple[Action, ...] = ()
    if rules is not None:
        actions = (Action(RECOMMEND_ITEMS, "slate", ("list",), (Treatment("t"),), items=rules),)
    policy = Policy(
        (Placement("list", **own),), Suppression(current_item=False, sensitive=sensitive), actions,
        holdout=Holdout(held_out),
    )  # fmt: skip
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    for at, item in enumerate(items):
        knowledge.add_item(item, at)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = (make_record(event, at) for at, event in enumerate(events))
    return [one for step in fold.run(log) for one in step.decisions]


def lists(*events: Event, **more: Any) -> list[str]:
    """Of each decision the items of its list."""
    return ["".join(one.item_id for one in decision.items) for decision, _ in folded(*events, **more)]  # fmt: skip


def test_a_list_keeps_its_order_in_a_visit() -> None:
    events = [asks(0, "abcd"), asks(1, "dcba"), asks(2, "bdac")]
    assert lists(*events) == ["abcd"] * 3
    assert lists(*events, steadiness=0.0) == ["abcd", "dcba", "bdac"]


def test_what_is_better_by_the_margin_goes_before() -> None:
    """Scores of 0, -1, -2, -3: a standard deviation of 1.12 is passed by two places, not by one."""
    events = [asks(0, "abcd"), asks(1, "bacd"), asks(2, "cabd")]
    assert lists(*events, steadiness=1.0) == ["abcd", "abcd", "acbd"]


def test_the_next_visit_begins_anew() -> None:
    later = asks(2, "dcba", event_time_ms=NOON + LATER)
    assert lists(asks(0, "abcd"), asks(1, "dcba"), later) == ["abcd", "abcd", "dcba"]
    other = asks(2, "dcba", session_id="s2")
    assert lists(asks(0, "abcd"), other) == ["abcd", "dcba"]


def test_what_is_dismissed_sold_out_or_gone_leaves_at_once() -> None:
    dismissed = does(1, "not_interested", item_ids=["a"])
    assert lists(asks(0, "abcd"), dismissed, asks(2, "dcba")) == ["abcd", "bcd"]
    later = NOON + 1_500
    sold = [*ITEMS, Item("b", later, category="Shop/B", stock=0)]
    assert lists(asks(0, "abcd"), asks(2, "dcba"), items=sold) == ["abcd", "acd"]
    gone = [*ITEMS, Item("b", later, is_gone=True)]
    assert lists(asks(0, "abcd"), asks(2, "dcba"), items=gone) == ["abcd", "acd"]


def test_rules_hold_in_a_steady_list() -> None:
    nothing_of_a = ItemRules(require='item.category != "Shop/A"')
    less_of_a = ItemRules(boosts=(Boost("less", 'item.category == "Shop/A"', 0.01),))
    pin = ItemRules(pin='item.category == "Shop/D"')
    events = [asks(0, "abcd"), asks(1, "acbd")]
    assert lists(*events, rules=nothing_of_a) == ["bcd", "bcd"]
    assert lists(*events, rules=less_of_a) == ["bcda", "bcda"]
    assert lists(*events, rules=pin, size=3) == ["abd", "abd"]


def test_what_nothing_finds_any_more_is_still_a_candidate_and_says_so() -> None:
    """The search found the hat; the page behind it is of nothing, and there is room for six candidates of ten."""
    search = asks(0, query="a red hat", event_type="search_performed")
    found = Item("hat", 0, "Red Hat", "Shop/Hats")
    items = [found, *(Item(f"n{n}", 1 + n, f"New {n}", "Shop/N") for n in range(9))]
    first, second = folded(search, asks(1), items=items, size=2, candidates=6, rank_by="cold_start")
    assert first[0].items[0].item_id == "hat"
    (kept,) = (one for one in second[1].candidates if one.item_id == "hat")
    assert (kept.source, kept.values["place_before"]) == (LAST_SLATE, "1")
    assert second[0].items[0].item_id == "hat"
    assert second[0].items[0].reason == "Still in your list"
    assert len(second[1].candidates) == 6
    as_ever = folded(search, asks(1), items=items, size=2, candidates=6, steadiness=0.0, rank_by="cold_start")[1]  # fmt: skip
    assert "hat" not in {one.item_id for one in as_ever[1].candidates}


@pytest.mark.parametrize("more", [{"consent": ()}, {"consent": ("analytics",)}])
def test_without_a_profile_nothing_is_remembered(more: dict[str, Any]) -> None:
    assert lists(asks(0, "abcd", **more), asks(1, "dcba", **more)) == ["abcd", "dcba"]


def test_who_takes_consent_back_has_no_list_any_more() -> None:
    back = does(1, "consent_changed", consent=())
    again = does(2, "consent_changed", consent=GRANTED)
    assert lists(asks(0, "abcd"), back, again, asks(3, "dcba")) == ["abcd", "dcba"]


def test_the_holdout_is_shown_what_everybody_is() -> None:
    assert lists(asks(0, "abcd"), asks(1, "dcba"), held_out=1.0) == ["abcd", "dcba"]


def test_who_signs_in_keeps_the_list() -> None:
    signs_in = does(1, "identified", person_id="p")
    events = [asks(0, "abcd"), signs_in, asks(2, "dcba", person_id="p")]
    assert lists(*events) == ["abcd", "abcd"]


def test_what_is_sensitive_is_kept_in_no_list() -> None:
    asked = does(0, "product_viewed", item_ids=["a"])
    events = [asked, asks(1, "abcd"), asks(2, "dcba")]
    assert lists(*events, sensitive=("Shop/A",)) == ["abcd", "bcda"]


def test_with_settings_of_nothing_decisions_are_those_of_a_policy_without_them() -> None:
    events = [asks(0, "abcd"), asks(1, "dcba"), asks(2), does(3, "product_viewed", item_ids=["a"])]
    as_ever = folded(*events, steadiness=0.0)
    zeros = folded(*events, steadiness=0.0, novelty=0.0, coverage=0.0, diversity=0.0)
    encode = msgspec.msgpack.encode
    assert [encode(one) for one in zeros] == [encode(one) for one in as_ever]
    assert not any(one.values for _, trace in as_ever for one in trace.candidates)
    bold = folded(*events, steadiness=0.0, novelty=1.0)
    assert [encode(one) for one in bold] != [encode(one) for one in as_ever]


def test_what_a_person_has_met_goes_behind_what_is_new_to_them() -> None:
    met = [
        does(second, "decision_exposed", item_ids=[one], decision_id="d")
        for second, one in enumerate("ab")
    ]
    assert lists(*met, asks(3, "abcd"), steadiness=0.0, novelty=1.0) == ["cdab"]
    assert lists(*met, asks(3, "abcd"), steadiness=0.0, coverage=1.0) == ["abcd"]
