"""The live job on a real Kafka: what comes out, knowledge on the fly, its ends and its restarts."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
import pytest

from jobs.decide import PERSON
from jobs.flink.counted import is_running, read_counts
from jobs.flink.rest import FlinkRest
from schemas.codec import CONTROL, DEAD_LETTER, DECISION, EVENT, TRACE
from schemas.control import Control
from schemas.decisions import Decision
from schemas.knowledge import EPOCH_END, ITEM_KNOWLEDGE, EpochEnd, effective_from_ms
from schemas.limits import HOUR_MS
from schemas.policy import Placement, Policy
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS, KNOWLEDGE
from tests.builders import EPOCH, NOON, ONE_MINUTE_LATER, make_catalogue, make_event, make_learnt
from tests.flink.runs import Line, Running, fill_log, produce, read_outputs, start_decide

pytestmark = pytest.mark.flink
PREFIX = "live."


class Job(NamedTuple):
    kafka: str
    home: Path
    decide: Running


def viewed(number: int, time_ms: int) -> Line:
    event = make_event(
        event_id=f"e{number}", event_type="product_viewed", event_time_ms=time_ms,
        session_id=f"s{number}", anonymous_id=f"a{number}", item_ids=("i1",),
    )  # fmt: skip
    return Line(time_ms, event.session_id, EVENT.encode(event))


UNUSABLE = [Line(NOON, "s", b"junk"), Line(NOON, None, b"no key"), Line(NOON, "s", None)]


@pytest.fixture(scope="module")
def job(kafka: str, home: Path) -> Iterator[Job]:
    fill_log(kafka, PREFIX, [viewed(n, NOON + n) for n in range(20)] + UNUSABLE, make_catalogue())
    decide = start_decide(kafka, PREFIX, home)
    decide.wait_until_ready()
    yield Job(kafka, home, decide)
    with decide.process:  # it closes what it said, too
        decide.process.kill()


def outputs_when(
    job: Job, is_there: Callable[[dict[str, list[LogRecord]]], bool]
) -> dict[str, list[LogRecord]]:
    """Reads the outputs until they are as wanted: the test's time limit is the only bound."""
    while not is_there(found := read_outputs(job.kafka, PREFIX)):
        time.sleep(0.05)
    return found


def test_events_become_decisions_traces_and_dead_letters(job: Job) -> None:
    found = outputs_when(
        job, lambda out: len(out["dead_letters"]) == 3 and len(out["traces"]) == 20
    )
    decisions = [DECISION.decode(record.value) for record in found["decisions"]]
    traces = [TRACE.decode(record.value) for record in found["traces"]]
    assert sorted(one.event_id for one in decisions) == sorted(f"e{n}" for n in range(20))
    assert {one.decision_id for one in decisions} == {one.decision_id for one in traces}
    assert [record.key for record in found["decisions"]] == [one.person for one in decisions]
    assert [record.key for record in found["traces"]] == [one.decision_id for one in traces]
    arrived = [record.timestamp_ms for name in found for record in found[name]]
    assert min(arrived) > max(one.event_time_ms for one in decisions), (
        "what is kept counts from then"
    )


def test_dead_letter_says_where_the_record_lies(job: Job) -> None:
    for record in read_outputs(job.kafka, PREFIX)["dead_letters"]:
        letter = DEAD_LETTER.decode(record.value)
        assert letter.topic == PREFIX + EVENTS
        assert record.key == f"{letter.topic}/{letter.partition}/{letter.offset}"


def test_counts_are_readable_while_it_runs(job: Job) -> None:
    assert is_running(FlinkRest(job.decide.rest, job.decide.keys))
    # the counts are half a second old, and those of one operator older than those of the other
    while True:
        counts = read_counts(FlinkRest(job.decide.rest, job.decide.keys))
        if counts["events"] >= 20 and counts["decisions"] >= 20:
            break
        time.sleep(0.05)
    assert counts["events"] == counts["decisions"] == 20
    assert counts["dead_letters"] == counts["not_single_object"] == 3
    assert counts["knowledge_applied"] == 3 * 41, (
        "each of three operators has read one policy, 40 items"
    )


def test_later_knowledge_is_taken_and_unusable_knowledge_left_out(job: Job) -> None:
    policy = Policy(placements=(Placement("new_place", event_types=("product_viewed",)),))
    later = Control("policy", "default", "two", NOON + 500, msgspec.json.encode(policy))
    broken = Control("model", "ranker", "m", 0, uri="/nowhere", sha256="00")
    # announced and taken back: the last record of one time holds
    gone = Control("policy", "default", "gone", NOON + 600, b"{}")
    again = msgspec.structs.replace(later, effective_from_ms=NOON + 600, is_return=True)
    sent = (b"junk", *map(CONTROL.encode, (broken, later, gone, again)))
    lines = [(NOON, "k", one) for one in sent]
    produce(job.kafka, PREFIX + CONTROL_TOPIC, lines)
    rest = FlinkRest(job.decide.rest, job.decide.keys)
    while (counts := read_counts(rest))["knowledge_applied"] < 3 * 44:
        time.sleep(0.05)
    assert counts["knowledge_refused"] == 3 * 2
    produce(job.kafka, PREFIX + EVENTS, [viewed(90, NOON + 499), viewed(91, ONE_MINUTE_LATER)])
    found = outputs_when(job, lambda out: len(out[DECISIONS]) == 22)
    placements = {one.event_id: one.placement for one in map(_decision, found[DECISIONS])}
    assert (placements["e90"], placements["e91"]) == ("next_item", "new_place")


def test_what_is_learnt_is_taken_and_moves_no_time(job: Job) -> None:
    """It bears the time of its arrival, years after its events: what is silent would be over at once."""
    for epoch in range(EPOCH, EPOCH + 5):  # in the end no event has come for longer than IDLE_MS
        item = ITEM_KNOWLEDGE.encode(make_learnt("i1", epoch))
        end = EPOCH_END.encode(EpochEnd("0", epoch, effective_from_ms(epoch), 1))
        produce(job.kafka, PREFIX + KNOWLEDGE, [(NOON, "item/i1", item), (NOON, "epoch-end", end)])
        time.sleep(0.5)
    rest = FlinkRest(job.decide.rest, job.decide.keys)
    while read_counts(rest)["epochs_applied"] < 2 * 5:  # by visitors and by members
        time.sleep(0.05)
    time.sleep(1.0)  # were it to move time, it would have by now
    (running,) = rest.jobs()
    (person,) = (
        one for one in rest.ask(f"/jobs/{running.job_id}")["vertices"]
        if one["name"].startswith(PERSON)
    )  # fmt: skip
    path = f"/jobs/{running.job_id}/vertices/{person['id']}/subtasks/metrics"
    # not its input's: of that the metric is the least, whether idle or not
    (found,) = rest.ask(f"{path}?get={PERSON}.currentOutputWatermark&agg=max")
    assert NOON - HOUR_MS < found["max"] <= ONE_MINUTE_LATER


def test_sigterm_ends_it_in_order_and_the_next_run_goes_on(job: Job) -> None:
    checkpoints = job.home / "checkpoints"
    newest = _newest(checkpoints)
    while _newest(checkpoints) in (None, newest):  # everything so far is in the next one
        time.sleep(0.05)
    jvm = _jvm_of(job.decide)
    job.decide.process.send_signal(signal.SIGTERM)
    said, _ = job.decide.process.communicate()
    assert job.decide.process.returncode == 0, said
    assert not jvm.is_running()
    again = start_decide(job.kafka, PREFIX, job.home)
    again.wait_until_ready()
    produce(job.kafka, PREFIX + EVENTS, [viewed(92, ONE_MINUTE_LATER)])
    outputs_when(job, lambda out: len(out[DECISIONS]) >= 23)
    while not (events := read_counts(FlinkRest(again.rest, again.keys))["events"]):
        time.sleep(0.05)  # the counts are half a second old
    assert events == 1, "nothing is done twice"
    jvm = _jvm_of(again)
    again.process.kill()
    again.process.communicate()
    psutil.wait_procs([jvm], timeout=20)
    assert not jvm.is_running(), "kill -9 leaves no JVM"


@pytest.mark.long
def test_end_of_the_jvm_ends_the_process(job: Job) -> None:
    last = start_decide(job.kafka, PREFIX, job.home, "--fresh")
    last.wait_until_ready()
    _jvm_of(last).kill()
    said, _ = last.process.communicate(timeout=30)
    assert last.process.returncode == 1
    assert len(said.splitlines()) == 1
    assert "JVM" in said


def _decision(record: LogRecord) -> Decision:
    return DECISION.decode(record.value)


def _newest(checkpoints: Path) -> Path | None:
    complete = checkpoints.glob("*/*/chk-*/_metadata")
    return max(complete, key=lambda path: path.stat().st_mtime_ns, default=None)


def _jvm_of(decide: Running) -> psutil.Process:
    (jvm,) = psutil.Process(decide.process.pid).children()
    return jvm
