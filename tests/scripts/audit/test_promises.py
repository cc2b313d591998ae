"""`kairos verify`: every promise on what was logged; a planted fault of each kind turns its row red, and no other."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from jobs.audit.decoded import decoded
from jobs.audit.logged import Scope
from schemas.actions import Action, Treatment
from schemas.codec import DECISION, EVENT, TRACE
from schemas.contact import Contact, ContactLimit
from schemas.decisions import Decision, Versions
from schemas.events import Context
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, TRACES
from scripts.audit.looked_at import Contacts, Numbers, Permissions, Promise
from scripts.audit.promises import accounting, keep_promises, promises
from tests.builders import NOON, make_event
from tests.jobs.live_job import LiveJob, Topics
from tests.logs import consenting, shopping_log
from tests.scripts.audit.copies import Copy, edited
from udfs.facts import features

ROWS: Final = (
    "every event is accounted for", "what cannot be used is a dead letter, nothing else is", "nothing is lost",
    "a replay decides as live did", "features are the same live and in a replay", "a person's decisions are numbered in order",
    "chances sum to one, and what was chosen had one", "nothing is decided on what was refused", "limits of contacts hold",
)  # fmt: skip
ACCOUNTED, LETTERS, THERE, REPLAYED, SKEW, NUMBERS, CHANCES, CONSENT, LIMITS = ROWS


@pytest.fixture(scope="module")
def topics() -> Topics:
    return LiveJob(consenting(shopping_log(160, hours=0.1)), 300).topics


def found(topics: Topics, **changed: list[LogRecord]) -> dict[str, Promise]:
    rows = promises(Copy(topics | changed), Scope())
    assert [one.promise for one in rows] == list(ROWS)
    return {one.promise: one for one in rows}


def broken(rows: dict[str, Promise]) -> set[str]:
    return {name for name, one in rows.items() if not one.is_kept}


def test_every_promise_is_kept_on_a_log_with_all_kinds_of_faults(topics: Topics) -> None:
    rows = found(topics)
    assert broken(rows) == set()
    assert rows[ACCOUNTED].looked_at == len(topics[EVENTS])
    for outcome in ("events", "duplicates", "malformed"):
        assert f" {outcome}" in rows[ACCOUNTED].said
    looked_at = {name: one.looked_at for name, one in rows.items() if name not in (CONSENT, LIMITS)}
    assert all(looked_at.values()), looked_at
    assert rows[NUMBERS].looked_at == len(topics[DECISIONS])


def altered(topics: Topics, name: str, codec: Any, **fields: Any) -> dict[str, list[LogRecord]]:
    """The last decided record of a topic with other fields."""
    records = list(topics[name])
    at = max(
        n
        for n, one in enumerate(records)
        if name == TRACES or DECISION.decode(one.value).kind == "decided"
    )
    records[at : at + 1] = edited(records[at : at + 1], codec, lambda _: fields)
    return {name: records}


def test_a_dead_letter_that_is_not_there_is_missed(topics: Topics) -> None:
    assert broken(found(topics, **{DEAD_LETTERS: topics[DEAD_LETTERS][1:]})) == {LETTERS}


@pytest.mark.parametrize("name", [DECISIONS, TRACES])
def test_what_is_lost_is_missed(topics: Topics, name: str) -> None:
    left = list(topics[name])
    del left[len(left) // 2]
    rows = found(topics, **{name: left})
    assert THERE in broken(rows)
    assert rows[THERE].broken == 1


def test_what_is_decided_otherwise_is_found(topics: Topics) -> None:
    assert REPLAYED in broken(found(topics, **altered(topics, DECISIONS, DECISION, priority=0.123)))


def test_features_that_are_other_ones_are_found_and_named(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = features.COLUMNS["touch_share"]
    monkeypatch.setitem(features.COLUMNS, "touch_share", lambda view: real(view) * 2.0)
    row = found(topics)[SKEW]
    assert not row.is_kept
    assert row.said == "touch_share"


def test_what_was_decided_on_what_the_visit_had_refused_is_found(topics: Topics) -> None:
    events = list(decoded(topics[EVENTS], EVENT.decode, print))
    made = (DECISION.decode(one.value) for one in topics[DECISIONS])
    held = (replace(one, is_holdout=True) for one in made if one.kind == "decided")
    forged = next(one for one in held if judged(one, *events).broken)
    records = edited(topics[DECISIONS], DECISION, lambda one: {"is_holdout": one.decision_id == forged.decision_id})  # fmt: skip
    rows = found(topics, **{DECISIONS: records})
    assert broken(rows) == {REPLAYED, CONSENT}
    assert forged.decision_id in rows[CONSENT].said


def test_numbers_that_do_not_grow_are_found(topics: Topics) -> None:
    rows = found(topics, **altered(topics, DECISIONS, DECISION, sequence=0))
    # the last record is the first of its person and placement, or it is behind another
    assert REPLAYED in broken(rows)
    numbers = Numbers()
    for one in (decision(sequence=5), decision("e", sequence=5), decision("f", sequence=6)):
        numbers.take(one)
    numbers.take(decision("f", sequence=6))
    assert numbers.promise()[1:] == (4, 1, "decision e: 5 behind 5")


def test_repeats_are_no_fault_of_numbers() -> None:
    numbers = Numbers()
    for one in (5, 6, 5, 6, 7):
        numbers.take(decision(f"d{one}", sequence=one))
    assert numbers.promise()[1:3] == (5, 0)
    assert "2 were written more than once" in numbers.promise().said


def test_a_decision_that_is_made_again_of_newer_knowledge_is_no_fault_of_numbers() -> None:
    """Behind a kill of the job; of the same knowledge it would have to be the same bytes."""
    numbers = Numbers()
    first, later = decision("d5", sequence=5), decision("d6", sequence=6)
    newer = replace(first.versions, knowledge=first.versions.knowledge + 1)
    for one in (first, later, replace(first, versions=newer, items=())):
        numbers.take(one)
    assert numbers.promise()[1:3] == (3, 0)
    assert "1 made again of what was known by then" in numbers.promise().said
    numbers.take(replace(first, is_holdout=not first.is_holdout))
    numbers.take(replace(first, versions=newer, decision_id="another"))
    assert numbers.promise()[1:3] == (5, 2)


def test_chances_that_do_not_sum_to_one_are_found(topics: Topics) -> None:
    records = list(topics[TRACES])
    trace = TRACE.decode(records[-1].value)
    actions = tuple(replace(one, probability=0.4) for one in trace.actions)
    rows = found(topics, **altered(topics, TRACES, TRACE, actions=actions))
    assert {CHANCES, REPLAYED} == broken(rows)
    assert trace.decision_id in rows[CHANCES].said


def test_an_event_that_became_nothing_or_two_things_is_found() -> None:
    whole = Counter(read=7, events=3, duplicates=1, too_late=1, erased=1, clock_ticks=1, sessions_ended=9)  # fmt: skip
    assert accounting(whole).is_kept
    assert accounting(whole + Counter(read=1)).broken == 1
    assert accounting(whole + Counter(events=2)).broken == 2


@pytest.mark.parametrize("outcome", ["events_ignored", "passed_over"])
def test_what_counts_for_nothing_is_accounted_for(outcome: str) -> None:
    assert accounting(Counter({"read": 2, "events": 1, outcome: 1})).is_kept


def test_a_bot_of_the_log_breaks_no_promise(topics: Topics) -> None:
    first = topics[EVENTS][0]
    bot = make_event(event_id="bot", event_time_ms=first.timestamp_ms, session_id="b", context=Context(device="bot"))  # fmt: skip
    record = LogRecord(EVENTS, first.partition, first.offset, first.timestamp_ms, "b", EVENT.encode(bot))  # fmt: skip
    rows = found(topics, **{EVENTS: [record, *topics[EVENTS]]})
    assert broken(rows) == set()
    assert "1 events_ignored" in rows[ACCOUNTED].said


# --- consent and limits, record by record ---------------------------------------------------------------------


POLICY: Final = Policy(
    actions=(
        Action("letter", "message", purposes=("email",), treatments=(Treatment("t"),)),
        Action("deal", "offer", group="offers", treatments=(Treatment("t"),)),
    ),
    contact=Contact(per_day=2, limits=(ContactLimit("few", 1, HOUR_MS, groups=("offers",)),)),
)  # fmt: skip


def decision(decision_id: str = "d", /, **fields: Any) -> Decision:
    some: dict[str, Any] = {
        "decision_id": decision_id, "kind": "decided", "person": "a1", "session_id": "s1", "event_id": "e1",
        "event_time_ms": NOON, "placement": "hero", "channel": "web", "action_id": "deal", "treatment_id": "t", "items": (),
        "priority": 1.0, "response_propensity": None, "action_probability": 1.0, "arm": {}, "is_holdout": False,
        "is_merging": False, "explanation": "", "versions": Versions("p", "m", 0, 0, "c"), "sequence": 1, "sent_at_ms": None,
        "valid_until_ms": NOON + HOUR_MS,
    }  # fmt: skip
    return Decision(**some | fields)


def judged(made: Decision, *events: Any) -> Promise:
    permissions = Permissions({"p": POLICY})
    permissions.take(made)
    for event in events:
        permissions.look_at(event)
    return permissions.promise()


def said(*consent: str, at_ms: int = 0, event_id: str = "said", **fields: Any) -> Any:
    return make_event(event_id=event_id, event_time_ms=NOON + at_ms, consent=list(consent), **fields)  # fmt: skip


LETTER: Final = decision(action_id="letter", channel="email")
TESTED: Final = decision(arm={"test": "new"})
HELD: Final = decision(is_holdout=True)
ASKS: Final = make_event(event_id="e1", event_time_ms=NOON + 1)


@pytest.mark.parametrize("made", [LETTER, TESTED, HELD])
def test_what_was_refused_in_the_visit_is_found(made: Decision) -> None:
    assert judged(made, said("analytics"), ASKS).broken == 1
    assert judged(made, said("email", "personalisation"), ASKS)[1:3] == (1, 0)
    assert judged(made, ASKS).looked_at == 0, "the visit said nothing"
    assert judged(made, ASKS, said("analytics", at_ms=2))[1:3] == (0, 0), "it was said later"


def test_the_newest_that_the_visit_said_counts_and_the_deciding_event_may_say_it() -> None:
    assert judged(LETTER, said("email"), said(event_id="no", at_ms=1), ASKS).broken == 1
    assert judged(LETTER, said(event_id="no", at_ms=1), said("email"), ASKS).broken == 1, (
        "told late"
    )
    assert judged(LETTER, said("email"), said(event_id="e1", at_ms=1)).broken == 1


def test_where_the_person_said_something_newer_elsewhere_the_visit_does_not_tell() -> None:
    other = said("email", at_ms=1, event_id="other", session_id="s2")
    assert judged(LETTER, said("analytics"), other, ASKS)[1:3] == (0, 0)
    older = said("email", at_ms=-1, event_id="other", session_id="s2")
    assert judged(LETTER, said("analytics"), older, ASKS).broken == 1


def contacts(*made: Decision, shown: dict[str, int] | None = None) -> Promise:
    found = Contacts({"p": POLICY})
    for one in made:
        found.take(one)
    for name, at_ms in (shown or {}).items():
        found.look_at(make_event(event_type="decision_exposed", decision_id=name, event_time_ms=NOON + at_ms))  # fmt: skip
    return found.promise()


def deals(*at_ms: int) -> list[Decision]:
    return [
        decision(f"d{n}", event_time_ms=NOON + at, valid_until_ms=NOON + at + HOUR_MS)
        for n, at in enumerate(at_ms)
    ]  # fmt: skip


def test_a_limit_that_is_exceeded_is_found_and_named() -> None:
    assert contacts(*deals(0, 1), shown={"d0": 0, "d1": HOUR_MS})[1:3] == (2, 0), "a window later"
    row = contacts(*deals(0, 1), shown={"d0": 0, "d1": HOUR_MS - 1})
    assert row.broken == 1
    assert row.said == "decision d1 is the 2. contact of 1 that few allows"
    assert contacts(*deals(0, 2 * HOUR_MS, 4 * HOUR_MS), shown={"d0": 1, "d1": 2 * HOUR_MS, "d2": 4 * HOUR_MS}).broken == 1  # fmt: skip


def test_what_was_not_shown_in_time_counts_nothing_and_what_tells_nothing_back_always() -> None:
    assert contacts(*deals(0, 1), shown={"d0": 0}).looked_at == 1
    assert contacts(*deals(0, 1), shown={"d0": 0, "d1": 2 * HOUR_MS}).looked_at == 1
    letters = [
        decision(f"l{n}", action_id="letter", channel="email", event_time_ms=NOON + n * MINUTE_MS)
        for n in range(3)
    ]
    assert contacts(*letters)[1:3] == (3, 1)
    again = [replace(one, event_time_ms=one.event_time_ms + n * DAY_MS) for n, one in enumerate(letters)]  # fmt: skip
    assert contacts(*again).broken == 0
    assert contacts(letters[0], letters[0], letters[1]).looked_at == 2, "one that was written twice"


def test_people_and_policies_are_told_apart() -> None:
    one, other = deals(0, 1)
    assert contacts(one, replace(other, person="a2"), shown={"d0": 0, "d1": 1}).broken == 0  # fmt: skip
    unlimited = replace(other, versions=Versions("other", "m", 0, 0, "c"))
    assert contacts(one, unlimited, shown={"d0": 0, "d1": 1})[1:3] == (1, 0)


def test_the_command_prints_a_row_for_each_and_ends_with_1_where_one_is_broken(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keep_promises(Copy(topics), Scope(), is_json=False) == 0
    out = capsys.readouterr().out
    assert "every promise is kept" in out
    lost = topics | {TRACES: topics[TRACES][:-1]}
    assert keep_promises(Copy(lost), Scope(), is_json=True) == 1
    rows = msgspec.json.decode(capsys.readouterr().out)
    assert {one["promise"] for one in rows if not one["is_kept"]} == {THERE}
    show: Callable[..., int] = keep_promises
    assert show(Copy(lost), Scope(), is_json=False) == 1
    assert f"broken: {THERE}" in capsys.readouterr().out
