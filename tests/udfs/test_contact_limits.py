"""Contacts over all channels: how often, when, and what comes of being ignored, as decided."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decisions import Decision, TracedAction
from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.policy import NOTHING
from schemas.state.contacts import Contacted
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_CONTEXT, ItemTouch, SessionContext, SessionNews
from tests.builders import NOON, make_event
from tests.udfs.test_next_best_action import action, asked, knowing
from udfs.decide import decide
from udfs.facts.contacts import KEY_LENGTH
from udfs.facts.rooms import merge_persons
from udfs.knowledge.knowledge import Knowledge

VALID_MS: Final = 20 * MINUTE_MS
HERO: Final = {"name": "hero", "actions": [], "valid_ms": VALID_MS}


class Person:
    """Somebody whose events are decided on, one after the other."""

    def __init__(
        self, knowledge: Knowledge, state: PersonState | None = None, name: str = "a1"
    ) -> None:
        self.knowledge, self.state, self.number = knowledge, state, 0
        self.name, self.context = name, SessionContext(1, NOON, NOON)
        self.actions: list[TracedAction] = []
        self.decisions: list[Decision] = []

    def step(self, event: Event) -> list[Decision]:
        """All that is decided on the event; the state passes through its bytes, as between two records."""
        self.number += 1
        encoded = SESSION_CONTEXT.encode(self.context)
        now_ms, session = event.event_time_ms, event.session_id
        news = SessionNews("event", self.name, now_ms, session, self.number, event, encoded)
        state = PERSON_STATE.decode(PERSON_STATE.encode(self.state)) if self.state else None
        result = decide(state, news, self.knowledge, "seed")
        self.state = result.state
        made = [(one, trace) for one, trace in result.decisions if one.kind == "decided"]
        self.actions = [one for _, trace in made for one in trace.actions]
        self.decisions += [one for one, _ in made]
        return [one for one, _ in made]

    def ask(self, at_ms: int, **fields: Any) -> Decision:
        """The decision for the hero at a time after noon."""
        (made,) = self.step(asked(f"e{self.number}", event_time_ms=NOON + at_ms, **fields))
        return made

    def chosen(self, at_ms: int, **fields: Any) -> str:
        return self.ask(at_ms, **fields).action_id

    def tell(self, kind: str, at_ms: int, of: Decision | None = None, **fields: Any) -> None:
        decision_id = of.decision_id if of else None
        self.step(
            make_event(
                event_id=f"t{self.number}", event_type=kind, event_time_ms=NOON + at_ms,
                decision_id=decision_id, **fields,
            )
        )  # fmt: skip

    def show(self, at_ms: int, of: Decision) -> None:
        self.tell("decision_exposed", at_ms, of)

    def rule(self, action_id: str = "banner") -> tuple[str, str, dict[str, str]]:
        """What spoke against the action in the newest decision."""
        found = next(one for one in self.actions if one.action_id == action_id)
        return found.stage, found.rule, dict(found.values)


def person(*actions: dict[str, Any], **fields: Any) -> Person:
    contact = fields.pop("contact", {})
    return Person(knowing(*(actions or (action(),)), placement=HERO, contact=contact, **fields))


# --- reserved, confirmed, released --------------------------------------------------------------


def test_a_decision_reserves_and_its_end_releases() -> None:
    one = person(contact={"per_day": 1})
    assert [one.chosen(0), one.chosen(1), one.chosen(VALID_MS - 1)] == ["banner", NOTHING, NOTHING]
    stage, rule, values = one.rule()
    assert (stage, rule) == ("constraints", "contact:per_day")
    assert values == {"times": "1", "within_ms": str(DAY_MS), "shown": "0", "reserved": "1"}
    assert one.chosen(VALID_MS) == "banner"


@pytest.mark.parametrize("kind", ["decision_exposed", "decision_clicked", "decision_dismissed"])
def test_what_is_shown_counts_from_then_on(kind: str) -> None:
    one = person(contact={"per_day": 1})
    one.tell(kind, 2 * MINUTE_MS, one.ask(0))
    for at_ms in (VALID_MS, DAY_MS, DAY_MS + 2 * MINUTE_MS - 1):
        assert one.chosen(at_ms) == NOTHING
    assert one.rule()[2]["shown"] == "1"
    assert one.chosen(DAY_MS + 2 * MINUTE_MS) == "banner"


def test_what_is_shown_again_counts_from_its_first_time() -> None:
    one = person(contact={"per_day": 1})
    made = one.ask(0)
    for at_ms in (10 * MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, 20 * HOUR_MS):
        one.show(at_ms, made)
    assert one.chosen(DAY_MS + 5 * MINUTE_MS - 1) == NOTHING
    assert one.chosen(DAY_MS + 5 * MINUTE_MS) == "banner"


def test_what_says_that_it_was_shown_before_it_was_decided_counts_from_the_decision() -> None:
    one = person(contact={"per_day": 1})
    one.show(-DAY_MS, one.ask(0))
    assert one.chosen(DAY_MS - 1) == NOTHING
    assert one.chosen(DAY_MS) == "banner"


def test_an_exposure_that_comes_late_counts_all_the_same() -> None:
    one = person(contact={"per_day": 1})
    first = one.ask(0)
    second = one.ask(VALID_MS)
    assert second.action_id == "banner"
    one.show(VALID_MS + 1, first)  # beyond its end: one more than the limit, and no further
    one.show(VALID_MS + 2, second)
    assert one.chosen(DAY_MS + VALID_MS + 1) == NOTHING
    assert one.rule()[2]["shown"] == "1"
    assert one.chosen(DAY_MS + VALID_MS + 2) == "banner"


def test_channels_that_tell_nothing_back_count_when_decided() -> None:
    one = person(contact={"per_day": 1})
    assert one.chosen(0, channel="email") == "banner"
    assert one.chosen(VALID_MS, channel="email") == NOTHING
    assert one.chosen(VALID_MS, channel="web") == NOTHING
    assert one.chosen(DAY_MS, channel="email") == "banner"
    kiosk = person(contact={"per_day": 1, "unreported": ["kiosk"]})
    assert [kiosk.chosen(0, channel="kiosk"), kiosk.chosen(HOUR_MS, channel="web")] == ["banner", NOTHING]  # fmt: skip


def test_an_unproven_exposure_of_another_action_confirms_nothing() -> None:
    one = person(contact={"per_day": 1})
    made = one.ask(0)
    one.tell("decision_exposed", 1, made, is_unproven=True, properties={"action_id": "other"})
    assert one.chosen(VALID_MS) == "banner"
    one.tell("decision_exposed", 1, made, is_unproven=True, properties={"action_id": "banner"})
    assert one.chosen(2 * VALID_MS) == NOTHING


def test_two_placements_of_one_event_share_the_last_place() -> None:
    both = action(placements=["hero", "side"])
    places = [HERO, HERO | {"name": "side"}]
    one = Person(knowing(both, contact={"per_day": 1}, placements=places))
    made = one.step(make_event(placements=["hero", "side"]))
    assert sorted(each.action_id for each in made) == ["banner", NOTHING]


def test_two_sessions_share_the_last_place() -> None:
    one = person(contact={"per_day": 1})
    assert one.chosen(0, session_id="phone", channel="app") == "banner"
    assert one.chosen(0, session_id="laptop", channel="web") == NOTHING


# --- windows, channels, groups ------------------------------------------------------------------


def test_a_limit_of_zero_is_never() -> None:
    for contact in ({"per_day": 0}, {"per_week": 0}, {"limits": [{"name": "x", "times": 0}]}):
        one = person(contact=contact)
        assert one.chosen(0) == NOTHING
        assert one.rule()[2]["times"] == "0"


def test_no_limit_is_no_limit_and_nothing_is_kept() -> None:
    one = person(contact={"per_day": None})
    assert {one.chosen(at) for at in range(200)} == {"banner"}
    assert one.state is not None
    assert one.state.contacts == {}


def test_windows_roll_and_overlap() -> None:
    one = person(contact={"per_day": 2, "per_week": 3})
    got = []
    for hour in range(0, 24 * 10, 6):
        made = one.ask(hour * HOUR_MS)
        if made.action_id == "banner":
            one.show(hour * HOUR_MS + 1, made)
            got.append(hour)
    # a day after the first two the week has one place left, and the next after a week
    assert got == [0, 6, 30, 174, 180, 204]


def test_a_limit_counts_its_channels_and_groups_alone() -> None:
    limits = [
        {"name": "mails", "times": 1, "within_ms": 7 * DAY_MS, "channels": ["email"]},
        {"name": "sales", "times": 1, "within_ms": DAY_MS, "groups": ["sale"]},
    ]
    one = person(action(group="sale", value=2.0), action("other"), contact={"limits": limits})
    assert one.chosen(0, channel="web") == "banner"
    assert one.chosen(1, channel="web") == "other"
    assert one.rule()[1] == "contact:sales"
    assert one.chosen(2, channel="web") == "other"
    assert one.chosen(3, channel="email") == "other"
    assert one.chosen(4, channel="email") == NOTHING
    assert one.rule("other")[1] == "contact:mails"


def test_a_list_on_a_page_is_no_contact_and_one_that_is_sent_is() -> None:
    items = (Item("i1", 0, "One", "Shop"), Item("i2", 0, "Two", "Shop"))
    one = Person(
        knowing(
            placement=HERO | {"actions": ["recommend_items"]}, contact={"per_day": 1}, items=items
        )
    )
    assert [one.chosen(at, channel="web") for at in (0, 1)] == ["recommend_items"] * 2
    assert [one.chosen(at, channel="email") for at in (2, 3)] == ["recommend_items", NOTHING]


def test_who_is_held_out_or_objects_has_the_same_limits() -> None:
    places = HERO | {"fallback": "banner"}
    out = Person(
        knowing(action(), placement=places, contact={"per_day": 1}, holdout={"share": 1.0})
    )
    first = out.ask(0)
    assert (first.is_holdout, first.action_id, out.chosen(1)) == (True, "banner", NOTHING)
    objecting = person(action(limits={"times": 1}, valid_ms=1), contact={"per_week": 2})
    objecting.tell("consent_changed", 0, properties={"objection": "profiling"})
    assert [objecting.chosen(at) for at in (1, 2)] == ["banner", NOTHING]
    assert objecting.rule()[1] == "limit"


def test_consent_that_is_taken_back_gives_nothing_anew() -> None:
    one = person(contact={"per_day": 1})
    one.show(1, one.ask(0))
    assert one.chosen(VALID_MS, consent=[]) == NOTHING


def test_a_full_memory_gives_no_further_contact() -> None:
    """Two limits of the most that can be counted need more than is remembered: then nothing, rather than one too many."""
    limits = [{"name": name, "times": 128, "channels": [name]} for name in ("web", "app")]
    one = person(contact={"limits": limits})
    for at in range(128):
        assert one.chosen(at, channel=("web", "app")[at % 2]) == "banner"
    assert one.chosen(200, channel="web") == NOTHING
    assert one.rule()[1] == "contact_memory"
    assert one.chosen(VALID_MS + 200, channel="web") == "banner"
    assert one.state is not None
    assert len(one.state.contacts) <= 128


# --- cool-downs, ignoring, fatigue --------------------------------------------------------------


def test_it_rests_after_a_dismissal() -> None:
    one = person(action(limits={"never_after_dismissal": False, "after_dismissal_ms": DAY_MS}))
    one.tell("decision_dismissed", 1, one.ask(0))
    assert one.chosen(DAY_MS) == NOTHING
    assert one.rule()[1] == "after_dismissal"
    assert one.chosen(DAY_MS + 1) == "banner"


def test_it_rests_after_it_brought_a_purchase() -> None:
    limits = {"never_after_dismissal": False, "after_conversion_ms": 30 * DAY_MS}
    one = person(action(limits=limits))
    one.tell("purchase_completed", 0, item_ids=["i"])
    one.tell("decision_clicked", 2, one.ask(1))
    assert one.chosen(3) == "banner"  # clicked and not bought
    one.tell("purchase_completed", HOUR_MS, item_ids=["i"])
    assert one.chosen(2 * HOUR_MS) == NOTHING
    assert one.rule()[1] == "after_conversion"
    assert one.chosen(30 * DAY_MS + HOUR_MS) == "banner"
    late = person(action(limits=limits))
    late.tell("decision_clicked", 1, late.ask(0))
    late.tell("purchase_completed", 8 * DAY_MS, item_ids=["i"])
    assert late.chosen(8 * DAY_MS + 1) == "banner"


def test_what_is_ignored_rests_until_it_is_long_ago() -> None:
    limits = {"never_after_dismissal": False, "ignored_times": 2, "ignored_within_ms": 7 * DAY_MS}
    one = person(action(limits=limits))
    for hour in (1, 2):
        made = one.ask(hour * HOUR_MS)
        one.show(hour * HOUR_MS + 1, made)
        one.show(hour * HOUR_MS + 9, made)  # twice shown, once ignored
    assert one.chosen(3 * HOUR_MS) == NOTHING
    assert one.rule()[:2] == ("constraints", "ignored")
    assert one.chosen(7 * DAY_MS + HOUR_MS + 1) == "banner"
    answered = person(action(limits=limits))
    for hour in (1, 2, 3):
        answered.tell("decision_clicked", hour * HOUR_MS + 1, answered.ask(hour * HOUR_MS))
    assert answered.chosen(4 * HOUR_MS) == "banner"


def test_fatigue_lowers_before_it_forbids_and_the_trace_says_so() -> None:
    one = person(
        action(value=10.0), action("other", value=6.0), contact={"fatigue": {"factor": 0.7, "within_ms": DAY_MS}}
    )  # fmt: skip
    first = one.ask(0)
    assert first.action_id == "banner"
    one.show(1, first)
    second = one.ask(2)
    assert second.action_id == "banner"
    assert one.rule()[2] == {"fatigue": "0.7", "unanswered": "1"}
    assert second.priority == pytest.approx(first.priority * 0.7)
    one.show(3, second)
    assert one.chosen(4) == "other"  # 10 x 0.49 is less than 6
    assert one.chosen(DAY_MS + 1) == "banner"


def test_fatigue_is_personal() -> None:
    one = person(contact={"fatigue": {"factor": 0.5}})
    one.show(1, one.ask(0, consent=[]))
    assert one.ask(2, consent=[]).priority == one.ask(3, consent=["personalisation"]).priority * 2


# --- not interested -----------------------------------------------------------------------------


def test_an_action_that_is_not_wanted_is_gone_at_once() -> None:
    one = person(suppression={"dismissed_ms": DAY_MS})
    assert one.chosen(0) == "banner"
    one.tell("not_interested", 1, properties={"action_id": "banner"})
    assert one.chosen(2) == NOTHING
    assert one.rule()[:2] == ("suppression", "refused")
    assert one.chosen(3, consent=[]) == NOTHING
    assert one.chosen(DAY_MS + 1) == "banner"


ITEMS: Final = (
    Item("a1", 0, "A", "Tea/Pots"), Item("a2", 0, "A", "Tea"), Item("b", 0, "B", "Teak"), Item("c", 0, "C", None),
)  # fmt: skip


def listing(**fields: Any) -> Person:
    return Person(knowing(placement=HERO | {"actions": ["recommend_items"]}, items=ITEMS, **fields))


@pytest.mark.parametrize("kind", ["not_interested", "decision_dismissed"])
def test_a_category_that_is_not_wanted_is_gone_at_once_with_those_below(kind: str) -> None:
    one = listing(suppression={"dismissed_ms": DAY_MS})
    assert {each.item_id for each in one.ask(0).items} == {"a1", "a2", "b", "c"}
    one.tell(kind, 1, category="Tea")
    assert {each.item_id for each in one.ask(2).items} == {"b", "c"}
    assert {each.item_id for each in one.ask(DAY_MS + 1).items} == {"a1", "a2", "b", "c"}


def test_who_names_an_item_means_the_item() -> None:
    one = listing()
    one.tell(
        "not_interested", 1, item_ids=["a2"], category="Tea",
        properties={"action_id": "recommend_items"},
    )  # fmt: skip
    assert {each.item_id for each in one.ask(2).items} == {"a1", "b", "c"}


def test_an_action_about_an_item_that_is_not_wanted_is_not_offered() -> None:
    about = action(item="session.last_item")
    one = Person(knowing(about, placement=HERO, items=ITEMS))
    touched = {"a1": ItemTouch("Tea/Pots", None, None, NOON, NOON, 1)}
    for said, rule in (
        ({"item_ids": ["a1"]}, "dismissed"),
        ({"category": "Tea"}, "refused_category"),
    ):
        one = Person(one.knowledge)
        one.context = SessionContext(1, NOON, NOON, items=touched)
        assert one.chosen(0) == "banner"
        one.tell("not_interested", 1, **said)
        assert one.chosen(2) == NOTHING
        assert one.rule()[:2] == ("suppression", rule)


# --- quiet hours --------------------------------------------------------------------------------

QUIET: Final = {"quiet_hours": {"begin": 22, "end": 8}}


def at(zone: str, *when: int, fold: int = 0) -> int:
    moment = datetime(*when, tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[misc,arg-type]
    return round(moment.timestamp() * 1000) - NOON


@pytest.mark.parametrize(
    ("when", "fold", "expected"),
    [
        ((2026, 1, 15, 21, 59), 0, "banner"), ((2026, 1, 15, 22, 0), 0, NOTHING), ((2026, 1, 16, 7, 59), 0, NOTHING),
        ((2026, 1, 16, 8, 0), 0, "banner"),
        # the nights on which the clock changes: 02:00 is 03:00, and 03:00 is 02:00 again
        ((2026, 3, 28, 21, 59), 0, "banner"), ((2026, 3, 28, 22, 0), 0, NOTHING), ((2026, 3, 29, 3, 0), 0, NOTHING),
        ((2026, 3, 29, 7, 59), 0, NOTHING), ((2026, 3, 29, 8, 0), 0, "banner"),
        ((2026, 10, 25, 2, 30), 0, NOTHING), ((2026, 10, 25, 2, 30), 1, NOTHING), ((2026, 10, 25, 7, 59), 0, NOTHING),
        ((2026, 10, 25, 8, 0), 0, "banner"),
    ],
)  # fmt: skip
def test_quiet_hours_are_those_of_the_policys_zone(
    when: tuple[int, ...], fold: int, expected: str
) -> None:
    one = person(contact=QUIET, time_zone="Europe/Vienna")
    assert one.chosen(at("Europe/Vienna", *when, fold=fold), channel="push") == expected
    if expected == NOTHING:
        stage, rule, values = one.rule()
        assert (stage, rule) == ("constraints", "quiet_hours")
        assert values["zone"] == "Europe/Vienna"
    assert one.chosen(at("Europe/Vienna", *when, fold=fold), channel="web") == "banner"


def test_the_night_on_which_the_clock_goes_forward_has_its_quiet_hours_where_they_end_at_three() -> (
    None
):
    one = person(contact={"quiet_hours": {"begin": 1, "end": 3}}, time_zone="Europe/Vienna")
    before = at("Europe/Vienna", 2026, 3, 29, 1, 59)
    assert one.chosen(before, channel="push") == NOTHING
    assert one.chosen(before + MINUTE_MS, channel="push") == "banner"


def test_quiet_hours_are_the_persons_own_where_the_event_says_where_they_are() -> None:
    one = person(contact=QUIET, time_zone="Europe/Vienna")
    night = at("America/New_York", 2026, 1, 15, 23)  # 5 in the morning in Vienna
    offset = {"utc_offset_min": -300}
    assert one.chosen(night, channel="push", context=offset) == NOTHING
    evening = at("America/New_York", 2026, 1, 15, 19)  # 1 in the night in Vienna
    assert one.chosen(evening, channel="push", context=offset) == "banner"
    other = person(contact=QUIET, time_zone="Europe/Vienna")
    assert other.chosen(evening, channel="push") == NOTHING


def test_quiet_hours_are_by_the_offset_that_was_said_last_where_a_server_sends() -> None:
    one = person(contact=QUIET, time_zone="Europe/Vienna")
    evening = at("America/New_York", 2026, 1, 15, 19)  # 1 in the night in Vienna
    assert one.chosen(evening, channel="push") == NOTHING
    one.tell("page_viewed", evening + 1, context={"utc_offset_min": -300})
    one.tell("page_viewed", evening - HOUR_MS, context={"utc_offset_min": 60})
    assert one.chosen(evening + 2, channel="push") == "banner"
    assert one.chosen(evening + 3, channel="push", consent=[]) == NOTHING, "no profile is kept"


def test_hours_that_end_when_they_begin_are_always_quiet() -> None:
    one = person(contact={"quiet_hours": {"begin": 8, "end": 8, "channels": ["web"]}})
    assert {one.chosen(hour * HOUR_MS, channel="web") for hour in range(24)} == {NOTHING}


# --- never exceeded -----------------------------------------------------------------------------

LIMITS: Final[list[dict[str, Any]]] = [
    {"name": "hour", "times": 2, "within_ms": HOUR_MS},
    {"name": "mails", "times": 1, "within_ms": 2 * HOUR_MS, "channels": ["email"]},
    {"name": "day", "times": 4, "within_ms": 5 * HOUR_MS},
    {"name": "sales", "times": 1, "within_ms": 30 * MINUTE_MS, "groups": ["sale"]},
]
CROWD: Final = knowing(
    action("a", group="sale"), action("b", value=0.5), placement=HERO, contact={"limits": LIMITS},
)  # fmt: skip
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "show", "click", "repeat"]),
        st.integers(0, 25 * MINUTE_MS),
        st.sampled_from(["web", "email", "app"]),
        st.integers(0, 3),
        st.sampled_from(["s1", "s2"]),
    ),
    max_size=60,
)


def counted(limit: dict[str, Any], made: Decision) -> bool:
    is_of = made.channel in limit.get("channels", (made.channel,))
    group = "sale" if made.action_id == "a" else ""
    return is_of and group in limit.get("groups", (group,))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_no_limit_is_ever_exceeded(steps: list[Any]) -> None:
    """Whatever is decided, shown in time, answered, repeated or left to expire, from two sessions: no window holds more than its limit."""
    one = Person(CROWD)
    now_ms, shown = 0, {}
    for kind, later_ms, channel, back, session in steps:
        now_ms += later_ms
        contacts = [each for each in one.decisions if each.action_id != NOTHING]
        if kind == "ask":
            made = one.ask(now_ms, channel=channel, session_id=session)
            if made.action_id != NOTHING and channel == "email":
                shown[made.decision_id] = made.event_time_ms
        elif contacts:
            of = contacts[-1 - back % len(contacts)]
            if NOON + now_ms < of.valid_until_ms or of.decision_id in shown:
                one.tell("decision_clicked" if kind == "click" else "decision_exposed", now_ms, of)
                shown.setdefault(of.decision_id, NOON + now_ms)
    contacts = [each for each in one.decisions if each.action_id != NOTHING]
    for limit in LIMITS:
        times = sorted(
            shown[each.decision_id]
            for each in contacts
            if each.decision_id in shown and counted(limit, each)
        )
        for first, last in zip(times, times[limit["times"] :], strict=False):
            assert last - first >= limit["within_ms"], limit


def played(one: Person, steps: list[Any]) -> int:
    """Asks and shows by these steps; how far after noon it came."""
    now_ms = 0
    for kind, later_ms, channel, _, session in steps:
        now_ms += later_ms
        made = one.ask(now_ms, channel=channel, session_id=session)
        if kind == "show" and made.action_id != NOTHING:
            one.show(now_ms, made)
    return now_ms


@settings(max_examples=60, deadline=None)
@given(STEPS.filter(bool), STEPS.filter(bool), STEPS)
def test_two_who_turn_out_to_be_one_get_nothing_beyond(
    first: list[Any], second: list[Any], after: list[Any]
) -> None:
    """Merged in any order they are the same, and no further contact is made for as long as both together fill a limit."""
    one, other = Person(CROWD, name="one"), Person(CROWD, name="other")
    end_ms = max(played(one, first), played(other, second))
    assert one.state is not None
    assert other.state is not None
    merged = merge_persons(one.state, other.state)
    assert PERSON_STATE.encode(merged) == PERSON_STATE.encode(merge_persons(other.state, one.state))
    assert {*merged.contacts} == {*one.state.contacts} | {*other.state.contacts}
    both = Person(CROWD, merged, name="one")
    for _, later_ms, channel, _, session in after:
        end_ms += later_ms
        before = dict(both.state.contacts) if both.state else {}
        made = both.ask(end_ms, channel=channel, session_id=session)
        if made.action_id != NOTHING:
            for limit in LIMITS:
                is_open = [held(each, limit, NOON + end_ms) for each in before.values()]
                assert sum(is_open) < limit["times"] or not counted(limit, made)


def held(contact: Contacted, limit: dict[str, Any], now_ms: int) -> bool:
    """Whether it takes a place of the limit, as the issue words it."""
    is_of = contact.channel in limit.get("channels", (contact.channel,))
    is_of = is_of and contact.group in limit.get("groups", (contact.group,))
    if contact.shown_ms is None:
        return is_of and now_ms < contact.until_ms
    return is_of and now_ms - contact.shown_ms < limit["within_ms"]


def test_contacts_are_known_by_the_beginning_of_their_decisions_ids() -> None:
    one = person(contact={"per_day": 3})
    made = one.ask(0)
    assert one.state is not None
    assert list(one.state.contacts) == [made.decision_id[:KEY_LENGTH]]
