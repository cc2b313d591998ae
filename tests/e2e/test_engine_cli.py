"""The command line on a running engine; `up` and `down` themselves are in the fixture `engine`."""

import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from channels.store.store import open_store
from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from schemas.codec import CONTROL, DEAD_LETTER
from schemas.decisions import Decision
from schemas.events import PURPOSES
from schemas.limits import MINUTE_MS, SECOND_MS
from schemas.topics import DEAD_LETTERS
from scripts.bench.workload import catalogue, shoppers
from scripts.ops.logs import FILES
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, wait_for

pytestmark = pytest.mark.e2e
EVENTS = 600
SUPERVISOR = {"supervisor": "supervisor.log"}
BAD_LINES = [b"not json", b'{"event_type": "danced"}', b'{"event_id": 5}']


class Imported(NamedTuple):
    """What `import` said, the file's name, and the decisions that followed, by event."""

    said: dict[str, Any]
    file: Path
    from_ms: int
    decisions: dict[str, Decision]


@pytest.fixture(scope="module")
def imported(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    folder = tmp_path_factory.mktemp("import")
    file, items = folder / "shop.jsonl", folder / "items.jsonl"
    from_ms = now_ms() - EVENTS * SECOND_MS
    events = [
        msgspec.structs.replace(
            event, event_time_ms=from_ms + number * SECOND_MS, sent_at_ms=from_ms
        )
        for number, event in enumerate(islice(shoppers("cli", 60), EVENTS))
    ]
    lines = [msgspec.json.encode(event) for event in events]
    lines[100:100] = [BAD_LINES[0], b"", BAD_LINES[1]]
    file.write_bytes(b"\n".join([*lines, BAD_LINES[2]]))
    items.write_bytes(b"\n".join(map(msgspec.json.encode, catalogue(60))))
    said = engine.home.json("import", str(file), "--items", str(items), "--json")
    asking = [one.event_id for one in events if one.event_type == "product_viewed"]
    with Decisions(engine.kafka) as decisions:
        wait_for(lambda: decisions.look().keys() >= set(asking))
        mine = {event_id: decisions.by_event[event_id] for event_id in asking}
    return Imported(said, file, from_ms, mine)


def test_up_twice_is_refused_with_the_way_out(engine: Engine) -> None:
    done = engine.home.kairos("up")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(r"kairos: already running, pid \d+: `kairos down` stops it", line)
    done = engine.home.kairos("demo", "--once")
    assert done.returncode == 2
    assert f"the engine of {engine.home.path} is up: `KAIROS_HOME={engine.home.path}" in done.stderr
    done = engine.home.kairos("reset", "--yes")
    assert done.returncode == 2
    assert "down` stops it first" in done.stderr


def test_status_says_what_is_up_and_where(engine: Engine) -> None:
    found = engine.home.status()
    for job in ("flink", "learn"):
        assert all(count > 0 for count in found[job].pop("counts").values())
    logs = {name: Path(one.pop("log")) for name, one in found.items()}
    assert {name: log.name for name, log in logs.items()} | SUPERVISOR == FILES
    assert all(log.is_file() for log in logs.values())
    api = found.pop("api")
    assert (api["state"], bool(api["address"])) == ("up", True)
    assert found == {
        "kafka": {
            "state": "up",
            "address": engine.kafka,
            "settings_file": str(engine.kafka.settings_file),
        },
        "redis": {
            "state": "up",
            "address": engine.redis,
            "settings_file": str(engine.redis.password_file),
        },
        "flink": {"state": "up", "address": engine.flink, "assumed_consent": sorted(PURPOSES)},
        "learn": {"state": "up", "address": engine.learn, "assumed_consent": sorted(PURPOSES)},
        "store": {"state": "up", "address": None},
    }
    table = engine.home.kairos("status").stdout
    assert all(address in table for address in engine[1:])


def test_logs_of_one_service_or_of_all(engine: Engine) -> None:
    assert "UP" in engine.home.kairos("logs", "supervisor").stdout.splitlines()
    shown = engine.home.kairos("logs", "-n", "1").stdout
    assert {line.partition("|")[0].strip() for line in shown.splitlines()} <= FILES.keys()
    assert "supervisor | " in shown


def test_import_counts_good_and_bad_lines(engine: Engine, imported: Imported) -> None:
    first = imported.said.pop("first_fault")
    assert first.startswith("shop.jsonl, line 101: ")
    counts = {
        "read": EVENTS + 3,
        "events": EVENTS,
        "duplicates": 0,
        "invalid": 3,
        "erased": 0,
        "items": 60,
        "warnings": [],
    }
    assert imported.said == counts
    letters = [
        DEAD_LETTER.decode(record.value)
        for record in read_to_end(engine.kafka, [DEAD_LETTERS])
        if record.key.startswith("import:shop.jsonl/")
    ]
    lines = imported.file.read_bytes().splitlines()
    assert [letter.raw for letter in letters] == [lines[letter.offset] for letter in letters]
    assert [letter.raw for letter in letters] == BAD_LINES


def test_import_of_what_is_not_there_is_refused(engine: Engine) -> None:
    done = engine.home.kairos("import", "/nowhere.jsonl")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "/nowhere.jsonl cannot be read: No such file" in done.stderr


def test_train_from_the_log(engine: Engine, imported: Imported) -> None:
    report = engine.home.json(
        "train", "--from", str(imported.from_ms), "--to", str(now_ms()), "--json"
    )
    assert report["events"] >= EVENTS
    assert 0 < report["examples"] <= report["decisions"] <= report["answered"]
    assert Path(report["uri"]).is_file()
    assert report["version"] not in announced(engine), "not published unless asked"
    done = engine.home.kairos("train", "--from", "2099-01-01")
    assert done.returncode == 2
    assert "nothing to learn from" in done.stderr.splitlines()[-1]


def test_train_from_files_and_publish(engine: Engine, imported: Imported) -> None:
    items = imported.file.with_name("items.jsonl")
    words = (
        "--events",
        str(imported.file),
        "--items",
        str(items),
        "--publish",
        "--force",
        "--json",
    )
    begun_ms = now_ms()
    report = engine.home.json("train", *words)
    assert (report["events"], report["invalid"]) == (EVENTS, 3)
    assert report["effective_from_ms"] > begun_ms
    assert announced(engine)[report["version"]] == report["effective_from_ms"]


def announced(engine: Engine) -> dict[str, int]:
    """The models on `control`, and from when each holds."""
    records = map(CONTROL.decode, (one.value for one in read_to_end(engine.kafka, ["control"])))
    return {one.version: one.effective_from_ms for one in records if one.kind == "model"}


def test_explain_shows_how_a_decision_came_about(engine: Engine, imported: Imported) -> None:
    last = max(imported.decisions.values(), key=lambda one: (one.event_time_ms, one.sequence))
    store = open_store(engine.redis, "kairos")
    wait_for(lambda: store.stored_at_ms(last))
    shown = engine.home.kairos("explain", last.decision_id)
    assert shown.returncode == 0, shown.stderr
    said = shown.stdout
    assert f"decided: {last.action_id} at next_item for {last.person}" in said
    assert f"event {last.event_id} of session {last.session_id}" in said
    assert f"policy {last.versions.policy}, model {last.versions.model}" in said
    assert "valid until" in said
    assert re.search(r"in the store \d+ ms after the event was sent", said)
    assert last.explanation in said
    found = engine.home.json("explain", last.decision_id, "--json")
    assert msgspec.convert(found["decision"], Decision) == last
    candidates = found["trace"]["candidates"]
    shown_table = said.partition("candidates, best first")[2].partition("value")[0]
    rows = {line.split("│")[2].strip(): line for line in shown_table.splitlines() if "│" in line}
    assert rows.keys() == {one["item_id"] for one in candidates}
    assert {one["verdict"] for one in candidates} == {"chosen", "not_chosen", "suppressed"}
    for candidate, features in zip(candidates, found["trace"]["features"], strict=True):
        row = rows[candidate["item_id"]]
        for shown_value in (candidate["source"], candidate["verdict"], candidate["rule"]):
            assert shown_value in row
        if candidate["score"] is not None:
            assert f"{candidate['score']:.4f}" in row
        assert features["session_events"] > 0
    assert sum(sum(counts.values()) for counts in found["funnel"].values()) == len(candidates)
    assert "funnel" in said
    assert all(source in said for source in found["funnel"])
    for name in ("touch_age", "item_price"):
        assert found["meanings"][name]
    reasons = [row for row in rows.values() if "suppressed" in row]
    assert any("current" in row or "stock" in row for row in reasons), reasons


def test_explain_finds_a_decision_of_an_event_ahead_of_its_record(engine: Engine) -> None:
    log = Log(engine.kafka)
    log.event(
        make_event(
            event_id="ahead", event_type="product_viewed", event_time_ms=now_ms() + MINUTE_MS,
            session_id="ahead", item_ids=("i1",),
        )
    )  # fmt: skip
    with Decisions(engine.kafka) as decisions:
        mine = decisions.of("ahead")
    explained = engine.home.json("explain", mine.decision_id, "--json")
    assert explained["decision"]["event_id"] == "ahead"


def test_explain_of_an_unknown_decision_is_one_line(engine: Engine) -> None:
    done = engine.home.kairos("explain", "0" * 32)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kairos: no decision '{'0' * 32}'")
