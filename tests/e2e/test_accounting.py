"""Nothing is lost and nothing counts twice, whatever comes and whoever is killed: importer and job by `kill -9` in the middle of it."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from jobs.publish import Log, now_ms
from jobs.stack.state import read_state
from log.kafka import read_to_end
from schemas.codec import EVENT
from schemas.enrich.user_agents import BOT
from schemas.errors import InvalidEvent
from schemas.events import Context, Event
from schemas.limits import DAY_MS, HOUR_MS
from schemas.topics import EVENTS
from scripts.bench.workload import catalogue, shoppers
from tests.builders import make_event
from tests.e2e.homes import Decisions, Home, Tail, fresh_home, kafka_of, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(900)]
COUNT: Final = 12_000
JUNK: Final = 60
REPEATED: Final = 40
LONG: Final = 20
"""How often the file of the importer that is killed says each event."""
LIVELY: Final = 600
APART_S: Final = 0.02
"""What people do while the job is killed: so many events, so far apart."""
ENDS: Final = 48
"""Sessions of the last events: some in every partition."""


def files_in(folder: Path) -> tuple[Path, Path]:
    """A file of events of yesterday in the order of time, some of them twice, behind lines that are none: they are written while they are
    read. And one of the same name that says the same so often that an importer is not through with it before it is killed.
    """
    begun_ms = now_ms() - DAY_MS
    lines = [
        msgspec.json.encode(msgspec.structs.replace(one, event_time_ms=begun_ms + number * 100, sent_at_ms=None))
        for number, one in enumerate(islice(shoppers("account", 300), COUNT))
    ]  # fmt: skip
    bad = [b"{" * (1 + number % 3) + b"junk" for number in range(JUNK)]
    twice = [one for line in lines[:REPEATED] for one in (line, line)]
    found = []
    for name, written in (("whole", [*twice, *lines[REPEATED:]]), ("long", [one for line in lines for one in [line] * LONG])):  # fmt: skip
        path = folder / name / "events.jsonl"
        path.parent.mkdir()
        path.write_bytes(b"\n".join([*bad, *written]))
        found.append(path)
    return found[0], found[1]


def faults() -> Iterator[tuple[Event, int]]:
    """What others write into the topic: each kind of event that counts for nothing, or not as it says; and how often it is sent."""
    at_ms = now_ms() - HOUR_MS
    for number in range(30):
        session = {"session_id": f"f{number}", "anonymous_id": f"f{number}"}
        seen = make_event(event_id=f"seen{number}", event_type="product_viewed", event_time_ms=at_ms, item_ids=("i1",), **session)  # fmt: skip
        yield seen, 2  # the same once more
        yield (
            msgspec.structs.replace(seen, event_id=f"late{number}", event_time_ms=at_ms - HOUR_MS),
            1,
        )
        yield msgspec.structs.replace(seen, event_id=f"bot{number}", context=Context(device=BOT)), 1
        yield (
            msgspec.structs.replace(seen, event_id=f"own{number}", event_type="level_completed"),
            1,
        )
        yield msgspec.structs.replace(seen, event_id=f"odd{number}", event_type="no\nname"), 1


def write_faults(log: Log) -> None:
    """All of them, and what is no event at all."""
    for event, times in faults():
        for _ in range(times):
            log.raw(EVENTS, event.session_id, EVENT.encode(event), event.event_time_ms)
    for number in range(20):
        log.raw(EVENTS, f"f{number}", b"no event %d" % number, now_ms())
        log.raw(EVENTS, "not its session", EVENT.encode(make_event(event_id=f"key{number}")), now_ms())  # fmt: skip
    log.flush()


def killed_in_the_middle(home: Home, kafka: str, file: Path) -> None:
    """The importer, `kill -9`: it has written some of the file, and by far not all."""
    with Tail(kafka, EVENTS) as tail, home.start("import", str(file)) as process:
        while not any(one.key.startswith("account") for one in tail.read()):
            pass  # it waits itself, and the suite's own time ends it
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was too fast for this test"
    assert 0 < len(imported_in(kafka)) < COUNT


def imported_in(kafka: str) -> set[str]:
    """The ids of the file's events that the log holds."""
    found = set()
    for record in read_to_end(kafka, [EVENTS]):
        try:
            found.add(EVENT.decode(record.value).event_id)
        except InvalidEvent:
            continue
    return {one for one in found if one.startswith("account")}


def kill_job(home: Home) -> None:
    """The decide job, `kill -9`, in the middle of what people do; what looks after it starts it again from its checkpoint."""
    time.sleep(LIVELY * APART_S / 3)
    state = read_state(home.path)
    assert state is not None
    job = next(one for one in state.services if one.name == "flink")
    assert job.process is not None
    os.kill(job.process.pid, signal.SIGKILL)

    def is_back() -> bool:
        found = home.status()["flink"]
        return bool(found["restarts"]) and found["state"] == "up"

    wait_for(is_back)


def shown(log: Log, name: str, number: int) -> str:
    """Somebody looks at an item now; the event's id."""
    event_id = f"{name}{number}"
    log.event(make_event(event_id=event_id, event_type="product_viewed", event_time_ms=now_ms(), session_id=f"{name}{number % ENDS}", anonymous_id=f"{name}{number % ENDS}", item_ids=("i1",)))  # fmt: skip
    log.flush()
    time.sleep(APART_S)
    return event_id


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with fresh_home(tmp_path_factory.mktemp("accounting") / "home") as found:
        started = found.kairos("up")
        assert started.returncode == 0, started.stderr
        yield found
        assert found.kairos("down").returncode == 0


def test_every_record_becomes_one_thing_after_importer_and_job_were_killed(
    home: Home, tmp_path: Path
) -> None:
    kafka, (file, long) = kafka_of(home.status()), files_in(tmp_path)
    log = Log(kafka)
    for item in catalogue(30):
        log.item(item)
    log.flush()
    with Decisions(kafka) as decisions:
        killed_in_the_middle(home, kafka, long)
        told = home.json("import", str(file), "--json")
        assert (told["read"], told["events"], told["duplicates"], told["invalid"]) == (COUNT + REPEATED + JUNK, COUNT, REPEATED, JUNK)  # fmt: skip
        assert len(imported_in(kafka)) == COUNT
        write_faults(log)
        for number in range(ENDS):
            decisions.of(shown(log, "imported", number))
        with ThreadPoolExecutor() as beside:
            killed = beside.submit(kill_job, home)
            lively = [shown(log, "lively", number) for number in range(LIVELY)]
            killed.result()
        ends = [shown(log, "end", number) for number in range(ENDS)]
        for event_id in (*lively, *ends):
            decisions.of(event_id)
    keeps_every_promise(home)
    letters = {(one["reason"], one["topic"]): one["letters"] for one in home.json("dead-letters", "list", "--json")}  # fmt: skip
    assert letters["malformed", "import:events.jsonl"] == JUNK, (
        "of both runs of the importer, each once"
    )
    assert letters["too_late", "events"] == letters["invalid_value", "events"] == 30
    assert letters["wrong_key", "events"] == letters["not_single_object", "events"] == 20


def keeps_every_promise(home: Home) -> None:
    """All records are accounted for, and all decisions come out as they were: on history that was imported in two parts, and on what people did."""
    rows: list[dict[str, Any]] = home.json("verify", "--json")
    assert [one["promise"] for one in rows if not one["is_kept"]] == [], rows
    account = next(one for one in rows if one["promise"] == "every event is accounted for")
    kinds = dict(reversed(one.split(" ", 1)) for one in account["said"].split(" = ")[1].split(", "))
    assert (kinds["too_late"], kinds["events_ignored"], kinds["invalid_value"]) == ("30", "30", "30")  # fmt: skip
    assert int(kinds["duplicates"].replace(",", "")) > 30, "what the importer had written before"
    assert sum(int(one.replace(",", "")) for one in kinds.values()) == account["looked_at"]
