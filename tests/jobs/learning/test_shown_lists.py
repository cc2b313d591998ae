"""What people were shown, and where what they took of it stood: from the log, by who may be learnt from."""

import random
from typing import Any, Final

import msgspec
import numpy as np
import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.learning import shown_lists
from jobs.learning.examples import collect
from jobs.learning.shown_lists import Shown, ShownLists
from jobs.learning.weighing import UNASKED, Looking, Weighing
from models.learning.examination import CLICKS_MIN, Curve, Weighed
from schemas.codec import EVENT
from schemas.events import Event
from schemas.policy import Policy
from tests.builders import make_catalogue, make_knowledge, make_record
from tests.jobs.learning.asked import at, request
from udfs.draw import identify_decision
from udfs.explain.tracing import Tracing
from udfs.items.shuffle_slates import is_shuffled
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

SEED: Final = "seed"
RULES: Final = FoldRules(EVENT.decode, SEED, decides=lambda _: False, tracing=Tracing(0.0))
HOME: Final[dict[str, Any]] = {"name": "home", "event_types": ["cart_viewed"]}
RERANK: Final[dict[str, Any]] = {"name": "rerank", "event_types": ["ranking_requested"], "size": 25}


def chosen(seconds: float, request_id: str, item_id: str, **fields: Any) -> Event:
    return at(seconds, "ranking_clicked", item_id, request_id=request_id, **fields)


def told(seconds: float, kind: str, decision_id: str, *item_ids: str, placement: str = "home", **fields: Any) -> Event:  # fmt: skip
    properties = {"placement": placement, "action_id": "recommend_items"} | fields.pop("properties", {})  # fmt: skip
    event_id = f"{decision_id}/{kind}/{seconds}"
    return at(seconds, f"decision_{kind}", *item_ids, event_id=event_id, decision_id=decision_id, properties=properties, **fields)  # fmt: skip


def knowing(**policy: Any) -> Knowledge:
    knowledge = make_knowledge(*make_catalogue(10))
    said = {"placements": [HOME, RERANK], "holdout": {"share": 0.0}} | policy
    knowledge.add_policy("own", 1, 1, compile_policy(msgspec.convert(said, Policy)))
    return knowledge


def seen(*events: Event, **policy: Any) -> ShownLists:
    """The lists that a fold tells of."""
    weighing = Weighing(knowledge := knowing(**policy), SEED, Looking())
    fold = Fold(knowledge, RULES)
    for one in fold.run([make_record(event, n) for n, event in enumerate(events)]):
        weighing.see(one, fold)
    return weighing.lists


def shown(*events: Event, **policy: Any) -> list[Shown]:
    return seen(*events, **policy).lists


# --- what was shown ---------------------------------------------------------------------------


def test_a_callers_list_is_shown_by_its_places_and_answered_by_its_request() -> None:
    events = [
        at(0, "ranking_requested", event_id="r1", query="sea view",
           candidates=[{"item_id": "b", "position": 7}, {"item_id": "a", "position": 2}]),
        chosen(5, "r1", "b"), chosen(6, "r1", "a"), chosen(7, "r9", "a"),
    ]  # fmt: skip
    assert shown(*events) == [Shown("rerank", "sea view", ("a", "b"), False, False, 1)]


def test_a_slate_is_shown_as_it_was_told_of_and_once() -> None:
    events = [
        told(0, "exposed", "d1", "a", "b", "c", category="shoes"), told(1, "exposed", "d1", "c", "b"),
        told(5, "clicked", "d1", "never shown"), told(6, "clicked", "d1", "b"), told(7, "clicked", "d1", "a"),
        told(8, "clicked", "d2", "a"),
    ]  # fmt: skip
    assert shown(*events) == [Shown("home", "shoes", ("a", "b", "c"), False, True, 1)]


def test_a_callers_list_that_was_shown_in_our_order_is_shown_in_that() -> None:
    """Its click still names the request; what was looked for stands in the request."""
    asked = request(0, "r1", "a", "b", "c", query="pans")
    ours = identify_decision(asked.anonymous_id, asked.session_id, "r1", "rerank")
    events = [asked, told(1, "exposed", ours, "c", "a", "b", placement="rerank"), chosen(5, "r1", "a")]  # fmt: skip
    assert shown(*events) == [Shown("rerank", "pans", ("c", "a", "b"), False, True, 1)]
    late = [asked, chosen(1, "r1", "a"), told(5, "exposed", ours, "c", "a", "b", placement="rerank")]  # fmt: skip
    assert shown(*late) == [Shown("rerank", "pans", ("a", "b", "c"), False, False, 0)]


@pytest.mark.parametrize(
    "event",
    [
        request(0, "r1"),
        at(0, "decision_exposed", "a", decision_id="d1"),
        told(0, "exposed", "d1"),
        told(0, "exposed", "d1", "a", "b", is_unproven=True),
        told(0, "exposed", "d1", "a", "b", consent=["personalisation"]),
        at(0, "product_viewed", "a"),
    ],
)
def test_what_is_no_list_that_others_may_learn_from(event: Event) -> None:
    assert shown(event) == []


def test_a_click_that_nobody_vouches_for_takes_nothing() -> None:
    (one,) = shown(told(0, "exposed", "d1", "a", "b"), told(5, "clicked", "d1", "b", is_unproven=True))  # fmt: skip
    assert one.taken is None


def test_a_list_that_no_placement_asks_for_is_none() -> None:
    assert shown(request(0, "r1", "a", "b"), placements=[HOME]) == []


def test_lists_are_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_lists, "LISTS_MAX", 2)
    monkeypatch.setattr(shown_lists, "NAMES_MAX", 1)
    events = [request(n, f"r{n}", f"a{n}", f"b{n}") for n in range(4)]
    found = seen(*events, chosen(8, "r1", "a1"), chosen(9, "r3", "b3"))
    assert [(one.items, one.taken) for one in found.lists] == [(("a2", "b2"), None), (("a3", "b3"), 1)]  # fmt: skip
    assert (len(found._requested), len(found._names)) == (2, 2)


# --- what was in random order -----------------------------------------------------------------


def test_what_the_policy_had_shuffled_is_known_without_being_told() -> None:
    events = [told(n, "exposed", f"d{n}", "a", "b") for n in range(60)]
    placements = [HOME | {"shuffle": 0.5}, RERANK]
    found = [one.is_random for one in shown(*events, placements=placements)]
    assert found == [is_shuffled(SEED, f"d{n}", 0.5) for n in range(60)]
    assert 15 < sum(found) < 45
    assert not any(one.is_random for one in shown(*events))


def test_decisions_that_were_shuffled_are_known_by_their_exposures() -> None:
    """Decided under the policy, shown as decided, told as shown: the fold that learns draws as the one that decided."""
    carts = [at(60 * n, "cart_viewed", session_id=f"s{n}", anonymous_id=f"p{n}") for n in range(40)]
    made = {}
    for share in (0.0, 0.5):
        policy = {"placements": [HOME | {"shuffle": share, "size": 10}, RERANK]}
        fold = Fold(knowing(**policy), RULES._replace(decides=lambda _: True))
        steps = fold.run([make_record(event, n) for n, event in enumerate(carts)])
        made[share] = [decision for one in steps for decision, _ in one.decisions]
    told_of = [
        told(60 * n + 1, "exposed", one.decision_id, *(it.item_id for it in one.items), session_id=f"s{n}", anonymous_id=f"p{n}")
        for n, one in enumerate(made[0.5])
    ]  # fmt: skip
    found = shown(*told_of, placements=[HOME | {"shuffle": 0.5}, RERANK])
    is_other = [one.items != two.items for one, two in zip(*made.values(), strict=True)]
    assert [one.is_random for one in found] == is_other
    assert 8 < sum(is_other) < 32


def test_of_arms_that_shuffle_different_shares_what_all_of_them_shuffle_counts() -> None:
    arms = [{"name": "less", "share": 0.5, "changes": {"placements": {"home": {"shuffle": 0.2}}}}, {"name": "same", "share": 0.5}]  # fmt: skip
    events = [told(n, "exposed", f"d{n}", "a", "b") for n in range(60)]
    placements = [HOME | {"shuffle": 0.5}, RERANK]
    found = shown(*events, placements=placements, experiments=[{"name": "e", "arms": arms}])
    assert [one.is_random for one in found] == [is_shuffled(SEED, f"d{n}", 0.2) for n in range(60)]


def test_a_sender_says_which_lists_are_in_random_order() -> None:
    said, other = {"order": "random"}, {"order": "by price"}
    events = [
        request(0, "r1", "a", "b", properties=said), request(1, "r2", "a", "b", properties=other),
        told(2, "exposed", "d1", "a", "b", properties=said), told(3, "exposed", "d2", "a", "b"),
    ]  # fmt: skip
    assert [one.is_random for one in shown(*events)] == [True, False, True, False]


# --- from the log to weights ------------------------------------------------------------------

WANTED: Final = {f"i{n}": 0.05 + 0.03 * n for n in range(6)}
LOOKED_AT: Final = (1.0, 0.6, 0.4, 0.3)


def visits(count: int, seed: int = 1, order: str = "by hand") -> list[Event]:
    """A list of four items each, shuffled; who looks at a place takes what is wanted there."""
    chance = random.Random(seed)
    events = []
    for n in range(count):
        items = chance.sample(sorted(WANTED), 4)
        who = {"session_id": f"s{seed}-{n}", "anonymous_id": f"p{seed}-{n}"}
        events.append(request(10 * n, f"r{n}", *items, properties={"order": order}, **who))
        taken = [one for one, looked_at in zip(items, LOOKED_AT, strict=True) if chance.random() < looked_at * WANTED[one]]  # fmt: skip
        if taken:
            events.append(chosen(10 * n + 5, f"r{n}", chance.choice(taken), **who))
    return events


@pytest.mark.parametrize(("way", "order"), [("random", "random"), ("swaps", "by hand")])
def test_a_planted_curve_is_found_in_a_log(way: Any, order: str) -> None:
    weighing = Weighing(knowledge := knowing(), SEED, Looking(way))
    fold = Fold(knowledge, RULES)
    for one in fold.run([make_record(event, n) for n, event in enumerate(visits(2_000, order=order))]):  # fmt: skip
        weighing.see(one, fold)
    (curve,) = weighing.lists.curves(way)
    assert (curve.placement, curve.source, curve.lists, curve.is_used) == ("rerank", way, 2_000, True)  # fmt: skip
    assert curve.chances == pytest.approx(LOOKED_AT, rel=0.35)


def weighed(events: list[Event], looking: Looking, **policy: Any) -> Weighed | None:
    class Nowhere:
        def add(self, *_: Any) -> None: ...

    rules = RULES._replace(decides=lambda _: True)
    log = [make_record(event, n) for n, event in enumerate(events)]
    return collect(log, knowing(**policy), rules, None, Nowhere(), None, looking).weighed  # type: ignore[arg-type]


GIVEN: Final = Looking(
    "given", (Curve(placement="rerank", source="given", chances=(1.0, 0.5, 0.2)),)
)


def test_examples_count_by_the_place_where_they_were_taken() -> None:
    events = [
        request(0, "r1", "i1", "i2", "i3"), chosen(1, "r1", "i1"),
        request(10, "r2", "i1", "i2", "i3"), chosen(11, "r2", "i3"),
    ]  # fmt: skip
    found = weighed(events, GIVEN)
    assert found is not None
    assert found.weights is not None
    assert found.weights == pytest.approx([1 / 3, 5 / 3])
    assert found.examination.weighted == 2
    assert weighed(events, UNASKED) is None


def test_what_was_taken_elsewhere_than_in_the_slate_counts_as_ever() -> None:
    """The next item after a look at the cart: once clicked in the slate, once found otherwise."""
    first, second = at(0, "cart_viewed"), at(100, "cart_viewed")
    ours = [identify_decision(one.anonymous_id, one.session_id, one.event_id, "home") for one in (first, second)]  # fmt: skip
    events = [
        first, told(1, "exposed", ours[0], "i1", "i2"), told(2, "clicked", ours[0], "i2"), at(3, "product_viewed", "i2"),
        second, told(101, "exposed", ours[1], "i1", "i2"), at(103, "product_viewed", "i2"),
    ]  # fmt: skip
    curve = Curve(placement="home", source="given", chances=(1.0, 0.5))
    found = weighed(events, Looking("given", (curve,)))
    assert found is not None
    assert found.examination.weighted == 1


def test_a_log_without_lists_in_random_order_weighs_nothing_and_says_why() -> None:
    found = weighed(visits(40), Looking())
    assert found is not None
    assert found.weights is None
    (curve,) = found.examination.curves
    assert (curve.source, curve.lists) == ("random", 0)
    assert f"at least {CLICKS_MIN} are wanted" in curve.doubts[0]


def test_random_lists_are_preferred_to_swaps_where_they_suffice() -> None:
    lists = ShownLists(knowing(), SEED)
    fold = Fold(knowing(), RULES)
    events = [*visits(900, 1, order="random"), *visits(900, 2)]
    for one in fold.run([make_record(event, n) for n, event in enumerate(events)]):
        if one.news is not None and lists.wants(one.news):
            lists.take(one.news)
    assert [(one.source, one.lists) for one in lists.curves("swaps")] == [("random", 900)]
    assert np.isfinite(lists.curves("swaps")[0].chances).all()
