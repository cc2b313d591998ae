"""A share of the slates in random order: the same items and choice, an order that is any alike, and known again from the hash."""

from collections import Counter
from functools import cache
from typing import Final

import msgspec
from msgspec.structs import replace

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.limits import MINUTE_MS
from schemas.policy import Policy
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from udfs.explain.tracing import WHOLE
from udfs.items.shuffle_slates import is_shuffled
from udfs.policy.compile_policy import compile_policy

SEED: Final = "seed"
DECISIONS: Final = 160


@cache
def decided(share: float, held_out: float = 0.0) -> list[tuple[Decision, DecisionTrace]]:
    """One decision of four items for each of 160 visitors who look at their carts."""
    home = {"name": "home", "size": 4, "shuffle": share, "event_types": ["cart_viewed"]}
    said = {"placements": [home], "holdout": {"share": held_out}}
    knowledge = make_knowledge(*make_catalogue(4))
    knowledge.add_policy("p", 1, 1, compile_policy(msgspec.convert(said, Policy)))
    events = [
        make_event(event_id=f"e{n}", event_type="cart_viewed", event_time_ms=NOON + n * MINUTE_MS, session_id=f"s{n}", anonymous_id=f"p{n}")
        for n in range(DECISIONS)
    ]  # fmt: skip
    fold = Fold(knowledge, FoldRules(EVENT.decode, SEED, tracing=WHOLE), Learner())
    log = [make_record(one, n) for n, one in enumerate(events)]
    return [made for step in fold.run(log) for made in step.decisions]


def order(made: tuple[Decision, DecisionTrace]) -> tuple[str, ...]:
    return tuple(one.item_id for one in made[0].items)


def test_only_the_share_is_shuffled_and_the_hash_tells_which() -> None:
    shuffled = decided(0.25)
    is_told = [is_shuffled(SEED, one[0].decision_id, 0.25) for one in shuffled]
    assert 19 < sum(is_told) < 61  # four standard deviations
    for known, one, other in zip(is_told, shuffled, decided(0.0), strict=True):
        assert set(order(one)) == set(order(other))
        assert known or order(one) == order(other)
    moved = [order(one) != order(other) for one, other in zip(shuffled, decided(0.0), strict=True)]
    assert sum(moved) > 0.8 * sum(is_told)  # one order of 24 is the old one


def test_any_order_is_as_likely_as_any_other() -> None:
    """160 decisions over 4 places: 40 each, within four standard deviations."""
    shuffled = [order(one) for one in decided(1.0)]
    for place in range(4):
        counts = Counter(one[place] for one in shuffled)
        assert len(counts) == 4
        assert max(abs(count - 40) for count in counts.values()) < 4 * (160 * 3 / 16) ** 0.5
    assert len(set(shuffled)) == 24


def test_nothing_else_of_a_decision_changes() -> None:
    """The place of an item is no feature: vectors, scores, the action and its chances are as they were; each item keeps its reason."""
    for (one, trace), (other, before) in zip(decided(1.0), decided(0.0), strict=True):
        assert trace.matrix_digest == before.matrix_digest
        assert trace.features == before.features != b""
        assert trace.actions == before.actions
        assert {it.item_id: it for it in one.items} == {it.item_id: it for it in other.items}
        assert replace(one, items=(), explanation="") == replace(other, items=(), explanation="")


def test_the_trace_says_from_which_place_an_item_came() -> None:
    (_, before), (decision, trace) = decided(0.0)[0], decided(1.0)[0]
    assert not any("shuffled" in one.values for one in before.candidates)
    said = {one.item_id: one.values.get("shuffled") for one in trace.candidates if one.verdict == "chosen"}  # fmt: skip
    places = {
        item_id: f"from place {at}" for at, item_id in enumerate(order(decided(0.0)[0]), start=1)
    }
    assert said == places
    assert {one.item_id for one in decision.items} == places.keys()


def test_people_in_the_holdout_are_shuffled_alike() -> None:
    """So that they stay comparable, and a log tells without their arms what was shuffled."""
    shuffled = decided(1.0, held_out=1.0)
    assert all(one.is_holdout for one, _ in shuffled)
    assert len({order(one) for one in shuffled}) == 24
