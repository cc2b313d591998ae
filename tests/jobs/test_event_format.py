"""The topic's format by its settings: one mapping for all operators, whatever the records are written in."""

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest

from jobs.config import MAPPABLE, config_from
from jobs.event_format import format_of, mapped
from jobs.fold.fold import Fold, FoldRules
from jobs.job_settings import job_settings
from schemas import formats
from schemas.codec import EVENT
from schemas.errors import ConfigError, InvalidEvent, PassedOver
from schemas.formats import confluent_avro
from schemas.formats.foreign_schema import foreign_schema
from schemas.formats.registered import header_of
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge

MAPPING = """
fields: {event_id: id, event_time_ms: {path: at, unit: s}, session_id: run, anonymous_id: player}
rules:
  - when: {what: ping}
    skip: true
  - event_type: product_viewed
    fields: {item_ids: skus}
    properties: [level]
"""
SAID = {"id": "e1", "at": NOON // 1000, "run": "s1", "player": "a1", "what": "saw", "skus": ["i1"], "level": 7}  # fmt: skip
WANTED = make_event(event_id="e1", event_time_ms=NOON // 1000 * 1000, session_id="s1", anonymous_id="a1", event_type="product_viewed", item_ids=("i1",), properties={"level": "7"})  # fmt: skip
TYPES = {"at": "long", "level": "int", "skus": {"type": "array", "items": "string"}}
SCHEMA = {"type": "record", "name": "Saw", "fields": [{"name": name, "type": TYPES.get(name, "string")} for name in SAID]}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "game.yaml"
    path.write_text(MAPPING)
    return path


def same(event: Any) -> Any:
    return msgspec.structs.replace(WANTED, page=event.page, placements=event.placements)


def test_names_of_formats_that_a_mapping_reads_are_the_same_ones() -> None:
    assert MAPPABLE == formats.MAPPABLE


@pytest.mark.parametrize(("name", "head"), [("json", b""), ("json-schema", header_of(7))])
def test_records_of_others_are_read_by_the_mapping(file: Path, name: str, head: bytes) -> None:
    found = format_of(config_from({"KAIROS_FORMAT": name, "KAIROS_MAPPING": str(file)}))
    event = found.decode(head + msgspec.json.encode(SAID))
    assert event == same(event)
    with pytest.raises(PassedOver):
        found.decode(head + msgspec.json.encode(SAID | {"what": "ping"}))
    with pytest.raises(InvalidEvent, match="session_id: none of run says it"):
        found.decode(head + msgspec.json.encode(SAID | {"run": None}))
    assert found.decode(found.encode(WANTED)) == WANTED, "what we add needs none"


def test_avro_behind_a_registry_is_read_by_the_mapping(file: Path) -> None:
    known = foreign_schema(msgspec.json.encode(SCHEMA).decode())
    config = config_from({"KAIROS_FORMAT": "json", "KAIROS_MAPPING": str(file)})
    rules = job_settings("decide", config, "k:9092", {}).mapping
    assert rules is not None
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(SCHEMA), SAID)
    event = mapped(confluent_avro(lambda _: known), rules).decode(header_of(7) + body.getvalue())
    assert event == same(event)


def test_operators_have_the_rules_as_they_were_when_the_job_began(file: Path) -> None:
    config = config_from({"KAIROS_FORMAT": "json", "KAIROS_MAPPING": str(file)})
    settings = pickle.loads(pickle.dumps(job_settings("decide", config, "k:9092", {})))
    file.unlink()
    event = format_of(settings).decode(msgspec.json.encode(SAID))
    assert event == same(event)
    with pytest.raises(ConfigError, match=r"game\.yaml cannot be read"):
        job_settings("decide", config, "k:9092", {})


def test_what_is_passed_over_is_counted_and_no_dead_letter(file: Path) -> None:
    found = format_of(config_from({"KAIROS_FORMAT": "json", "KAIROS_MAPPING": str(file)}))
    records = [SAID, SAID | {"id": "e2", "what": "ping"}, SAID | {"id": "e3", "at": "soon"}]
    log = [
        make_record(WANTED, at)._replace(
            value=msgspec.json.encode(one), key="s1", timestamp_ms=NOON
        )
        for at, one in enumerate(records)
    ]
    log.append(make_record(WANTED, 3)._replace(value=EVENT.encode(WANTED), key="s1", timestamp_ms=NOON))  # fmt: skip
    steps = list(Fold(Knowledge(), FoldRules(found.decode, "seed")).run(log))
    counts = [name for step in steps for name in step.counts]
    assert [counts.count(one) for one in ("events", "passed_over", "duplicates")] == [1, 1, 1]
    assert [letter.reason for step in steps for letter in step.dead_letters] == ["invalid_value"]


def test_a_registry_whose_settings_cannot_be_used_is_told_before_the_job_starts(
    tmp_path: Path,
) -> None:
    named = {"KAIROS_FORMAT": "confluent-avro", "KAIROS_SCHEMA_REGISTRY": "http://r:8081"}
    file = {"KAIROS_SCHEMA_REGISTRY_SETTINGS_FILE": str(tmp_path / "gone")}
    with pytest.raises(ConfigError, match=r"the schema registry's settings .*gone cannot be read"):
        job_settings("decide", config_from(named | file), "k:9092", {})
    settings = job_settings("decide", config_from(named), "k:9092", {})
    assert pickle.loads(pickle.dumps(settings)).schema_registry == "http://r:8081"
