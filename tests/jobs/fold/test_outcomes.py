"""What the fold makes of a log's decisions and of what came of them: from events to outcomes, with all that a person's memory has a say in."""

from collections import Counter
from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL, Arm, Experiment
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.outcomes import NO_DECISION, Outcome
from schemas.own_events import NamedEvent
from schemas.policy import Holdout, Outcomes, Placement, Policy
from tests.builders import NOON, make_catalogue, make_event, make_record
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

POLICY = Policy(
    placements=(Placement("home"),),
    holdout=Holdout(share=0.3),
    experiments=(Experiment("price", (Arm("bold", 0.5), Arm("shy", 0.5))),),
    outcomes=Outcomes(attribution="linear", conversions=("signed_up", "calculator_used")),
    events=(NamedEvent("signed_up"),),
)


def folded(*events: Event, policy: Policy = POLICY) -> tuple[list[Outcome], list[Decision]]:
    """What comes out of a log of these events, in the order of their times; an hour later it is read to its end."""
    knowledge = Knowledge(assumed=frozenset({"analytics", "personalisation"}))
    knowledge.add_policy("shop-3", 0, 0, compile_policy(policy))
    for position, item in enumerate(make_catalogue()):
        knowledge.add_item(item, position)
    last = make_event(event_id="last", event_time_ms=max(one.event_time_ms for one in events) + 2 * HOUR_MS, session_id="last", anonymous_id="last")  # fmt: skip
    ordered = sorted([*events, last], key=lambda one: one.event_time_ms)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"), Learner())
    outcomes: list[Outcome] = []
    decisions: list[Decision] = []
    for one in fold.run(make_record(event, offset) for offset, event in enumerate(ordered)):
        outcomes += one.outcomes
        decisions += [decision for decision, _ in one.decisions]
    return [one for one in outcomes if one.person != "last"], decisions


class Visit:
    """Events of one session, a minute apart."""

    def __init__(self, who: str, session: str = "", begun: int = NOON) -> None:
        self.who, self.session, self.now = who, session or f"s-{who}", begun
        self.events: list[Event] = []
        self.person = who

    def does(self, event_type: str, **fields: Any) -> "Visit":
        event_id = f"{self.session}-{len(self.events)}"
        said: dict[str, Any] = {"anonymous_id": self.who, "event_time_ms": self.now} | fields
        self.events.append(make_event(event_id=event_id, event_type=event_type, session_id=self.session, **said))  # fmt: skip
        self.now += MINUTE_MS
        return self

    def asks(self) -> str:
        """Asks for a decision; its id."""
        self.does("page_viewed", placements=["home"])
        return identify_decision(self.person, self.session, self.events[-1].event_id, "home")

    def responds(self, kind: str, decision: str, **fields: Any) -> "Visit":
        named = {"action_id": "recommend_items", "placement": "home"}
        return self.does(f"decision_{kind}", decision_id=decision, properties=named, item_ids=["i1"], **fields)  # fmt: skip

    def signs_in(self, person: str) -> "Visit":
        self.does("identified", person_id=person)
        self.person = person
        return self

    def buys(self, value: float = 50.0, **fields: Any) -> "Visit":
        return self.does("purchase_completed", value_amount=value, currency="EUR", item_ids=["i1"], **fields)  # fmt: skip


def kinds(outcomes: list[Outcome]) -> Counter[tuple[str, bool]]:
    """How many of each kind, of a decision or of none; what was taken back is gone."""
    found: Counter[tuple[str, bool]] = Counter()
    for one in outcomes:
        found[one.kind, bool(one.decision_id)] += one.sign
    return +found


def test_a_visit_from_the_decision_to_the_purchase() -> None:
    visit = Visit("a1")
    decision = visit.asks()
    visit.responds("exposed", decision).responds("clicked", decision)
    visit.does("product_added_to_cart", item_ids=["i1"], price=25.0, quantity=2).buys()
    outcomes, made = folded(*visit.events)
    assert [one.decision_id for one in made] == [decision]
    assert kinds(outcomes) == {
        ("exposed", True): 1, ("clicked", True): 1, ("carted", True): 1, ("converted", True): 1, ("visited", False): 1,
    }  # fmt: skip
    assert {one.kind: one.credit for one in outcomes if one.credit} == {"carted": 50.0, "converted": 50.0}  # fmt: skip
    assert {one.decided_ms for one in outcomes if one.decision_id} == {made[0].event_time_ms}
    (ended,) = (one for one in outcomes if one.kind == "visited")
    assert ended.measures == {"pages": 1.0, "length_ms": 4 * MINUTE_MS, "events": 5.0, "bounced": 0.0, "bought": 1.0}  # fmt: skip


def test_outcomes_say_the_arms_and_the_holdout_that_decisions_say() -> None:
    """Both are worked out of the same unit: of the visitor that somebody was when they first came, over signing in and devices."""
    events: list[Event] = []
    for number in range(24):
        visit = Visit(f"phone{number}")
        decision = visit.asks()
        visit.responds("exposed", decision)
        if number % 3:
            visit.signs_in(f"p{number}")
            visit.responds("exposed", visit.asks())
        events += visit.events
        if number % 3 == 2:
            other = Visit(f"laptop{number}", begun=NOON + 2 * HOUR_MS)
            first = other.asks()
            other.responds("exposed", first).signs_in(f"p{number}")
            other.responds("exposed", other.asks()).buys()
            events += other.events
    outcomes, made = folded(*events)
    decided = {one.decision_id: one for one in made}
    named = [one for one in outcomes if one.decision_id]
    assert len({one.decision_id for one in named}) == len(made) > 50
    for one in named:
        decision_made = decided[one.decision_id]
        side = HELD_OUT if decision_made.is_holdout else PERSONAL
        assert (one.arm, one.is_holdout) == (
            decision_made.arm | {HOLDOUT: side},
            decision_made.is_holdout,
        )
        assert (one.policy, one.placement) == (decision_made.versions.policy, decision_made.placement)  # fmt: skip
    assert {one.is_holdout for one in named} == {True, False}
    assert {one.arm["price"] for one in named} == {"bold", "shy"}
    arms = {one.person: one.arm for one in named}
    of_none = [one for one in outcomes if one.kind == "converted" and not one.decision_id]
    assert [one.arm for one in of_none] == [arms[one.person] for one in of_none] != []


def test_what_a_visitor_saw_leads_to_what_the_person_buys() -> None:
    visit = Visit("phone")
    decision = visit.asks()
    visit.responds("exposed", decision).responds("clicked", decision).signs_in("anna").buys()
    outcomes, _ = folded(*visit.events)
    found = {(one.kind, one.person, bool(one.decision_id)) for one in outcomes}
    assert found == {
        ("exposed", "phone", True), ("clicked", "phone", True), ("converted", "anna", True),
        ("visited", "anna", False),
    }  # fmt: skip


def test_signing_in_leaves_no_decision_ignored_that_is_clicked_then() -> None:
    visit = Visit("phone")
    decision = visit.asks()
    visit.responds("exposed", decision).signs_in("anna").responds("clicked", decision)
    outcomes, _ = folded(*visit.events)
    assert kinds(outcomes)["ignored", True] == 0
    assert kinds(outcomes)["clicked", True] == 1


def test_a_decision_that_is_only_made_has_no_outcome() -> None:
    visit = Visit("a1")
    visit.asks()
    assert kinds(folded(*visit.events)[0]) == {("visited", False): 1}


def test_a_response_to_a_decision_that_nobody_asked_for_is_none() -> None:
    visit = Visit("a1").responds("exposed", "0" * 32).responds("clicked", "0" * 32)
    assert kinds(folded(*visit.events)[0]) == {("visited", False): 1}


def test_what_a_page_says_without_proof_is_no_outcome() -> None:
    visit = Visit("a1")
    decision = visit.asks()
    visit.responds("exposed", decision, is_unproven=True).buys(is_unproven=True)
    visit.does("purchase_refunded", is_unproven=True)
    assert kinds(folded(*visit.events)[0]) == {("visited", False): 1}


def test_a_purchase_that_is_told_in_two_sessions_counts_once() -> None:
    one, other = Visit("a1"), Visit("a1", "again")
    one.buys()
    other.events = [make_event(**{name: getattr(one.events[0], name) for name in ("event_id", "event_type", "event_time_ms", "anonymous_id", "value_amount")}, session_id="again")]  # fmt: skip
    assert kinds(folded(*one.events, *other.events)[0])["converted", False] == 1


@pytest.mark.parametrize("consent", [[], ["personalisation"]])
def test_of_who_does_not_agree_to_analytics_nothing_is_written(consent: list[str]) -> None:
    visit = Visit("a1").does("consent_changed", consent=consent)
    visit.responds("exposed", visit.asks()).buys()
    assert folded(*visit.events)[0] == []


def test_who_refuses_personalisation_is_in_no_arm() -> None:
    visit = Visit("a1").does("consent_changed", consent=["analytics"]).buys()
    assert {str(one.arm) for one in folded(*visit.events)[0]} == {"{}"}


def test_who_withdraws_is_forgotten_with_what_is_open() -> None:
    visit = Visit("a1")
    visit.responds("exposed", visit.asks()).does("consent_changed", consent=[])
    assert kinds(folded(*visit.events)[0]) == {("exposed", True): 1}


def test_who_is_erased_is_forgotten_with_what_is_open() -> None:
    visit = Visit("a1")
    visit.responds("exposed", visit.asks()).does("erasure_requested")
    assert kinds(folded(*visit.events)[0]) == {("exposed", True): 1}


def test_conversions_are_what_the_policy_names() -> None:
    visit = Visit("a1")
    decision = visit.asks()
    visit.responds("exposed", decision).responds("clicked", decision)
    visit.does("signed_up", value_amount=3.0).does("calculator_used").does("review_read")
    outcomes, _ = folded(*visit.events)
    found = {(one.name, one.value, one.decision_id == decision) for one in outcomes if one.kind == "converted"}  # fmt: skip
    assert found == {("signed_up", 3.0, True), ("calculator_used", 0.0, True)}


def test_an_opinion_is_an_outcome() -> None:
    visit = Visit("a1").does("feedback_given", value_amount=-0.5)
    (one,) = (one for one in folded(*visit.events)[0] if one.kind == "felt")
    assert (one.value, one.decision_id) == (-0.5, NO_DECISION)


def test_segments_are_what_the_event_tells() -> None:
    visit = Visit("a1").buys(context={"device": "phone", "country": "AT"}).signs_in("anna").buys()
    found = [one.segments for one in folded(*visit.events)[0] if one.kind == "converted"]
    assert found == [("country:AT", "device:phone", "known:visitor"), ("known:member",)]


def test_a_replay_of_the_log_in_any_arrival_order_of_sessions_gives_the_same() -> None:
    """Byte by byte: what is told depends on times, sessions and positions alone."""
    visits = []
    for number in range(6):
        visit = Visit(f"v{number % 3}", f"s{number}", NOON + number * 40_000)
        decision = visit.asks()
        visit.responds("exposed", decision).responds("clicked", decision).buys()
        visits.append(visit)
    one, _ = folded(*(event for visit in visits for event in visit.events))
    other, _ = folded(*(event for visit in reversed(visits) for event in visit.events))
    assert one == other
