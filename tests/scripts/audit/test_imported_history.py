"""An audit over history that came in two parts, while the job read its partitions one ahead of another."""

import random
from itertools import islice
from zlib import crc32

import msgspec
import pytest

from jobs.audit.logged import Scope
from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import DAY_MS, SECOND_MS
from schemas.records import LogRecord
from scripts.audit.verify import verify
from scripts.bench.workload import shoppers
from tests.builders import NOON, make_event
from tests.jobs import live_job
from tests.jobs.live_job import PARTITIONS, LiveJob
from tests.logs import Line
from tests.scripts.audit.copies import Copy

EVENTS_OF_FILE = 1_200
APART_MS = 100


def clocks() -> list[str]:
    """A key for each partition, by which time itself is written to it."""
    found: dict[int, str] = {}
    for number in range(100):
        found.setdefault(crc32(b"tick%d" % number) % PARTITIONS, f"tick{number}")
    return list(found.values())


def ticks(begin_s: int, end_s: int) -> list[Line]:
    return [
        Line(NOON + at * SECOND_MS, key, EVENT.encode(make_event(event_id=f"{key}-{at}", event_type="clock_ticked", event_time_ms=NOON + at * SECOND_MS, session_id=key, anonymous_id=key)))
        for at in range(begin_s, end_s)
        for key in clocks()
    ]  # fmt: skip


def imported(events: list[Event], at_s: int) -> list[Line]:
    at_ms = NOON + at_s * SECOND_MS + 500
    return [
        Line(one.event_time_ms, one.session_id, EVENT.encode(msgspec.structs.replace(one, imported_at_ms=at_ms)))
        for one in events
    ]  # fmt: skip


def history_in_two_parts(pause_s: int) -> list[Line]:
    """Half of a file, and after a pause all of it again: what was killed begins anew."""
    events = [
        msgspec.structs.replace(one, event_time_ms=NOON - DAY_MS + number * APART_MS, sent_at_ms=None, consent=("personalisation", "analytics"))
        for number, one in enumerate(islice(shoppers("imported", 30), EVENTS_OF_FILE))
    ]  # fmt: skip
    again_s = 5 + pause_s
    return [
        *ticks(0, 5),
        *imported(events[: EVENTS_OF_FILE // 2], 4),
        *ticks(5, again_s),
        *imported(events, again_s - 1),
        *ticks(again_s, again_s + 60),
    ]


def in_blocks(size: int) -> live_job.Topics:
    """As a job that is behind gets them: a fetch of one partition, then one of another."""

    def read(events: list[LogRecord], _lag_ms: int, seed: int) -> list[LogRecord]:
        chance, found = random.Random(seed), []
        left = {at: [one for one in events if one.partition == at] for at in range(PARTITIONS)}
        while left := {at: records for at, records in left.items() if records}:
            at = chance.choice(list(left))
            found += left[at][:size]
            left[at] = left[at][size:]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_job, "arrivals", read)
        return LiveJob(history_in_two_parts(30), 300).topics


@pytest.mark.parametrize("size", [20, 500])
def test_its_decisions_come_out_as_they_were(size: int) -> None:
    found = verify(Copy(in_blocks(size)), Scope())
    assert (found.differing, found.faults) == ({}, [])
    assert found.reproduced == found.decisions > 300


def test_the_job_had_read_one_partition_ahead_of_another() -> None:
    """Or the test above would prove nothing: without the times of import some decisions are not made again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.imported", lambda events, _: [Line(one.event_time_ms, one.session_id, EVENT.encode(one)) for one in events])  # fmt: skip
        topics = in_blocks(500)
    assert sum(verify(Copy(topics), Scope()).differing.values()) > 10
