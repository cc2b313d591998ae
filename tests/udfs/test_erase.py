"""Somebody is forgotten: what goes at once, what comes later and counts for nothing, and that no replay brings it back."""

from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold, Folded, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import EVENT
from schemas.decisions import EVERYWHERE, Decision
from schemas.erasures import ErasureKey, erasure_record
from schemas.events import Event
from schemas.limits import DAY_MS, ERASED_KEPT_MS, HOUR_MS, MINUTE_MS, SESSION_GAP_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_STATE
from tests.builders import NOON, make_catalogue, make_event, make_record
from udfs.decide import decide
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

KEY = ErasureKey(b"k" * 32)
POLICY: dict[str, Any] = {
    "placements": [{"name": "home"}, {"name": "cart"}],
    "actions": [
        {"id": "offer", "kind": "offer", "placements": ["cart"], "treatments": [{"id": "t"}],
         "limits": {"count": 1, "per_days": 30}},
    ],
}  # fmt: skip


def engine(*erased: tuple[str, str, int], is_learning: bool = True) -> Fold:
    knowledge = Knowledge()
    knowledge.erasures = Erasures(KEY)
    for kind, name, until_ms in erased:
        knowledge.erasures.add(erasure_record(KEY, kind, name, until_ms))  # type: ignore[arg-type]
    policy = {**POLICY, "actions": [{**POLICY["actions"][0], "limits": {}}]}
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(policy, Policy)))
    for position, item in enumerate(make_catalogue(12)):
        knowledge.add_item(item, position)
    return Fold(knowledge, FoldRules(EVENT.decode, "seed"), Learner() if is_learning else None)


def at(minute: float, event_type: str = "page_viewed", **fields: Any) -> Event:
    time_ms = int(NOON + minute * MINUTE_MS)
    return make_event(event_type=event_type, **{"event_id": f"e{minute}", "event_time_ms": time_ms} | fields)  # fmt: skip


def view(minute: float, item: int, **fields: Any) -> Event:
    return at(minute, "product_viewed", item_ids=[f"i{item}"], **fields)


def home(minute: float, **fields: Any) -> Event:
    return at(minute, placements=["home", "cart"], **fields)


def erase(minute: float, **fields: Any) -> Event:
    return at(minute, "erasure_requested", **fields)


def records(*events: Event) -> list[LogRecord]:
    return [make_record(event, offset) for offset, event in enumerate(events)]


def steps(fold: Fold, *events: Event) -> list[Folded]:
    return list(fold.run(records(*events)))


def told(fold: Fold, *events: Event) -> list[Decision]:
    return [one for step in steps(fold, *events) for one in step.outputs if isinstance(one, Decision)]  # fmt: skip


def counts(done: list[Folded]) -> list[str]:
    return [name for step in done for name in step.counts]


def states(fold: Fold) -> bytes:
    """All that the fold holds of anybody."""
    persons = b"".join(PERSON_STATE.encode(one) for one in fold.persons.values())
    sessions = b"".join(SESSION_STATE.encode(one) for one in fold.sessions.values())
    return persons + sessions


# --- at once ------------------------------------------------------------------------------------


def test_nothing_of_the_person_is_left_and_what_stands_is_taken_back() -> None:
    fold = engine()
    decisions = told(fold, view(1, 7), home(2), erase(3))
    assert [(one.kind, one.placement) for one in decisions] == [
        ("decided", "home"), ("decided", "cart"), ("purged", "home"), ("purged", "cart"),
    ]  # fmt: skip
    newest = max(one.sequence for one in decisions if one.kind == "decided")
    assert all(one.sequence > newest and not one.items for one in decisions[2:])
    left = fold.persons["a1"]
    alone = PersonState(left.first_ms, left.last_ms, sequence=left.sequence, timer_ms=left.timer_ms)
    alone.erased_ms = NOON + 3 * MINUTE_MS
    assert left == alone
    assert fold.sessions["s1"].context == b""
    assert b"i7" not in states(fold)


def test_where_no_decision_stands_one_record_tells_the_store() -> None:
    """It may hold what came of earlier ones; who is erased again, or unknown, has nothing there."""
    again = erase(4, event_id="again")
    found = [one for one in told(engine(), view(1, 7), erase(3), again) if one.kind == "purged"]
    assert [(one.placement, one.content) for one in found] == [(EVERYWHERE, {})]
    assert told(engine(), erase(3)) == []


def test_what_is_left_goes_a_day_later_too() -> None:
    fold = engine()
    steps(fold, view(1, 7), erase(3), view(4 + ERASED_KEPT_MS / MINUTE_MS, 1, anonymous_id="other", session_id="s9"))  # fmt: skip
    assert "a1" not in fold.persons


def test_who_comes_back_is_somebody_new() -> None:
    fold, fresh = engine(is_learning=False), engine(is_learning=False)
    after = [view(5, 3), home(6)]
    decisions = told(fold, view(1, 7), home(2), erase(3), *after)
    newest = [one for one in decisions if one.event_id == "e6"]
    expected = told(fresh, *after)
    assert [one.items for one in newest] == [one.items for one in expected]
    assert min(one.sequence for one in newest) > max(
        one.sequence for one in decisions if one.kind == "purged"
    )
    state, other = fold.persons["a1"], fresh.persons["a1"]
    assert msgspec.structs.replace(state, sequence=0, erased_ms=0, session_count=0) == (
        msgspec.structs.replace(other, sequence=0, session_count=0)
    )


@pytest.mark.parametrize("minute", [1.5, 3])
def test_what_comes_late_and_is_of_before_counts_for_nothing(minute: float) -> None:
    fold = engine()
    bought = at(minute, "purchase_completed", item_ids=["i7"], value_amount=9.0, event_id="late")
    done = steps(fold, view(1, 7), erase(3), view(5, 3), bought)
    assert "erased" in counts(done)
    assert fold.persons["a1"].purchase_count == 0
    other = engine()
    elsewhere = msgspec.structs.replace(bought, session_id="s2")
    steps(other, view(1, 7), erase(3), elsewhere)
    assert not other.persons["a1"].purchases


def test_a_visit_that_was_open_elsewhere_decides_nothing_and_brings_nothing() -> None:
    phone = {"session_id": "s2", "anonymous_id": "phone"}
    sign_in = {"person_id": "mia"}
    fold = engine()
    decisions = told(
        fold,
        at(0, "identified", **sign_in), view(1, 7),
        at(1.1, "identified", event_id="in2", **phone, **sign_in), view(1.2, 8, **phone), home(1.5, **phone),
        erase(3, **sign_in),
        home(4, **phone),
        home(5 + SESSION_GAP_MS / MINUTE_MS, **phone),
    )  # fmt: skip
    decided = [one.event_id for one in decisions if one.kind == "decided"]
    again = f"e{5 + SESSION_GAP_MS / MINUTE_MS}"
    assert decided == ["e1.5", "e1.5", again, again]
    assert not fold.persons["mia"].recent_items


def test_what_comes_late_when_the_visit_is_over_is_counted_and_decides_nothing() -> None:
    fold = engine()
    late = at(4, "purchase_completed", item_ids=["i2"], placements=["home"], value_amount=9.0)
    decisions = told(fold, erase(3), view(5, 1), at(60, "session_ended"), late)
    assert decisions == []
    assert fold.persons["a1"].purchase_count == 1


def test_a_visit_of_before_that_signs_in_brings_nothing() -> None:
    fold = engine()
    before = [view(1, 7, session_id="s2", anonymous_id="phone"), erase(3, person_id="mia")]
    handed = at(4, "identified", session_id="s2", anonymous_id="phone", person_id="mia")
    done = steps(fold, *before, handed)
    assert "erased" in counts(done)
    assert not fold.persons["mia"].recent_items


@pytest.mark.parametrize("is_listed", [False, True])
def test_of_an_erased_visitor_who_signs_in_later_comes_what_was_done_since(is_listed: bool) -> None:
    fold = engine(*[("person", "a1", NOON + 3 * MINUTE_MS)] if is_listed else [])
    done = steps(
        fold, view(1, 7), home(2), erase(3), view(4, 8, session_id="s2"),
        at(5, "identified", session_id="s2", person_id="mia"),
    )  # fmt: skip
    assert "persons_merged" in counts(done)
    state = fold.persons["mia"]
    assert (state.recent_items, state.first_ms) == (
        {"i8": NOON + 4 * MINUTE_MS}, NOON + 4 * MINUTE_MS,
    )  # fmt: skip
    assert b"i7" not in states(fold)


def test_nothing_is_remembered_by_what_learns() -> None:
    fold = engine()
    learner = fold._learner
    assert learner is not None
    steps(fold, view(1, 7, consent=["analytics"]), home(2), erase(3))
    memory = learner._people["a1"]
    assert (memory.asked, memory.touches, memory.fact_ids) == (b"", {}, b"")
    assert memory.consent.purposes is None
    assert not learner._asked
    taught = [record for record in learner.close(NOON + HOUR_MS) if "session/" in str(record)]
    assert not taught, "the open visit teaches nothing"


# --- whose it is --------------------------------------------------------------------------------


def test_a_browsers_key_alone_reaches_its_own_visit_and_visitor_only() -> None:
    fold = engine()
    mia = {"session_id": "s2", "anonymous_id": "a2"}
    steps(
        fold,
        at(0, "identified", person_id="mia", event_id="in", **mia), view(1, 7, event_id="v", **mia),
        view(1, 8),
        erase(3, person_id="mia", is_unproven=True),
        erase(4, is_unproven=True, event_id="own", **mia),
    )  # fmt: skip
    assert "i7" in fold.persons["mia"].recent_items, "neither by her name nor in her visit"
    assert fold.sessions["s2"].context == b"", "the visit is its own"
    assert (fold.sessions["s2"].person, fold.sessions["s2"].is_identified) == ("mia", True)
    assert not fold.persons["a1"].recent_items
    proven = erase(5, person_id="mia", is_unproven=True, event_id="proven", **mia)
    steps(fold, proven)
    assert not fold.persons["mia"].recent_items, (
        "the door has proven the name, and the session said it"
    )
    assert (fold.sessions["s2"].person, fold.sessions["s2"].is_identified) == ("a2", False)


def test_a_server_names_whom_it_means_from_any_session() -> None:
    fold = engine()
    mia = {"session_id": "s2", "anonymous_id": "a2"}
    own = erase(3, session_id="erasure", anonymous_id="erasure", person_id="mia")
    done = steps(
        fold,
        at(0, "identified", person_id="mia", event_id="in", **mia), view(1, 7, **mia),
        view(2, 8), own,
    )  # fmt: skip
    assert not fold.persons["mia"].recent_items
    assert "i8" in fold.persons["a1"].recent_items
    assert counts(done).count("persons_erased") == 1


def test_a_device_of_others_keeps_its_visitor() -> None:
    fold = engine()
    steps(
        fold,
        view(0, 9), at(1, "identified", person_id="mia"), view(2, 7), view(2.5, 8, session_id="s0"),
        erase(3, person_id="mia", properties={"keeps": "visitor"}),
    )  # fmt: skip
    # what it did before mia signed in was hers
    assert "i9" not in fold.persons["a1"].recent_items
    assert "i8" in fold.persons["a1"].recent_items
    assert not fold.persons["mia"].recent_items
    assert fold.sessions["s1"].context == b""


def test_a_session_of_somebody_else_stays_theirs() -> None:
    fold = engine()
    steps(fold, at(0, "identified", person_id="tom"), view(1, 7), erase(2, person_id="mia"))
    assert "i7" in fold.persons["tom"].recent_items
    assert fold.sessions["s1"].person == "tom"
    assert fold.sessions["s1"].context


def test_somebody_unknown_is_nobody_and_twice_is_once() -> None:
    fold = engine()
    done = steps(fold, erase(1), erase(2, event_id="again"), view(3, 7))
    assert "persons_erased" not in counts(done)
    assert fold.persons["a1"].recent_items == {"i7": NOON + 3 * MINUTE_MS}
    twice = engine()
    done = steps(twice, view(1, 7), home(2), erase(3), erase(4, event_id="again"))
    assert counts(done).count("persons_erased") == 1
    assert [one.kind for one in told(engine(), view(1, 7), home(2), erase(3), erase(4, event_id="again"))].count("purged") == 2  # fmt: skip


def test_a_full_visit_is_erased_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.track_session.SESSION_EVENTS_MAX", 1)
    fold = engine()
    done = steps(fold, view(1, 7), view(2, 8), erase(3))
    assert "session_full" in counts(done)
    assert not fold.persons["a1"].recent_items


# --- the list -----------------------------------------------------------------------------------


def shopping() -> list[Event]:
    """Mia signs in on a device of hers, tom on another; both look, ask and buy. A device is shared by both."""
    events = []
    for number, (person, device) in enumerate([("mia", "a1"), ("tom", "a2"), ("mia", "kiosk"), ("tom", "kiosk")]):  # fmt: skip
        whose = {"session_id": f"s{number}", "anonymous_id": device}
        events += [
            view(number * 60, number, event_id=f"v{number}", **whose),
            at(number * 60 + 1, "identified", person_id=person, event_id=f"in{number}", **whose),
            view(number * 60 + 2, number + 4, event_id=f"w{number}", **whose),
            at(number * 60 + 3, "purchase_completed", item_ids=[f"i{number}"], value_amount=5.0,
               event_id=f"b{number}", **whose),
            home(number * 60 + 4, event_id=f"h{number}", **whose),
        ]  # fmt: skip
    return sorted(events, key=lambda one: one.event_time_ms)


def test_a_replay_brings_nothing_back_and_decides_for_others_as_ever() -> None:
    day_ms = NOON + DAY_MS
    events = [*shopping(), erase(24 * 60, session_id="erasure", anonymous_id="erasure", person_id="mia", properties={"keeps": "visitor"})]  # fmt: skip
    later = view(25 * 60, 3, session_id="s9", anonymous_id="a1", event_id="later")
    listed = engine(("person", "mia", day_ms), ("person", "a1", day_ms), ("session", "s2", day_ms))
    decisions = told(listed, *events, later)
    assert {one.person for one in decisions} == {"tom"}
    hers = {"s0", "s2"}
    without = [one for one in shopping() if one.session_id not in hers]
    alone = engine()
    assert decisions == told(alone, *without, later)
    assert listed.persons["tom"] == alone.persons["tom"]
    assert set(listed.persons) == set(alone.persons)
    assert listed.persons["a1"].recent_items == {"i3": later.event_time_ms}
    assert "mia" not in states(listed).decode(errors="ignore")


def test_what_learns_remembers_nothing_of_who_is_on_the_list() -> None:
    fold = engine(("person", "a1", NOON - 1))
    learner = fold._learner
    assert learner is not None
    steps(fold, view(1, 7), home(2))
    assert set(learner._people) == {"a1"}
    fold.knowledge_at(0).erasures.add(erasure_record(KEY, "person", "a1", NOON + HOUR_MS))
    steps(fold, erase(60))
    assert learner._people == {}


def test_what_the_list_drops_is_counted_and_teaches_nothing() -> None:
    day_ms = NOON + DAY_MS
    listed = engine(("person", "mia", day_ms), ("person", "a1", day_ms), ("session", "s2", day_ms))
    done = counts(steps(listed, *shopping()))
    assert (done.count("erased"), done.count("events")) == (10, 10)
    alone = engine()
    steps(alone, *[one for one in shopping() if one.session_id not in {"s0", "s2"}])
    learner, other = listed._learner, alone._learner
    assert learner is not None
    assert other is not None
    assert list(learner.close(day_ms)) == list(other.close(day_ms))


def test_who_is_on_the_list_leaves_no_id_in_state() -> None:
    later_ms = NOON + HOUR_MS
    fold = engine(("person", "mia", NOON - 1), ("person", "a1", NOON - 1))
    steps(fold, at(0, "identified", person_id="mia"), view(1, 7), home(2))
    erasures = fold.knowledge_at(0).erasures
    for name in ("mia", "a1"):
        erasures.add(erasure_record(KEY, "person", name, later_ms))
    steps(fold, erase(60, person_id="mia"))
    assert (fold.persons, fold.sessions) == ({}, {})


def test_an_erasure_on_the_list_is_honoured_from_the_first_event_on_and_no_longer() -> None:
    fold = engine(("person", "a1", NOON + 2 * MINUTE_MS))
    steps(fold, view(2, 7), view(3, 8, event_id="after"))
    assert fold.persons["a1"].recent_items == {"i8": NOON + 3 * MINUTE_MS}


def test_another_person_on_an_erased_device_is_kept() -> None:
    fold = engine(("person", "a1", NOON + HOUR_MS), ("session", "s1", NOON + HOUR_MS))
    steps(fold, view(1, 7), at(2, "identified", person_id="tom"), view(3, 8), view(4, 9, person_id="eve", session_id="s2"))  # fmt: skip
    assert "i8" in fold.persons["tom"].recent_items
    assert "i7" not in fold.persons["tom"].recent_items


def test_who_was_not_erased_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hash is made of anybody whose events are newer than the newest erasure."""
    fold = engine(("person", "a1", NOON))

    def never(*_: object) -> bytes:
        raise AssertionError("a live event was hashed")

    monkeypatch.setattr(fold.knowledge_at(0).erasures, "_hash_of", never)
    steps(fold, view(1, 7), home(2), at(3, "identified", person_id="mia"), home(4))
    assert fold.persons["mia"].recent_items


def test_news_in_flight_when_the_list_comes_is_dropped_by_the_person_too() -> None:
    fold = engine()
    (news,) = [one.news for one in steps(fold, view(1, 7)) if one.news and one.news.kind == "event"]
    knowledge = fold.knowledge_at(0)
    knowledge.erasures.add(erasure_record(KEY, "person", "a1", NOON + HOUR_MS))
    result = decide(None, news, knowledge, "seed")
    assert (result.state, result.outputs, result.counts) == (None, (), ("erased",))
