"""Records of somebody's topic as events: in each format, by a mapping, with what they lack from their record; what is none is told."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.config import config_from
from schemas.codec import EVENT
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.formats import OF_OTHERS, SNOWPLOW
from schemas.formats.registered import header_of
from schemas.records import LogRecord
from scripts.files.event_files import EventFiles
from scripts.files.topic_events import TopicEvents, events_in, reader_of
from tests.builders import NOON, make_event

FORMATS: Final = Path(__file__).parents[2] / "schemas" / "formats"
OURS: Final = {"event_id": "e1", "event_type": "page_viewed", "event_time_ms": NOON, "session_id": "s1", "anonymous_id": "a1"}  # fmt: skip


AS_OURS: Final = TopicEvents()


def record(value: bytes, offset: int = 0) -> LogRecord:
    return LogRecord("clicks", 1, offset, NOON - 5_000, "their own key", value)


def read(value: bytes | dict[str, Any], how: TopicEvents = AS_OURS, offset: int = 0) -> list[Event | InvalidEvent | None]:  # fmt: skip
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(events_in(reader_of(config_from({}), how), record(data, offset)))


def test_our_own_json_and_avro_are_read_behind_a_schemas_id_as_well() -> None:
    event = make_event()
    assert read(OURS) == read(EVENT.encode(event)) == [event]
    assert read(header_of(5) + json.dumps(OURS).encode()) == [event]


@pytest.mark.parametrize("name", [*OF_OTHERS, SNOWPLOW])
def test_a_format_of_others_is_what_its_file_is(name: str) -> None:
    path = FORMATS / "visit" / f"{name}.jsonl"
    found = [one for line in path.read_bytes().splitlines() for one in read(line, TopicEvents(name))]  # fmt: skip
    assert found == list(EventFiles([path], name).read(10**15))


def test_several_events_in_one_record_are_each_their_own() -> None:
    hit = {"client_id": "a", "timestamp_micros": NOON * 1_000, "events": [{"name": "view_item", "params": {"ga_session_id": 1, "items": [{"item_id": "i1"}]}}, {"name": ""}]}  # fmt: skip
    good, bad = read(hit, TopicEvents("ga4"))
    assert isinstance(good, Event)
    assert isinstance(bad, InvalidEvent)


def test_what_json_lacks_its_record_says_and_the_same_record_says_the_same() -> None:
    bare = {name: one for name, one in OURS.items() if name not in ("event_id", "event_time_ms")}
    (event,), (again,), (other,) = read(bare), read(bare), read(bare, offset=1)
    assert isinstance(event, Event)
    assert event == again
    assert isinstance(other, Event)
    assert (event.event_time_ms, event.event_id.startswith("made-")) == (NOON - 5_000, True)
    assert event.event_id != other.event_id
    (kept,) = read(bare | {"timestamp": NOON})
    assert isinstance(kept, Event)
    assert kept.event_time_ms == NOON


@pytest.mark.parametrize("name", ["ts", "time", "occurred_at", "occurredAt", "date"])
def test_a_time_under_a_name_that_is_not_read_is_not_replaced_in_silence(name: str) -> None:
    bare = {field: one for field, one in OURS.items() if field != "event_time_ms"}
    (found,) = read(bare | {name: NOON})
    assert isinstance(found, InvalidEvent)
    assert "event_time_ms" in found.message


def test_a_mapping_makes_events_and_passes_over(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "fields: {event_time_ms: at, session_id: run, anonymous_id: who}\nrules:\n"
        "  - when: {what: ping}\n    skip: true\n  - fields: {event_type: {path: what, map: {saw: page_viewed}}}\n"
    )
    how = TopicEvents(mapping=path)
    said = {"what": "saw", "at": NOON, "run": "r", "who": "w"}
    (event,) = read(said, how)
    assert isinstance(event, Event)
    assert (event.event_type, event.session_id) == ("page_viewed", "r")
    assert read(said | {"what": "ping"}, how) == [None]
    (bad,) = read(said | {"what": "flew"}, how)
    assert isinstance(bad, InvalidEvent)
    with pytest.raises(ConfigError, match="leave --format out"):
        reader_of(config_from({}), TopicEvents("segment", path))


def test_a_format_of_files_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="--format trivago is of files"):
        reader_of(config_from({}), TopicEvents("trivago"))


@given(st.binary(max_size=200), st.sampled_from(["kairos", *OF_OTHERS, SNOWPLOW]))
def test_whatever_lies_there_it_is_an_event_or_a_reason(data: bytes, form: str) -> None:
    for one in read(data, TopicEvents(form)):
        assert isinstance(one, Event | InvalidEvent)
