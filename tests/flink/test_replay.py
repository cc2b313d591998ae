"""A replay ends by itself and takes each person's news in order of time."""

from pathlib import Path

import pytest

from schemas.codec import DECISION, EVENT
from schemas.limits import SECOND_MS, SESSION_GAP_MS
from tests.builders import NOON, make_catalogue, make_event
from tests.flink.replays import Replays
from tests.flink.runs import Line, fill_log, run_replay

pytestmark = pytest.mark.flink


def viewed(session: str, second: int) -> Line:
    time_ms = NOON + second * SECOND_MS
    event = make_event(
        event_id=f"{session}-{second}", event_type="product_viewed", event_time_ms=time_ms,
        session_id=session, anonymous_id="one person", item_ids=(f"i{second % 40}",),
    )  # fmt: skip
    return Line(time_ms, session, EVENT.encode(event))


def test_simultaneous_sessions_are_decided_in_order_of_time(
    replays: Replays, kafka: str, home: Path
) -> None:
    sessions = [f"s{n}" for n in range(12)]  # on all four partitions, which are read at once
    lines = [viewed(session, second) for session in sessions for second in range(0, 100, 5)]
    fill_log(kafka, "order.", lines, make_catalogue())
    found = run_replay(replays, kafka, "order.", "order.out.", home, parallelism=2)
    decisions = [DECISION.decode(record.value) for record in found["decisions"]]
    assert len(decisions) == len(lines)
    places = [(one.event_time_ms, one.session_id) for one in decisions]
    assert places == sorted(places)
    sequences = [one.sequence for one in decisions]
    assert sequences == sorted(set(sequences))


def test_replay_of_a_part_is_what_lies_in_it(replays: Replays, kafka: str, home: Path) -> None:
    lines = [viewed("s", second) for second in range(0, 100, 5)]
    lines.append(viewed("s", 2 * SESSION_GAP_MS // SECOND_MS))
    fill_log(kafka, "part.", lines, make_catalogue())
    from_ms, to_ms = NOON + 10 * SECOND_MS, NOON + 50 * SECOND_MS
    found = run_replay(replays, kafka, "part.", "part.out.", home, from_ms=from_ms, to_ms=to_ms)
    times = [DECISION.decode(record.value).event_time_ms for record in found["decisions"]]
    assert times == [NOON + second * SECOND_MS for second in range(10, 50, 5)]
    # what is kept counts from its arrival
    assert min(record.timestamp_ms for record in found["decisions"]) > to_ms
