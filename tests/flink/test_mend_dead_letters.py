"""On a real Kafka and Flink: events with a renamed field are mended by one command, and count once however often it is called."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from jobs.config import PROJECT
from jobs.publish import now_ms
from log.kafka import read_to_end
from schemas.codec import DECISION
from schemas.limits import MINUTE_MS
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS
from tests.builders import make_catalogue, make_event
from tests.flink.runs import Line, environment, fill_log, read_outputs, start_decide

pytestmark = [pytest.mark.flink, pytest.mark.long]
PREFIX: Final = "mending."
BROKEN: Final = 100
JSON: Final = {"KAIROS_FORMAT": "json"}


def lines() -> Iterator[Line]:
    """Views of a minute ago, a visit for each, whose sender has renamed `event_type`; and one that nothing mends."""
    for number in range(BROKEN):
        event = make_event(
            event_id=f"e{number}", event_type="product_viewed", event_time_ms=now_ms() - MINUTE_MS,
            session_id=f"s{number}", anonymous_id=f"a{number}", item_ids=("i1",),
        )  # fmt: skip
        fields = msgspec.to_builtins(event)
        fields["what"] = fields.pop("event_type")
        yield Line(event.event_time_ms, event.session_id, msgspec.json.encode(fields))
    yield Line(now_ms(), "s", b'{"what": ')


def wait_for(is_so: Callable[[], bool]) -> None:
    while not is_so():  # the suite's own time ends it
        time.sleep(0.2)


class Told:
    """What a command of the home printed, and how it ended."""

    def __init__(
        self,
        kafka: str,
        home: Path,
        *words: str,
        prefix: str = PREFIX,
        settings: dict[str, str] = JSON,
    ) -> None:
        done = subprocess.run(
            (sys.executable, "-m", "scripts", "dead-letters", *words, "--json"), cwd=PROJECT, capture_output=True,
            text=True, check=False, env=environment(prefix, home) | settings | {"KAIROS_KAFKA": kafka},
        )  # fmt: skip
        assert done.stdout, done.stderr
        self.code, self.said = done.returncode, json.loads(done.stdout)


def test_a_hundred_events_with_a_renamed_field_are_mended_and_decided_once(
    kafka: str, home: Path
) -> None:
    fill_log(kafka, PREFIX, lines(), make_catalogue())
    decide = start_decide(kafka, PREFIX, home, settings=JSON)
    try:
        decide.wait_until_ready()
        wait_for(lambda: len(read_outputs(kafka, PREFIX)[DEAD_LETTERS]) == BROKEN + 1)
        kinds = {one["reason"]: one["letters"] for one in Told(kafka, home, "list").said}
        assert kinds == {"invalid_value": BROKEN, "malformed": 1}
        _mend(kafka, home)
        made = [DECISION.decode(one.value) for one in read_outputs(kafka, PREFIX)[DECISIONS]]
        assert sorted(one.event_id for one in made) == sorted(f"e{n}" for n in range(BROKEN))
    finally:
        decide.process.kill()
        decide.process.communicate()


def _mend(kafka: str, home: Path) -> None:
    """By the command, three times; what it says of each."""

    def replay(*words: str) -> Told:
        return Told(kafka, home, "replay", "--rename", "what=event_type", *words)

    plain = Told(kafka, home, "repair", "--reason", "invalid_value")
    assert (plain.code, plain.said["events"]) == (1, 0), "without an edit they are none"
    mended: Any = Told(kafka, home, "repair", "--reason", "invalid_value", "--rename", "what=event_type")  # fmt: skip
    assert (mended.code, mended.said["events"], len(mended.said["shown"])) == (0, BROKEN, 10)
    assert '+ event_type: "product_viewed"' in mended.said["shown"][0]["differences"]
    first = replay("--reason", "invalid_value")
    assert (first.code, first.said["sent"], first.said["replayed_before"]) == (0, BROKEN, 0)
    again = replay()
    assert (again.code, again.said["sent"], again.said["replayed_before"]) == (1, 0, BROKEN)
    assert again.said["invalid"] == 1
    assert "malformed" in again.said["first_fault"]
    events = list(read_to_end(kafka, [PREFIX + EVENTS]))
    assert len(events) == BROKEN + 1 + BROKEN, "each once"
    wait_for(lambda: len(read_outputs(kafka, PREFIX)[DECISIONS]) >= BROKEN)
    (shown,) = Told(kafka, home, "show", "--reason", "malformed").said
    assert (shown["raw"], shown["is_replayed"]) == ('{"what": ', False)
