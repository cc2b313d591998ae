"""The join: what is told of decisions, carts, conversions and refunds, in whatever order it comes."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import OUTCOME
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.outcome_limits import (
    CLOCKS_MS,
    DEEDS_EARLY_MAX,
    OUTCOMES_OPEN_MS,
    REFUNDS_MAX,
    SHOWN_MAX,
    SOLD_KEPT_MS,
    SOLD_MAX,
)
from schemas.outcomes import NO_DECISION, Outcome
from schemas.policy import Outcomes
from schemas.state.outcomes import OUTCOME_MEMORY, Deed, OutcomeMemory
from tests.builders import NOON
from udfs.outcomes.join import Deeds, Joined, Rules, RulesAt, expire_outcomes, join

WINDOW_MS = 30 * MINUTE_MS
END_MS = NOON + 200 * DAY_MS


def rules(**fields: Any) -> RulesAt:
    """Always the same."""
    found = Rules("shop-3", Outcomes(**fields), {"price": "bold"}, False)
    return lambda _time_ms, _session_id: found


def deed(kind: Any, minutes: float, decision: str = "", event: str = "", **fields: Any) -> Deed:
    time_ms = NOON + int(minutes * MINUTE_MS)
    named = {"decision_id": decision, "action_id": "gift", "placement": "hero"} if decision else {}
    name = event or f"{kind}-{decision}-{minutes}"
    return Deed(kind, "s1", name, f"{kind}_event", time_ms, decided_ms=NOON, **named | fields)


def seen(decision: str, minutes: float, **fields: Any) -> Deed:
    return deed("exposed", minutes, decision, **fields)


def clicked(decision: str, minutes: float, **fields: Any) -> Deed:
    return deed("clicked", minutes, decision, **fields)


def bought(minutes: float, value: float = 90.0, event: str = "order", **fields: Any) -> Deed:
    said = {"item_ids": ("i1", "i2"), "currency": "EUR"} | fields
    one = deed("converted", minutes, event=event, value=value, **said)
    return Deed(**{name: getattr(one, name) for name in Deed.__struct_fields__} | {"name": "purchase_completed"})  # fmt: skip


def refunded(minutes: float, value: float = 0.0, event: str = "back", **fields: Any) -> Deed:
    return deed("refunded", minutes, event=event, value=value, **fields)


class Person:
    """One person whose memory goes through its bytes after each step."""

    def __init__(self, by: RulesAt | None = None) -> None:
        self.by = by or rules()
        self.memory: OutcomeMemory | None = None
        self.outcomes: list[Outcome] = []
        self.counts: Counter[str] = Counter()
        self.now_ms = 0

    def does(self, *deeds: Deed, at: float | None = None) -> "Person":
        for one in deeds:
            arrived = one.time_ms if at is None else NOON + int(at * MINUTE_MS)
            self.now_ms = max(self.now_ms, arrived)
            self._took(join(self.memory, Deeds("anna", self.now_ms, (one,)), self.by))
        return self

    def waits(self, until_ms: int = END_MS) -> "Person":
        while self.memory is not None and self.memory.timer_ms <= until_ms:
            self._took(expire_outcomes(self.memory, "anna", self.memory.timer_ms))
        return self

    def _took(self, joined: Joined) -> None:
        self.outcomes += [OUTCOME.decode(OUTCOME.encode(one)) for one in joined.outcomes]
        self.counts.update(joined.counts)
        memory = joined.memory
        self.memory = None if memory is None else OUTCOME_MEMORY.decode(OUTCOME_MEMORY.encode(memory))  # fmt: skip

    @property
    def net(self) -> dict[tuple[str, str, str], float]:
        """By kind, decision and event, what all records add up to; each id once."""
        found: Counter[tuple[str, str, str]] = Counter()
        for one in {one.outcome_id: one for one in self.outcomes}.values():
            found[one.kind, one.decision_id, one.event_id] += one.count  # type: ignore[assignment]
        return {key: count for key, count in found.items() if abs(count) > 1e-9}

    @property
    def credit(self) -> dict[tuple[str, str], float]:
        found: Counter[tuple[str, str]] = Counter()
        for one in self.outcomes:
            found[one.kind, one.decision_id] += one.credit  # type: ignore[assignment]
        return {key: value for key, value in found.items() if abs(value) > 1e-9}


def kinds(person: Person) -> Counter[str]:
    return Counter(kind for kind, _, _ in person.net)


# --- decisions ----------------------------------------------------------------------------------


def test_a_decision_that_is_seen_and_no_more_is_ignored_when_its_window_is_over() -> None:
    person = Person().does(seen("d1", 0))
    assert person.waits(NOON + WINDOW_MS - 1).net == {("exposed", "d1", "exposed-d1-0"): 1.0}
    person.waits(NOON + WINDOW_MS)
    assert person.outcomes[-1].kind == "ignored"
    assert person.outcomes[-1].outcome_ms == NOON + WINDOW_MS
    assert person.waits().memory is None, "nothing is kept for ever"


def test_a_click_in_time_is_a_click_and_nothing_is_ignored() -> None:
    person = Person().does(seen("d1", 0), clicked("d1", 30)).waits()
    assert kinds(person) == {"exposed": 1, "clicked": 1}
    (one,) = (one for one in person.outcomes if one.kind == "clicked")
    assert (one.exposed_ms, one.decided_ms, one.arm) == (NOON, NOON, {"price": "bold"})
    assert (one.policy, one.placement, one.action_id) == ("shop-3", "hero", "gift")


def test_a_click_after_the_window_is_late_and_the_decision_stays_ignored() -> None:
    person = Person().does(seen("d1", 0), clicked("d1", 31)).waits()
    assert kinds(person) == {"exposed": 1, "ignored": 1}
    assert person.counts == {"outcomes_late": 1}


def test_a_click_a_month_late_is_counted_and_credited_to_nothing() -> None:
    person = Person().does(seen("d1", 0)).waits()
    person.does(clicked("d1", 31 * 24 * 60), bought(31 * 24 * 60 + 1)).waits()
    assert person.counts == {"outcomes_late": 1}
    assert person.net["converted", NO_DECISION, "order"] == 1.0
    assert ("clicked", "d1", "clicked-d1-44640") not in person.net


def test_a_thousand_clicks_of_a_robot_are_one() -> None:
    person = Person().does(seen("d1", 0))
    for number in range(1_000):
        person.does(clicked("d1", 1, event=f"c{number:04}"))
    assert kinds(person.waits()) == {"exposed": 1, "clicked": 1}
    assert sum(one.sign for one in person.outcomes if one.kind == "clicked") == 1


def test_a_click_that_comes_late_within_the_lateness_takes_back_that_it_was_ignored() -> None:
    person = Person().does(seen("d1", 0)).waits(NOON + WINDOW_MS)
    person.does(clicked("d1", 29), at=36).waits()
    told = [(one.kind, one.sign, one.revision) for one in person.outcomes]
    assert told == [("exposed", 1, 0), ("ignored", 1, 0), ("ignored", -1, 1), ("clicked", 1, 0)]
    assert len({one.outcome_id for one in person.outcomes}) == 4


def test_a_decision_that_nobody_saw_is_clicked_all_the_same() -> None:
    """A letter tells no exposure."""
    person = Person().does(clicked("d1", 5)).waits()
    assert kinds(person) == {"clicked": 1}
    assert person.outcomes[0].exposed_ms == 0


def test_a_click_whose_clock_is_behind_its_exposures_counts() -> None:
    person = Person().does(seen("d1", 1), clicked("d1", 0.5)).waits()
    assert kinds(person) == {"exposed": 1, "clicked": 1}


# --- what is bought -----------------------------------------------------------------------------


def test_a_purchase_is_credited_by_the_rule_of_the_policy() -> None:
    for rule, expected in (("last_touch", {"d2": 90.0}), ("first_touch", {"d1": 90.0}), ("linear", {"d1": 45.0, "d2": 45.0})):  # fmt: skip
        person = Person(rules(attribution=rule))
        person.does(clicked("d1", 1), clicked("d2", 2), bought(10)).waits()
        found = {key[1]: value for key, value in person.credit.items() if key[0] == "converted"}
        assert found == expected, rule


def test_only_what_was_touched_as_the_policy_says_leads_to_something() -> None:
    for touch, decision in (("clicked", NO_DECISION), ("exposed", "d1")):
        person = Person(rules(touch=touch)).does(seen("d1", 1), bought(10)).waits()
        assert person.net["converted", decision, "order"] == 1.0


def test_a_purchase_beyond_the_window_of_its_touch_is_of_no_decision() -> None:
    person = Person().does(clicked("d1", 1), bought(32)).waits()
    (one,) = (one for one in person.outcomes if one.kind == "converted")
    assert (one.decision_id, one.share, one.arm) == (NO_DECISION, 1.0, {"price": "bold"})


def test_clocks_of_channels_may_differ_by_seconds_and_no_more() -> None:
    apart = CLOCKS_MS / MINUTE_MS
    person = Person().does(clicked("d1", 1), bought(1 - apart)).waits()
    assert ("converted", "d1", "order") in person.net
    person = Person().does(clicked("d1", 1), bought(1 - 2 * apart)).waits()
    assert ("converted", NO_DECISION, "order") in person.net


def test_a_cart_is_credited_to_a_decision_that_showed_its_item() -> None:
    person = Person().does(
        clicked("d1", 1, item_ids=("i1",)), clicked("d2", 2, item_ids=("i9",)),
        deed("carted", 3, event="put", item_ids=("i1",), value=12.0),
    ).waits()  # fmt: skip
    assert person.credit == {("carted", "d1"): 12.0}


def test_a_click_that_comes_late_shares_what_was_credited_already() -> None:
    person = Person(rules(attribution="linear")).does(clicked("d1", 1), bought(10))
    person.does(clicked("d2", 5), at=12).waits()
    assert person.credit == {("converted", "d1"): 45.0, ("converted", "d2"): 45.0}
    told = [(one.decision_id, one.share, one.sign) for one in person.outcomes if one.kind == "converted"]  # fmt: skip
    assert told == [("d1", 1.0, 1), ("d1", 1.0, -1), ("d1", 0.5, 1), ("d2", 0.5, 1)]


def test_a_repeat_changes_nothing() -> None:
    story = [seen("d1", 0), clicked("d1", 1), bought(10), refunded(20, 30.0)]
    once, twice = Person().does(*story).waits(), Person()
    for one in story:
        twice.does(one, one)
    assert twice.does(*story).waits().outcomes == once.outcomes


# --- refunds ------------------------------------------------------------------------------------


def test_a_refund_takes_back_from_those_who_were_credited_and_no_more_than_was_paid() -> None:
    person = Person(rules(attribution="linear")).does(clicked("d1", 1), clicked("d2", 2))
    person.does(bought(10), refunded(60, 30.0, "b1"), refunded(70, 80.0, "b2")).waits()
    assert person.credit == {
        ("converted", "d1"): 45.0, ("converted", "d2"): 45.0,
        ("refunded", "d1"): 45.0, ("refunded", "d2"): 45.0,
    }  # fmt: skip


def test_a_refund_without_an_amount_takes_all_that_is_left() -> None:
    person = Person().does(bought(10), refunded(60, 30.0, "b1"), refunded(70, event="b2")).waits()
    assert person.credit["refunded", NO_DECISION] == 90.0


def test_a_refund_of_what_was_never_bought_takes_nothing_back() -> None:
    person = Person().does(bought(10), refunded(20, item_ids=("another",)))
    assert person.waits().credit == {("converted", NO_DECISION): 90.0}
    assert person.counts == {"refunds_unknown": 1}
    assert person.memory is None


def test_a_refund_in_another_currency_is_of_no_purchase() -> None:
    person = Person().does(bought(10), refunded(20, 5.0, currency="USD")).waits()
    assert person.credit == {("converted", NO_DECISION): 90.0}


def test_a_refund_is_of_the_newest_purchase_of_its_item() -> None:
    person = Person().does(clicked("d1", 1), bought(10, event="o1"))
    person.does(bought(100, event="o2", item_ids=("i3",)), refunded(200, item_ids=("i1",))).waits()
    assert person.credit["refunded", "d1"] == 90.0


def test_a_refund_that_comes_before_its_purchase_waits_for_it() -> None:
    person = Person().does(refunded(20, 30.0), refunded(20, 30.0)).does(bought(10), at=25).waits()
    assert person.credit == {("converted", NO_DECISION): 90.0, ("refunded", NO_DECISION): 30.0}
    assert sum(one.kind == "refunded" for one in person.outcomes) == 1


# --- the rest, and bounds -----------------------------------------------------------------------


def test_a_visit_and_an_opinion_are_told_once_and_nothing_is_kept_of_them() -> None:
    visit = Deed("visited", "s1", "", "", NOON, measures={"pages": 3.0}, number=2)
    person = Person().does(visit, deed("felt", 1, event="f", value=-1.0))
    assert [(one.kind, one.value, one.decision_id) for one in person.outcomes] == [("visited", 0.0, ""), ("felt", -1.0, "")]  # fmt: skip
    assert person.memory is None


def test_an_opinion_on_a_decision_is_credited_to_it() -> None:
    person = Person().does(seen("d1", 0), deed("felt", 1, "d1", value=0.5))
    assert person.outcomes[-1].decision_id == "d1"


def test_of_more_decisions_than_are_remembered_the_oldest_stands_as_it_was_told() -> None:
    person = Person(rules(touch="exposed", attribution="first_touch"))
    person.does(*(seen(f"d{number}", number / 60) for number in range(SHOWN_MAX + 2)))
    assert person.counts == {"outcomes_dropped": 2}
    assert person.memory is not None
    assert len(person.memory.shown) == SHOWN_MAX
    assert ("converted", "d2", "order") in person.does(bought(10)).net


def test_what_is_kept_of_purchases_and_refunds_is_bounded() -> None:
    person = Person()
    person.does(*(bought(number, event=f"o{number}") for number in range(SOLD_MAX + 3)))
    assert person.counts == {"outcomes_dropped": 3}
    person.does(*(refunded(90, 1.0, f"r{number}") for number in range(REFUNDS_MAX + 2)))
    assert person.counts["refunds_unknown"] == 2
    early = Person().does(*(refunded(number, event=f"r{number}") for number in range(DEEDS_EARLY_MAX + 1)))  # fmt: skip
    assert early.counts == {"refunds_unknown": 1}
    assert person.memory is not None
    assert len(OUTCOME_MEMORY.encode(person.memory)) < 60_000


def test_who_signs_in_takes_the_visits_decisions_along() -> None:
    """The visitor has told what was seen; what comes of it is told of the person alone."""
    visitor = join(None, Deeds("phone", NOON, (seen("d1", 0),)), rules())
    assert [one.kind for one in visitor.outcomes] == ["exposed"]
    left = join(visitor.memory, Deeds("phone", NOON + 1, left="s1"), rules())
    assert left == Joined(None, ())
    person = Person()
    person._took(join(None, Deeds("anna", NOON + 1, (seen("d1", 0),), is_moved=True), person.by))
    assert person.outcomes == []
    person.does(clicked("d1", 2), bought(3)).waits()
    assert kinds(person) == {"clicked": 1, "converted": 1}


# --- in any order -------------------------------------------------------------------------------

STORY = st.lists(
    st.one_of(
        st.builds(seen, st.sampled_from(["d1", "d2", "d3"]), st.integers(0, 8)),
        st.builds(clicked, st.sampled_from(["d1", "d2", "d3"]), st.integers(0, 8)),
        st.builds(lambda d, m: deed("dismissed", m, d), st.sampled_from(["d1", "d2"]), st.integers(0, 8)),
        st.builds(lambda m: bought(m, event=f"o{m}", item_ids=(f"i{m}",)), st.integers(0, 9)),
        st.builds(lambda m, v: refunded(m + 1, float(v), f"r{m}-{v}", item_ids=(f"i{m}",)), st.integers(0, 9), st.integers(0, 90)),
        st.builds(lambda m: deed("carted", m, event=f"c{m}", value=1.0), st.integers(0, 9)),
    ),
    max_size=14,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    story=STORY,
    order=st.randoms(use_true_random=False),
    by=st.sampled_from(["linear", "time_decay", "position", "last_touch"]),
    touch=st.sampled_from(["clicked", "exposed"]),
)
def test_in_whatever_order_things_come_the_sums_end_the_same(
    story: list[Deed], order: Any, by: str, touch: str
) -> None:
    """All within the lateness: what live takes as it comes, and a replay in the order of time."""
    in_time = sorted(story, key=lambda one: (one.time_ms, one.kind, one.event_id))
    shuffled = list(story)
    order.shuffle(shuffled)
    replayed, live = (Person(rules(attribution=by, touch=touch)) for _ in range(2))
    replayed.does(*in_time).waits()
    live.does(*shuffled, at=10).waits()
    assert live.net == pytest.approx(replayed.net)
    assert live.credit == pytest.approx(replayed.credit)
    for name in ("order", *(f"o{minute}" for minute in range(10))):
        total = sum(count for key, count in live.net.items() if key[0] == "converted" and key[2] == name)  # fmt: skip
        assert total == pytest.approx(float(any(one.event_id == name for one in story)))


def test_the_times_of_the_bounds_are_as_the_join_needs_them() -> None:
    assert SECOND_MS < CLOCKS_MS < MINUTE_MS
    assert OUTCOMES_OPEN_MS >= HOUR_MS
    assert SOLD_KEPT_MS > 90 * DAY_MS, "a return within a quarter finds its purchase"
