"""The same visit in each format: what is decided does not depend on who wrote it down."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.config import config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats import FORMATS, OF_OTHERS
from schemas.records import LogRecord
from scripts.files.convert_file import convert
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad
from scripts.files.try_files import Trial, World
from scripts.policy.policy_file import read_policy
from udfs.session.read_event import valid_event

ROOT = Path(__file__).parents[3]
VISIT = ROOT / "tests/schemas/formats/visit"
EXAMPLES = ROOT / "tests/schemas/formats/examples"
TUTORIAL = ROOT / "docs/tutorial"
WORLD = World(TUTORIAL / "items.jsonl", read_policy(TUTORIAL / "policy.yaml"))


def decided(
    file_format: str, without: frozenset[str] = frozenset(), path: Path | None = None
) -> list[dict[str, Any]]:
    """Each decision of the visit but for its own ids and its cause's, which Google does not give; `without` events of these types."""
    files = EventFiles([path or VISIT / f"{file_format}.jsonl"], file_format)
    source = [
        one for one in files.read(10**15) if isinstance(one, Bad) or one.event_type not in without
    ]
    trial = Trial(source, WORLD, config_from({"KAIROS_SEED": "kairos"}))
    made = [decision for one in trial.run() for decision, _ in one.decisions]
    assert trial.counts["dead_letters"] == 0
    return [
        {
            "person": one.person, "session": one.session_id, "at": one.event_time_ms, "placement": one.placement,
            "kind": one.kind, "action": one.action_id, "content": one.content, "arm": one.arm, "why": one.explanation,
            "items": [(item.item_id, item.reason) for item in one.items], "until": one.valid_until_ms,
        }
        for one in made
    ]  # fmt: skip


def events_of(path: Path, file_format: str) -> list[Event | Bad]:
    return list(EventFiles([path], file_format).read(10**15))


@pytest.mark.parametrize("file_format", OF_OTHERS)
def test_the_same_visit_is_decided_the_same(file_format: str) -> None:
    wanted = decided("kairos")
    assert {one["person"] for one in wanted} == {"ada", "customer-7"}
    assert {one["action"] for one in wanted} >= {"free_delivery"}
    assert any(one["items"] for one in wanted)
    assert decided(file_format) == wanted


def test_snowplow_decides_the_same_on_what_it_has_words_for() -> None:
    """It tells neither of a cart that is looked at nor of who signs in."""
    without = frozenset({"cart_viewed", "identified"})
    wanted = decided("kairos", without)
    assert len(wanted) >= 3
    assert decided("snowplow") == wanted


def test_snowplows_lines_decide_as_its_json_does(tmp_path: Path) -> None:
    """The first of the examples are the visit; behind them stands what is no part of it."""
    lines = (ROOT / "tests/schemas/formats/snowplow/enriched.tsv").read_bytes().splitlines()
    path = tmp_path / "enriched.tsv"
    path.write_bytes(b"\n".join(lines[: len((VISIT / "snowplow.jsonl").read_bytes().splitlines())]))
    assert decided("snowplow", path=path) == decided("snowplow")


@pytest.mark.parametrize("file_format", OF_OTHERS)
@pytest.mark.parametrize("kind", ["array", "gzip", "pretty", "windows"])
def test_files_as_people_have_them_are_read(file_format: str, kind: str, tmp_path: Path) -> None:
    lines = (EXAMPLES / f"{file_format}.jsonl").read_bytes().splitlines()
    array = b"[" + b",".join(lines) + b"]"
    data = {
        "array": array,
        "gzip": gzip.compress(b"\n".join(lines)),
        "pretty": json.dumps(json.loads(array), indent=2).encode(),
        "windows": b"\xef\xbb\xbf" + b"\r\n".join(lines),
    }[kind]
    path = tmp_path / "events.txt"
    path.write_bytes(data)
    found = events_of(path, file_format)
    assert found == events_of(EXAMPLES / f"{file_format}.jsonl", file_format)
    assert len(found) == len((EXAMPLES / f"{file_format}.expected.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("file_format", OF_OTHERS)
def test_a_line_that_is_none_costs_itself_and_is_told_with_its_place(
    file_format: str, tmp_path: Path
) -> None:
    line = (VISIT / f"{file_format}.jsonl").read_bytes().splitlines()[0]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([line, b"", b'{"a": 1}', line[:-3], line]))
    events = events_of(path, file_format)
    bad = [one for one in events if isinstance(one, Bad)]
    assert [one.line for one in bad] == [2, 3]
    assert bad[0].fault.startswith("events.jsonl, line 3: ")
    assert bad[0].raw == b'{"a": 1}'
    assert len(events) == 4


def test_an_event_that_the_engine_would_refuse_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    made = {"type": "identify", "userId": "null", "anonymousId": "a", "timestamp": "2026-01-31"}
    path.write_bytes(b"\n" + json.dumps(made).encode())
    (bad,) = events_of(path, "segment")
    assert isinstance(bad, Bad)
    assert (bad.line, json.loads(bad.raw)) == (1, made)
    assert "names nobody" in bad.fault


@pytest.mark.parametrize("file_format", OF_OTHERS)
def test_a_topic_of_the_format_is_folded_as_our_own_is(file_format: str) -> None:
    """Live, the record as it is: the operators take their decoder from the same table."""
    wanted, found = folded("json"), folded(file_format)
    assert [one.action_id for one in found] == [one.action_id for one in wanted]
    assert [[item.item_id for item in one.items] for one in found] == [
        [item.item_id for item in one.items] for one in wanted
    ]
    assert {one.person for one in found} == {"ada", "customer-7"}


def folded(name: str) -> list[Decision]:
    file = "kairos" if name == "json" else name
    decode = FORMATS[name].decode
    lines = (VISIT / f"{file}.jsonl").read_bytes().splitlines()
    log = []
    for offset, line in enumerate(lines):
        event = decode(line)
        log.append(LogRecord("events", 0, offset, event.event_time_ms, event.session_id, line))
    trial = Trial([], WORLD, config_from({"KAIROS_SEED": "kairos"}))
    fold = Fold(trial.knowledge, FoldRules(decode, "kairos"), Learner())
    return [decision for step in fold.run(log) for decision, _ in step.decisions]


def test_a_topic_whose_records_have_other_keys_is_refused_and_says_so() -> None:
    line = (VISIT / "segment.jsonl").read_bytes().splitlines()[0]
    record = LogRecord("events", 0, 0, 1_764_403_200_000, "ada", line)
    with pytest.raises(InvalidEvent) as caught:
        valid_event(record, FORMATS["segment"].decode)
    assert caught.value.reason == "wrong_key"


@pytest.mark.parametrize("file_format", OF_OTHERS)
def test_a_converted_file_holds_the_same_events(file_format: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    convert(EXAMPLES / f"{file_format}.jsonl", out, file_format, None)
    kept = sorted(events_of(out, "kairos"), key=str)
    assert kept == sorted(events_of(EXAMPLES / f"{file_format}.jsonl", file_format), key=str)
