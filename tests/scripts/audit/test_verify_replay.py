"""`verify replay`: what a live job logged is reproduced byte by byte; whatever was changed is found and named."""

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from jobs.audit import recompute
from jobs.audit.logged import Scope
from jobs.audit.recheck import Recheck, Rechecked
from jobs.audit.skew import Skew
from jobs.audit.taught import taught_from_ms
from schemas.codec import CONTROL, DEAD_LETTER, DECISION, EVENT, ITEM, TRACE
from schemas.control import Control
from schemas.dead_letters import DeadLetter
from schemas.decisions import DecisionTrace, LeftOut
from schemas.errors import ConfigError, InvalidEvent
from schemas.items import Item
from schemas.knowledge import effective_from_ms, learnt_record
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.policy import DEFAULT_POLICY
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, ITEMS, KNOWLEDGE, TRACES
from scripts.audit.replay_view import audit_json, show_audit
from scripts.audit.skew_view import show_skew
from scripts.audit.verify import Audit, trace_again, verify
from tests.builders import NOON, make_catalogue, make_event
from tests.jobs.live_job import LiveJob, Topics, decided
from tests.logs import Line, consenting, shopping_log
from tests.scripts.audit.copies import Copy, edited
from tests.udfs.knowledge.compacted import compacted
from udfs.explain.fit_records import TOO_LARGE, leave_out
from udfs.knowledge.catalogue import Catalogue

LAG_MS = 300
FIVE_YEARS_MS = 5 * 365 * DAY_MS
EVERYTHING = Scope()


@pytest.fixture(scope="module")
def topics() -> Topics:
    return LiveJob(shopping_log(320, hours=0.2), LAG_MS).topics


def of_few_people(lines: list[Line], people: int) -> list[Line]:
    """The same sessions, each of one of so many people."""
    found = []
    for line in lines:
        event = EVENT.decode(line.value)
        name = f"a{int(line.key[1:]) % people}"
        event = msgspec.structs.replace(event, anonymous_id=name)
        found.append(line._replace(value=EVENT.encode(event)))
    return found


def audit(topics: Topics, scope: Scope = EVERYTHING, /, **changed: list[LogRecord]) -> Audit:
    return verify(Copy(topics | changed), scope)


def places(found: Audit) -> set[str]:
    """All records that are named."""
    return {one.place for one in found.faults} | {
        place for one in found.differences for place in (*one.places, *one.suspects)
    }


def test_decisions_of_people_who_agree_and_take_it_back_are_reproduced() -> None:
    lines = of_few_people(consenting(shopping_log(400, seed=8, hours=0.3, faults=False)), 20)
    topics = LiveJob(lines, LAG_MS).topics
    kinds = Counter(DECISION.decode(one.value).kind for one in topics[DECISIONS])
    assert kinds["purged"] > 5
    found = audit(topics)
    assert found.reproduced == found.decisions == kinds["decided"] > 100
    assert (found.differing, found.faults) == ({}, [])


def test_lists_that_keep_their_order_are_reproduced() -> None:
    placements = tuple(
        msgspec.structs.replace(
            one, size=min(one.size, 6), steadiness=0.5, novelty=0.2, coverage=0.2
        )
        for one in DEFAULT_POLICY.placements
    )
    policy = msgspec.structs.replace(DEFAULT_POLICY, placements=placements)
    lines = of_few_people(shopping_log(320, seed=9, hours=0.2, faults=False), 20)
    topics = LiveJob(lines, LAG_MS, policy=policy).topics
    candidates = [one for made in topics[TRACES] for one in TRACE.decode(made.value).candidates]
    assert sum("place_before" in one.values for one in candidates) > 50
    assert sum("brought_forward" in one.values for one in candidates) > 50
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.reproduced == found.decisions > 50
    assert found.skew == Skew(found.decisions, found.skew.vectors)


def test_every_decision_of_a_live_job_is_reproduced(topics: Topics) -> None:
    found = audit(topics)
    assert found.is_whole
    assert found.reproduced == found.decisions == len(decided(topics)) > 100
    assert (found.differing, found.faults, found.unexplained) == ({}, [], 0)
    assert found.knowledge_late > 0, "the learn job lags behind"


def test_simultaneous_sessions_are_taken_in_the_order_of_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = of_few_people(shopping_log(400, seed=2, hours=0.2, faults=False), 6)
    topics = LiveJob(lines, 5_000).topics
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.in_live_order > 10
    assert found.skew == Skew(found.decisions, found.skew.vectors)
    monkeypatch.setattr(Recheck, "run", lambda *_: Rechecked({}, {}, set()))
    by_time = audit(topics)
    assert by_time.differing == {"differs": found.in_live_order}
    assert not by_time.is_whole
    assert by_time.skew.differing > 0, "a replay by time would call them skewed"


@pytest.mark.long
def test_ends_of_sessions_that_live_found_late_are_taken_late() -> None:
    lines = of_few_people(shopping_log(400, seed=3, hours=2.5, faults=False), 5)
    topics = LiveJob(lines, LAG_MS, delay_ms=10 * MINUTE_MS).topics
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.in_live_order > 10


def visits(people: int, days: int) -> list[Line]:
    """One visit a day of each of so many people, of two items each, as imported history has them."""
    found = []
    for day in range(days):
        for person in range(people):
            for step in range(2):
                time_ms = NOON + day * DAY_MS + person * HOUR_MS + step * MINUTE_MS
                event = make_event(
                    event_id=f"{day}-{step}", event_type="product_viewed", event_time_ms=time_ms,
                    session_id=f"{person}-{day}", anonymous_id=f"a{person}", item_ids=(f"i{step + day}",),
                )  # fmt: skip
                found.append(Line(time_ms, event.session_id, EVENT.encode(event)))
    return sorted(found, key=lambda one: one.timestamp_ms)


def test_ends_of_sessions_of_imported_history_are_taken_behind_what_came_with_them() -> None:
    topics = LiveJob(visits(24, 3), LAG_MS, delay_ms=5 * DAY_MS).topics
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.decisions == 144
    assert found.in_live_order >= 48, "what later visits were decided without"


@pytest.mark.long
@pytest.mark.parametrize("import_ms", [0, 7, 400])
def test_history_that_is_imported_into_a_live_log_is_whole_visits_whatever_its_pace(
    import_ms: int,
) -> None:
    lines = of_few_people(shopping_log(200, seed=5, hours=5, faults=False), 4)
    topics = LiveJob(lines, LAG_MS, import_ms=import_ms).topics
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.decisions > 50


def test_many_visits_of_a_person_that_are_imported_at_once_all_end_behind_them() -> None:
    topics = LiveJob(visits(1, 60), LAG_MS, import_ms=0).topics
    found = audit(topics)
    assert found.is_whole, found.differing
    assert found.decisions == 120


def event_id_of(record: LogRecord) -> str | None:
    """Of a record that can be read."""
    try:
        return EVENT.decode(record.value).event_id
    except InvalidEvent:
        return None


class LateCatalogue(LiveJob):
    """Halfway, items come that hold since ever (or, `is_new`, a newer time), and change nothing of what was decided."""

    def __init__(self, lines: list[Line], items: list[Item], was_newer: bool) -> None:
        self._late, self._was_newer = items, was_newer
        super().__init__(lines, LAG_MS)

    def _publish(self) -> None:
        super()._publish()
        if self._was_newer:
            self._add(Item("i39", NOON - HOUR_MS, "Newer", "Shop/C3", price=44.0))

    def _run(self, arriving: list[LogRecord]) -> None:
        half = len(arriving) // 2
        super()._run(arriving[:half])
        for item in self._late:
            self._add(item)
        super()._run(arriving[half:])

    def _add(self, item: Item) -> None:
        self._knowledge.add_item(item, len(self.topics[ITEMS]))
        self._write(ITEMS, item.effective_from_ms, item.item_id, ITEM.encode(item), 0)


def newcomers(from_ms: int) -> list[Item]:
    return [
        Item(f"late{n}", from_ms, f"Late {n}", f"Shop/C{n % 4}", price=3.0 + n, created_ms=NOON)
        for n in range(8)
    ]


@pytest.mark.parametrize(
    "from_ms", [NOON - 2 * HOUR_MS, NOON - HOUR_MS], ids=["behind_a_newer", "with_the_newest"]
)
def test_items_that_came_behind_newer_ones_are_named_and_unknown_to_what_was_decided_before(
    from_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shopping_log(160, hours=0.1)
    job = LateCatalogue(lines, newcomers(from_ms), was_newer=True)
    if from_ms == NOON - HOUR_MS:  # a run is told by its time: put one of another between
        job = LateCatalogue(lines, [newcomers(0)[0], *newcomers(from_ms)[1:]], was_newer=True)
    found = audit(job.topics)
    assert found.is_whole, found.differing
    assert found.catalogue_late > 10
    assert set(found.late_items) == {f"late{n}" for n in range(8)}
    show_audit(found)
    assert "published late: late0, late1" in capsys.readouterr().out


def test_what_was_touched_before_its_item_came_late_is_explained_and_no_more_than_that() -> None:
    dearer = [
        Item(f"i{n}", NOON - 2 * HOUR_MS, f"Item {n}", "Shop/Late", "B9", 90.0 + n)
        for n in range(20)
    ]
    job = LateCatalogue(shopping_log(160, hours=0.1), dearer, was_newer=True)
    found = audit(job.topics)
    assert found.is_whole, found.differing
    assert found.reproduced > 0.8 * found.decisions, found.differing
    assert set(found.late_items) == {f"i{n}" for n in range(20)}
    assert all(one.late_items for one in found.differences)
    assert found.skew.is_none
    assert 0 < found.skew.other_knowledge <= len(found.differences)
    changed = edited(job.topics[TRACES], TRACE, lambda _: {"draw": 0.123})
    assert audit(job.topics | {TRACES: changed}).unexplained > 20


def test_items_that_hold_since_ever_and_came_to_a_running_shop_are_late() -> None:
    class Empty(LateCatalogue):
        def _publish(self) -> None:
            LiveJob._publish(self)
            self.topics[ITEMS].clear()
            self._knowledge.catalogue = Catalogue()

    found = audit(Empty(shopping_log(160, hours=0.1), make_catalogue(), was_newer=False).topics)
    assert found.is_whole, found.differing
    assert found.reproduced > 0.85 * found.decisions, found.differing
    # one who was there before the items came, and one whose visitor was
    assert {one.person for one in found.differences} == {"a7", "p4"}
    assert found.catalogue_late > 10


@pytest.mark.parametrize("topic", [DECISIONS, TRACES, EVENTS])
@pytest.mark.parametrize("draw", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3))])
def test_one_flipped_bit_is_found_and_its_record_named(
    topics: Topics, topic: str, draw: int
) -> None:
    chance = random.Random(f"{topic}{draw}")
    records = list(topics[topic])
    logged = decided(topics)
    deciding = {DECISION.decode(one.value).event_id for one in logged}
    at = chance.choice(
        [
            n
            for n, one in enumerate(records)
            if topic == TRACES or one in logged or event_id_of(one) in deciding
        ]
    )
    flipped = bytearray(records[at].value)
    # of an event that was decided on, the first bytes, up to its ids: no decision may rest on a page's name
    place = chance.randrange(len(flipped) if topic != EVENTS else min(16, len(flipped)))
    flipped[place] ^= 1 << chance.randrange(8)
    records[at] = records[at]._replace(value=bytes(flipped))
    found = audit(topics, **{topic: records})
    assert not found.is_whole
    name = f"{topic}/{records[at].partition}/{records[at].offset}"
    assert name in places(found)
    is_unreadable = {one.place for one in found.faults} == {name}
    assert topic == EVENTS or is_unreadable or [name] in [one.places for one in found.differences]


@pytest.mark.parametrize(
    ("topic", "cause"), [(DECISIONS, "no_decision"), (TRACES, "no_trace"), (EVENTS, "not_made")]
)
def test_a_record_that_was_taken_away_is_missed(topics: Topics, topic: str, cause: str) -> None:
    decision = DECISION.decode(decided(topics)[50].value)

    def is_it(record: LogRecord) -> bool:
        mine = (decision.event_id.encode(), decision.decision_id.encode())
        return any(name in record.value for name in mine)

    fewer = [one for one in topics[topic] if not is_it(one)]
    assert len(fewer) < len(topics[topic])
    found = audit(topics, **{topic: fewer})
    assert found.differing[cause] >= 1
    assert not found.is_whole
    assert decision.decision_id in {one.decision_id for one in found.differences}


def test_a_decision_without_any_record_is_missed(topics: Topics) -> None:
    gone = DECISION.decode(decided(topics)[50].value).decision_id
    found = audit(
        topics,
        decisions=[one for one in topics[DECISIONS] if gone.encode() not in one.value],
        traces=[one for one in topics[TRACES] if one.key != gone],
    )
    assert found.differing == {"not_logged": 1}
    assert found.differences[0].decision_id == gone


def test_the_versions_that_a_decision_names_hold_whatever_came_late(topics: Topics) -> None:
    empty = Control("policy", "default", "late", NOON, payload=b'{"placements": []}')
    late = LogRecord(CONTROL_TOPIC, 0, 1, NOON, "policy/default", CONTROL.encode(empty))
    found = audit(topics, control=[*topics[CONTROL_TOPIC], late])
    assert found.is_whole
    assert found.control_late == found.decisions
    other = edited(topics[CONTROL_TOPIC], CONTROL, lambda _: {"version": "another"})
    unknown = audit(topics, control=other)
    assert unknown.differing == {"unknown_version": unknown.decisions}


def test_other_code_is_a_cause_and_a_repeat_is_none(topics: Topics) -> None:
    def older(one: Any) -> dict[str, Any]:
        return {"versions": msgspec.structs.replace(one.versions, code="0.0.1")}

    mine = DECISION.decode(topics[DECISIONS][0].value).decision_id
    decisions = edited(topics[DECISIONS][:1], DECISION, older) + topics[DECISIONS][1:]
    traces = [edited([one], TRACE, older)[0] if one.key == mine else one for one in topics[TRACES]]
    found = audit(topics, decisions=decisions, traces=traces)
    assert found.differing == {"other_code": 1}
    assert found.is_whole
    again = [one._replace(offset=10_000 + one.offset) for one in topics[DECISIONS][:3]]
    repeated = audit(topics, decisions=topics[DECISIONS] + again)
    assert (repeated.repeats, repeated.is_whole) == (3, True)


def test_what_rests_on_events_that_are_gone_is_explained(topics: Topics) -> None:
    later = [one for one in topics[EVENTS] if one.offset >= 20]
    found = verify(Copy(topics | {EVENTS: later}, shortened=EVENTS), Scope())
    assert set(found.differing) == {"older_state"}
    assert found.is_whole, "and the others are reproduced"
    assert 0 < found.differing["older_state"] < found.decisions


def test_one_decision_or_those_of_a_time(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    decision = DECISION.decode(decided(topics)[70].value)
    found = audit(topics, Scope(decision_id=decision.decision_id))
    assert (found.decisions, found.reproduced) == (1, 1)
    times = sorted(DECISION.decode(one.value).event_time_ms for one in decided(topics))
    some = audit(topics, Scope(times[20], times[60]))
    assert some.decisions == sum(times[20] <= one < times[60] for one in times) == some.reproduced
    show_audit(some)
    assert "reproduced byte by byte" in capsys.readouterr().out
    assert audit_json(some)["is_whole"] is True
    with pytest.raises(ConfigError, match="no decision 'x' in decisions"):
        audit(topics, Scope(decision_id="x"))


def test_a_difference_is_said_field_by_field(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    first = DECISION.decode(topics[DECISIONS][0].value)
    changed = edited(topics[DECISIONS][:1], DECISION, lambda one: {"priority": one.priority + 1})
    found = audit(topics, decisions=changed + topics[DECISIONS][1:])
    (difference,) = found.differences
    assert difference.cause == "altered"
    assert [field.name for field in difference.fields] == ["decision.priority"]
    assert difference.fields[0].recomputed == repr(first.priority)
    show_audit(found)
    said = capsys.readouterr().out
    assert f"decision {first.decision_id} (altered)" in said
    assert "decision.priority" in said
    assert audit_json(found)["differences"][0]["event_id"] == first.event_id


def test_traces_that_were_too_large_are_counted_apart_and_compared_in_what_they_hold(
    topics: Topics,
) -> None:
    def cut(one: DecisionTrace) -> dict[str, Any]:
        left_out = LeftOut(len(one.features), len(one.candidates) // 2, 0)
        return msgspec.structs.asdict(leave_out(one, left_out))

    found = audit(topics | {TRACES: edited(topics[TRACES], TRACE, cut)})
    assert found.is_whole
    assert found.left_out == found.reproduced == found.decisions

    def wrong(one: DecisionTrace) -> dict[str, Any]:
        return cut(one) | {"draw": 0.123}

    assert audit(topics | {TRACES: edited(topics[TRACES], TRACE, wrong)}).unexplained


def withheld(one: DecisionTrace) -> dict[str, Any]:
    """What a trace is that holds the digest of its features alone."""
    return msgspec.structs.asdict(one) | {"features": b""}


def test_traces_that_hold_a_digest_of_their_features_are_compared_by_it(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    ranked = sum(bool(TRACE.decode(one.value).candidates) for one in topics[TRACES])
    found = audit(topics | {TRACES: edited(topics[TRACES], TRACE, withheld)})
    assert found.is_whole
    assert found.reproduced == found.decisions
    assert found.skew.by_digest == ranked > 20
    show_skew(found.skew)
    assert f"{ranked} of them by the digest" in capsys.readouterr().out

    def wrong(one: DecisionTrace) -> dict[str, Any]:
        digest = bytes(16) if one.candidates else b""
        return withheld(one) | {"matrix_digest": digest}

    other = audit(topics | {TRACES: edited(topics[TRACES], TRACE, wrong)})
    assert other.differing == {"differs": ranked}
    assert {field.name for one in other.differences for field in one.fields} == {
        "trace.matrix_digest"
    }
    assert other.skew.differing > 0


def test_traces_of_before_there_were_digests_are_compared_in_what_they_hold(
    topics: Topics,
) -> None:
    before = edited(topics[TRACES], TRACE, lambda _: {"matrix_digest": b""})
    found = audit(topics | {TRACES: before})
    assert found.is_whole
    assert found.reproduced == found.decisions
    assert found.skew.by_digest == 0


def test_an_audit_of_many_keeps_no_trace_that_it_made(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[DecisionTrace | None] = []
    take = recompute.Compared.take_reproduced

    def noted(self: Any, logged: Any, decision: Any, trace: DecisionTrace | None) -> None:
        kept.append(trace)
        take(self, logged, decision, trace)

    monkeypatch.setattr(recompute.Compared, "take_reproduced", noted)
    assert audit(topics).reproduced > 20
    assert set(kept) == {None}


def test_the_trace_of_a_decision_is_made_again_as_a_whole(topics: Topics) -> None:
    logs = topics | {TRACES: edited(topics[TRACES], TRACE, withheld)}
    record = next(one for one in topics[TRACES] if TRACE.decode(one.value).candidates)
    whole = TRACE.decode(record.value)
    assert trace_again(Copy(logs), whole.decision_id) == whole
    altered = logs | {EVENTS: [one for one in topics[EVENTS] if one.key != whole.session_id]}
    assert trace_again(Copy(altered), whole.decision_id) is None
    with pytest.raises(ConfigError, match="no decision 'nobody'"):
        trace_again(Copy(logs), "nobody")


def test_a_decision_that_was_too_large_is_explained_by_its_dead_letter(topics: Topics) -> None:
    decision = DECISION.decode(decided(topics)[7].value)
    gone = topics | {
        name: [one for one in topics[name] if decision.decision_id.encode() not in one.value]
        for name in (DECISIONS, TRACES)
    }
    assert audit(gone).differing == {"not_logged": 1}
    said = f"{decision.decision_id}: 1200000 bytes with its key, at most 1000000"
    letter = DeadLetter(TOO_LARGE, said, b"", EVENTS, 0, 7, decision.event_time_ms)
    record = LogRecord(DEAD_LETTERS, 0, 0, NOON, "events/0/7", DEAD_LETTER.encode(letter))
    explained = audit(gone | {DEAD_LETTERS: [*gone.get(DEAD_LETTERS, []), record]})
    assert explained.differing == {"too_large": 1}
    assert explained.is_whole


def years_later(records: list[LogRecord]) -> list[LogRecord]:
    """As a topic holds them whose records bear the time of their arrival: of an import."""
    return [one._replace(timestamp_ms=one.timestamp_ms + FIVE_YEARS_MS) for one in records]


def test_what_bears_the_time_of_its_arrival_is_found_by_the_time_of_its_event(
    topics: Topics,
) -> None:
    arrived = {name: years_later(topics[name]) for name in (DECISIONS, TRACES, DEAD_LETTERS)}
    times = sorted(TRACE.decode(one.value).event_time_ms for one in topics[TRACES])
    scope = Scope(times[len(times) // 3], times[2 * len(times) // 3])
    found, before = audit(topics, scope, **arrived), audit(topics, scope)
    assert audit_json(found) == audit_json(before)
    assert 0 < found.reproduced < len(times)


def test_a_record_that_cannot_be_read_is_a_fault_of_every_range_that_it_may_be_of(
    topics: Topics,
) -> None:
    junk = topics[DECISIONS][-1]._replace(value=b"junk")
    arrived = junk._replace(timestamp_ms=junk.timestamp_ms + FIVE_YEARS_MS)
    times = [TRACE.decode(one.value).event_time_ms for one in topics[TRACES]]
    scope = Scope(min(times), max(times))
    for one in (junk, arrived):
        found = audit(topics, scope, decisions=[*topics[DECISIONS][:-1], one])
        assert [fault.place for fault in found.faults] == [
            f"{DECISIONS}/{one.partition}/{one.offset}"
        ]
    later = junk._replace(timestamp_ms=min(times) - HOUR_MS)
    assert not audit(topics, scope, decisions=[*topics[DECISIONS][:-1], later]).faults


def test_decisions_are_expired_whose_knowledge_is_compacted_and_all_others_reproduced(
    topics: Topics,
) -> None:
    """Who names an epoch of the compacted part; those of the last epoch there may miss what was taught right after it."""
    records = topics[KNOWLEDGE]
    told = [learnt_record(one.value, one.timestamp_ms) for one in records]
    left = [records[place] for place, _ in compacted(told, len(told) // 2)]
    begins_ms = taught_from_ms(left)
    assert 0 == taught_from_ms(records) < begins_ms
    found = audit(topics, knowledge=left)
    assert found.is_whole
    assert found.differing.keys() == {"expired"}
    assert found.reproduced + found.differing["expired"] == found.decisions
    logged = [DECISION.decode(one.value).versions.knowledge for one in decided(topics)]
    later = sum(effective_from_ms(epoch) > begins_ms for epoch in logged)
    assert found.reproduced >= later > 30


def test_a_refusal_whose_dead_letter_has_expired_is_no_fault(topics: Topics) -> None:
    letters = topics[DEAD_LETTERS]
    assert len(letters) > 1
    fewer = topics | {DEAD_LETTERS: letters[:0]}
    assert len(verify(Copy(fewer), EVERYTHING).faults) == len(letters)
    assert not verify(Copy(fewer, DEAD_LETTERS), EVERYTHING).faults


def test_a_refusal_is_a_fault_where_younger_dead_letters_than_its_own_are_gone(
    topics: Topics,
) -> None:
    letters = topics[DEAD_LETTERS]
    early = letters[0]._replace(
        timestamp_ms=0
    )  # what is still there goes back further than any event
    fewer = topics | {DEAD_LETTERS: [early, *letters[2:]]}
    assert len(verify(Copy(fewer, DEAD_LETTERS), EVERYTHING).faults) == 1


def test_differences_beyond_the_bound_are_counted_and_none_of_them_is_forgotten(
    topics: Topics, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recompute, "DIFFERENCES_MAX", 3)
    ids = sorted(one.key for one in topics[TRACES])

    def older(one: Any) -> dict[str, Any]:
        mine = one.decision_id == ids[-1]  # the others have a cause
        other = {} if mine else {"versions": msgspec.structs.replace(one.versions, code="0.0.1")}
        return {"sequence": one.sequence + 1_000} if mine else other

    found = audit(
        topics,
        decisions=edited(topics[DECISIONS], DECISION, older),
        traces=edited(topics[TRACES], TRACE, older),
    )
    assert len(found.differences) == 3
    assert found.differing == {"other_code": len(ids) - 1, "differs": 1}
    assert (found.not_named, found.is_whole) == (len(ids) - 3, False)
    assert found.skew.compared + found.skew.reordered == len(ids), "all vectors are compared"
    show_audit(found)
    assert f"and {len(ids) - 3:,} more, which are not looked into" in capsys.readouterr().out
