"""Arms and the holdout over a person's whole life: before and after signing in, two devices, an upgrade."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.decisions import Decision
from schemas.events import Event
from schemas.experiments import Arm, Experiment
from schemas.policy import Holdout, Placement, Policy
from schemas.state.person import PERSON_STATE, PersonState, Unit
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import NOON, make_event
from udfs.actions.draw_unit import merge_units
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

POLICY = Policy(
    placements=(Placement("home", event_types=("page_viewed",)),),
    holdout=Holdout(0.5),
    experiments=(Experiment("hero", (Arm("control", 0.5), Arm("quiz", 0.5))),),
)
CONTEXT = SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))
UNITS = st.builds(Unit, st.sampled_from("abc"), st.booleans(), st.integers(0, 2))
VISITORS = [f"v{number}" for number in range(300)]


def knowing(policy: Policy = POLICY) -> Knowledge:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    return knowledge


KNOWLEDGE = knowing()


class People:
    """The states of people, and the decisions on what they do."""

    def __init__(self, knowledge: Knowledge = KNOWLEDGE) -> None:
        self._knowledge = knowledge
        self.states: dict[str, PersonState | None] = {}
        self.counts: Counter[str] = Counter()
        self._at = 0

    def page(self, person: str, device: str) -> tuple[str, bool]:
        """A page view, and the arm and holdout that it is decided in."""
        (decision,) = self._tell("event", person, device, "page_viewed")
        return decision.arm["hero"], decision.is_holdout

    def sign_in(self, person: str, device: str) -> None:
        self._tell("handover", person, device, "identified")
        self._tell("event", person, device, "identified")

    def _tell(self, kind: str, person: str, device: str, event_type: str) -> list[Decision]:
        self._at += 1_000
        event: Event = make_event(
            event_id=f"e{self._at}", event_type=event_type, event_time_ms=NOON + self._at,
            anonymous_id=device, person_id=person if person != device else None,
        )  # fmt: skip
        news = SessionNews(kind, person, event.event_time_ms, "s", self._at, event, CONTEXT)  # type: ignore[arg-type]
        result = decide(self.states.get(person), news, self._knowledge, "seed")
        state = result.state
        # as it lies in Flink's state
        self.states[person] = (
            None if state is None else PERSON_STATE.decode(PERSON_STATE.encode(state))
        )
        self.counts.update(result.counts)
        return [one for one, _ in result.decisions]


def test_signing_in_changes_no_arm_and_lets_nobody_out_of_the_holdout() -> None:
    for visitor in VISITORS:
        people = People()
        before = people.page(visitor, visitor)
        people.sign_in(f"person-{visitor}", visitor)
        assert people.page(f"person-{visitor}", visitor) == before
        assert people.page(visitor, visitor) == before, "and signing out neither"
        assert not people.counts["multiple_exposures"]


def test_a_person_keeps_the_arm_on_another_device_which_may_change_its_own_and_is_counted() -> None:
    changed = 0
    for visitor in VISITORS:
        people = People()
        person, phone = f"person-{visitor}", f"phone-{visitor}"
        first = people.page(visitor, visitor)
        people.sign_in(person, visitor)
        before = people.page(phone, phone)
        people.sign_in(person, phone)
        assert people.page(person, phone) == people.page(person, visitor) == first
        assert people.counts["multiple_exposures"] == (before != first)
        changed += before != first
    assert len(VISITORS) / 2 < changed < len(VISITORS)


def test_a_visit_keeps_its_arm_when_its_visitor_signs_in_and_that_is_no_second_exposure() -> None:
    by_session = Policy(
        placements=POLICY.placements,
        experiments=(Experiment("hero", POLICY.experiments[0].arms, unit="session"),),
        holdout=Holdout(0.0),
    )
    for visitor in VISITORS[:50]:
        people = People(knowing(by_session))
        before = people.page(visitor, visitor)
        people.sign_in("somebody who was here before", visitor)
        assert people.page("somebody who was here before", visitor) == before
        assert not people.counts["multiple_exposures"]


def test_who_signs_in_out_of_its_dates_is_exposed_to_nothing() -> None:
    over = Policy(
        placements=POLICY.placements,
        experiments=(Experiment("hero", POLICY.experiments[0].arms, ends_ms=NOON),),
        holdout=Holdout(0.5, ends_ms=NOON),
    )
    counts: Counter[str] = Counter()
    for visitor in VISITORS[:50]:
        people = People(knowing(over))
        person, phone = f"person-{visitor}", f"phone-{visitor}"
        people.sign_in(person, visitor)
        people.sign_in(person, phone)
        counts += people.counts
    assert not counts["multiple_exposures"]


def test_a_state_of_before_units_keeps_the_arm_that_its_id_was_drawn() -> None:
    for visitor in VISITORS[:50]:
        anonymous = People()
        drawn = anonymous.page(visitor, visitor)
        people = People()
        people.states[visitor] = PersonState(NOON, NOON, timer_ms=NOON * 2, is_identified=True)
        assert people.page(visitor, "some-device") == drawn


@given(UNITS, UNITS, UNITS)
def test_units_merge_in_any_order(one: Unit, two: Unit, three: Unit) -> None:
    assert merge_units(one, two) == merge_units(two, one)
    assert merge_units(one, merge_units(two, three)) == merge_units(merge_units(one, two), three)
    assert merge_units(one, one) == one
    if one.is_identified and not two.is_identified:
        assert merge_units(one, two) == one
