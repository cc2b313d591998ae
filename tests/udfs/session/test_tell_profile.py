"""What a CRM tells of a person: facts from its time on, and no visit, no activity, no decision."""

from msgspec.structs import replace

from jobs.fold.fold import Fold, Folded, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from schemas.formats.profile_rows import profile_of_row
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.state.person import PersonState
from tests.builders import NOON, make_event, make_knowledge, make_record

RULES = FoldRules(EVENT.decode, "seed")
GRANTED = ("personalisation", "analytics")


def told(at_ms: int, **facts: str) -> Event:
    row = {"person_id": "mia", "as_of": at_ms, **facts}
    return replace(profile_of_row(row).event, consent=GRANTED)


def visit(at_ms: int = NOON, session: str = "s1") -> list[Event]:
    common = {"session_id": session, "consent": GRANTED}
    return [
        make_event(event_id=f"{session}-a", event_time_ms=at_ms, **common),
        make_event(event_id=f"{session}-b", event_time_ms=at_ms + 1_000, event_type="identified", person_id="mia", **common),
        make_event(event_id=f"{session}-c", event_time_ms=at_ms + 2_000, placements=["home"], person_id="mia", **common),
    ]  # fmt: skip


def folded(*events: Event, until_ms: int = NOON + 2 * HOUR_MS) -> tuple[Fold, list[Folded]]:
    fold = Fold(make_knowledge(), RULES._replace(end_ms=until_ms))
    return fold, list(fold.run([make_record(one, at) for at, one in enumerate(events)]))


def mia(*events: Event) -> PersonState:
    return folded(*events)[0].members["mia"]


def test_facts_hold_from_their_time_on_and_nothing_else_is_changed() -> None:
    without = mia(*visit())
    state = mia(told(NOON - DAY_MS, loyalty_tier="gold", score="0.87"), *visit())
    assert state.statements == {"loyalty_tier": "gold", "score": "0.87"}
    assert (
        (state.session_count, state.event_count)
        == (without.session_count, without.event_count)
        == (1, 3)
    )
    for name in (
        "fine",
        "hourly",
        "daily",
        "unit",
        "exposures",
        "purchases",
        "last_ms",
        "timer_ms",
    ):
        assert getattr(state, name) == getattr(without, name), name


def test_nobody_was_there_so_nothing_is_decided_and_no_visit_begins() -> None:
    fold, steps = folded(told(NOON, loyalty_tier="gold"))
    assert not any(one.decisions or one.dead_letters for one in steps)
    state = fold.members["mia"]
    assert (state.session_count, state.event_count, state.unit) == (0, 0, None)
    (session,) = fold.sessions.values()
    assert (session.context, session.session_count, session.is_identified) == (b"", 0, False)
    assert not fold.visitors


def test_of_each_fact_what_was_said_last_holds_in_whatever_order_it_comes() -> None:
    old, new = told(NOON - 90 * DAY_MS, tier="gold", a="1"), told(NOON, tier="silver")
    fold, steps = folded(new, old)
    assert not any(one.dead_letters for one in steps)
    assert fold.members["mia"].statements == {"tier": "silver", "a": "1"}
    assert mia(old, new).statements == {"tier": "silver", "a": "1"}


def test_the_same_row_twice_is_told_once() -> None:
    row = told(NOON, tier="gold")
    _, steps = folded(row, row)
    assert sum(one.counts.count("duplicates") for one in steps) == 1
    assert told(NOON, tier="gold") == row
    assert told(NOON, tier="silver").event_id != row.event_id


def test_who_signs_in_later_keeps_the_arm_that_their_visitor_had() -> None:
    state = mia(told(NOON - DAY_MS, tier="gold"), *visit())
    assert state.unit is not None
    assert state.unit.id == "a1"


def test_what_a_page_claims_is_no_profile() -> None:
    row = replace(told(NOON, tier="gold"), is_unproven=True)
    fold, _ = folded(row)
    assert "mia" not in fold.members
    assert all(not one.statements for one in fold.visitors.values())


def test_a_visit_under_the_session_of_a_profile_is_nobodys_but_its_visitors() -> None:
    row = told(NOON, tier="gold")
    page = make_event(
        event_id="p", session_id=row.session_id, event_time_ms=NOON + MINUTE_MS, consent=GRANTED
    )
    fold, _ = folded(row, page, told(NOON + 2 * MINUTE_MS, tier="silver"))
    assert fold.members["mia"].statements == {"tier": "silver"}
    assert fold.members["mia"].event_count == 0
    assert fold.visitors["a1"].event_count == 1


def test_without_consent_no_profile_is_kept() -> None:
    row = replace(told(NOON, tier="gold"), consent=())
    assert mia(row).statements == {}
    said_no = make_event(event_id="no", session_id="s0", event_type="identified", person_id="mia", event_time_ms=NOON - HOUR_MS, consent=())  # fmt: skip
    silent = replace(told(NOON, tier="gold"), consent=None)
    assert mia(said_no, silent).statements == {}


def test_what_an_import_adds_is_no_fact_of_the_person() -> None:
    row = told(NOON, tier="gold")
    marked = replace(row, properties=row.properties | {"consent_source": "assumed"})
    assert mia(marked).statements == {"tier": "gold"}
