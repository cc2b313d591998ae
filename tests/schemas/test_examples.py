"""Committed examples: what was ever written must be readable for ever, by us and by others."""

import json
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastavro
import msgspec
import pytest
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas import codec as codec_module
from schemas.alerts import Alert
from schemas.codec import EVENT, HEADER_BYTES, MARKER, WRITER_SCHEMAS, Codec, WriterSchema
from schemas.control import Control
from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.items import Item
from schemas.knowledge import ActionKnowledge, EpochEnd, ItemKnowledge, PastSession
from schemas.limits import EVENT_BYTES_MAX
from schemas.outcomes import Outcome
from tests.examples.write import CODECS, FOLDER, STATE_CODECS, named, unreadable

SCHEMAS = Path(codec_module.__file__).parent / "avro"
KINDS: dict[str, type[msgspec.Struct]] = {
    "event": Event, "item": Item, "control": Control,
    "decision": Decision, "trace": DecisionTrace, "dead_letter": DeadLetter,
    "item_knowledge": ItemKnowledge, "past_session": PastSession, "epoch_end": EpochEnd,
    "action_knowledge": ActionKnowledge, "outcome": Outcome, "alert": Alert,
}  # fmt: skip
FINGERPRINTS = {
    "action_knowledge.v1": "fad166c1a0d57a2b",
    "alert.v1": "c12774fd33ae0f9f",
    "control.v1": "fbf4855d0f2e24bb",
    "control.v2": "ed28b511b6aa7d66",
    "control.v3": "aef0c1dcfe6691ad",
    "control.v4": "6118c60c58ff2c69",
    "dead_letter.v1": "ca484f47db7727a8",
    "decision.v1": "39eb0b81760505c8",
    "decision.v2": "1fc19392aaa76716",
    "decision.v3": "48a5c4f201951fef",
    "epoch_end.v1": "032a2cd567062504",
    "event.v1": "92061ec1f2919e60",
    "event.v2": "84ca65e362bda884",
    "event.v3": "346cd785dbe62b53",
    "event.v4": "b43a956e73beceed",
    "event.v5": "0f8737bb934dfff5",
    "event.v6": "0b28059bd52ea762",
    "item.v1": "c5d5f42c562ef3aa",
    "item.v2": "474abc983d5c7503",
    "item_knowledge.v1": "df8cf5e71cbdf766",
    "item_knowledge.v2": "ea5526bf07c7dcc4",
    "outcome.v1": "120934d375bc77b4",
    "past_session.v1": "951ee76a6c496611",
    "trace.v1": "b4630f1366cd88ac",
    "trace.v2": "0943e37a8101a6cf",
    "trace.v3": "cac4e438aebc2ec6",
    "trace.v4": "30f2b08f37ee082f",
    "trace.v5": "ac7a2f9348f04475",
}
"""CRC-64-AVRO of every schema version that was ever written: a line is added, none is changed."""

EXAMPLES = sorted(FOLDER.glob("*/v*/*.json"))
STATES = sorted((FOLDER / "state").glob("*.msgpack"))


def schema_name(example: Path) -> str:
    """`event.v1`: the schema that the folder of an example names."""
    return f"{example.parent.parent.name}.{example.parent.name}"


def check(example: Path, fields: dict[str, Any], data: bytes) -> None:
    """Fails unless `fields` and `data` are the same record in the schema of the example's folder."""
    record = example.parent.parent.name
    expected = msgspec.convert(unreadable(fields), KINDS[record])
    assert CODECS[record].decode(data) == expected
    schema = next(s for s in WRITER_SCHEMAS if f"{s.record}.v{s.version}" == schema_name(example))
    assert data[:HEADER_BYTES] == schema.header
    if schema == CODECS[record]._newest:
        assert CODECS[record].encode(expected) == data


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER).with_suffix(""))


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_example_decodes_and_encodes_to_the_same_bytes(example: Path) -> None:
    fields = json.loads(example.read_text(encoding="utf-8"))
    check(example, fields, example.with_suffix(".avro").read_bytes())


def read_plainly(data: bytes) -> Any:
    """What another program does: nothing but fastavro and the files in schemas/avro."""
    schemas = {}
    for path in SCHEMAS.glob("*.avsc"):
        schema = parse_schema(json.loads(path.read_text(encoding="utf-8")))
        crc = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
        schemas[bytes.fromhex(crc)] = schema
    assert data[:2] == b"\xc3\x01"
    body = BytesIO(data[10:])
    fields = fastavro.schemaless_reader(body, schemas[data[2:10]], None)
    assert not body.read()
    return fields


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_example_is_readable_without_our_codec(example: Path) -> None:
    fields = unreadable(json.loads(example.read_text(encoding="utf-8")))
    plain = msgspec.to_builtins(read_plainly(example.with_suffix(".avro").read_bytes()))
    assert {name: plain[name] for name in fields} == fields


def test_every_schema_has_an_example_and_every_example_a_schema() -> None:
    found = {schema_name(example) for example in EXAMPLES}
    assert found == {path.stem for path in SCHEMAS.glob("*.avsc")}


def test_no_file_is_an_orphan() -> None:
    stems = {one.with_suffix("") for one in EXAMPLES}
    assert {one.with_suffix("") for one in FOLDER.glob("*/v*/*")} == stems
    assert {one.with_suffix("") for one in FOLDER.glob("*/v*/*.avro")} == stems
    assert {one.with_suffix(".json") for one in STATES} == set((FOLDER / "state").glob("*.json"))


def test_every_event_field_has_an_example() -> None:
    everything = EVENT.decode((FOLDER / "event/v6/everything.avro").read_bytes())
    empty = {name for name in Event.__struct_fields__ if not getattr(everything, name)}
    assert empty == set()
    assert everything.event_type in EVENT_TYPES


@pytest.mark.parametrize(
    ("example", "change"),
    [
        ("event/v1/page_viewed", {"event_id": "another"}),
        ("event/v2/everything", {"is_unproven": False}),
        ("event/v3/everything", {"has_no_candidates": False}),
        ("event/v5/everything", {"imported_at_ms": None}),
        ("event/v1/everything", {"price": 5.26}),
        ("event/v1/page_viewed", {"event_time_ms": "yesterday"}),
        ("decision/v1/slate", {"sequence": 1}),
        ("trace/v1/slate", {"draw": 0.0}),
        ("item/v1/gone", {"is_gone": False}),
        ("item/v2/hotel", {"regions": ["CH"]}),
        ("item/v2/hotel", {"embedding": [0.5, -0.25, 0.25]}),
    ],
)
def test_a_wrong_example_is_refused(example: str, change: dict[str, Any]) -> None:
    path = FOLDER / f"{example}.json"
    fields = json.loads(path.read_text(encoding="utf-8")) | change
    with pytest.raises((AssertionError, msgspec.ValidationError)):
        check(path, fields, path.with_suffix(".avro").read_bytes())


def test_wrong_bytes_are_refused() -> None:
    path = FOLDER / "event/v1/page_viewed.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    data = path.with_suffix(".avro").read_bytes()
    unknown = MARKER + bytes(8) + data[HEADER_BYTES:]
    for wrong in (data[:-1], data + b"\0", unknown, b""):
        with pytest.raises(InvalidEvent):
            check(path, fields, wrong)
    with pytest.raises(AssertionError):
        check(path, fields, (FOLDER / "event/v1/clock_ticked.avro").read_bytes())


def test_no_written_schema_version_is_edited() -> None:
    found = {f"{s.record}.v{s.version}": s.header[2:].hex() for s in WRITER_SCHEMAS}
    edited = sorted(n for n, crc in FINGERPRINTS.items() if found.get(n) != crc)
    assert not edited, (
        f"{edited}: records of these versions are in people's logs, so the files stay as they are. "
        "Undo the edit, add the next version as a file beside it (new fields with a default), "
        "its fingerprint here, and its examples with `python -m tests.examples.write`."
    )
    assert found == FINGERPRINTS, "a new schema version: add its fingerprint to the table"


# --- a schema that grows ----------------------------------------------------------------------


def as_read(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event with its records as what has attributes."""
    context, candidates = fields["context"], fields["candidates"]
    return fields | {
        "context": None if context is None else SimpleNamespace(**context),
        "candidates": [SimpleNamespace(**one) for one in candidates],
    }


def event_v7() -> WriterSchema:
    """The event with an optional field more, and one more in its candidates."""
    schema = deepcopy(json.loads((SCHEMAS / "event.v6.avsc").read_text(encoding="utf-8")))
    schema["fields"].append({"name": "mood", "type": "string", "default": "calm"})
    candidates = next(one for one in schema["fields"] if one["name"] == "candidates")
    candidates["type"]["items"]["fields"].append(
        {"name": "margin", "type": ["null", "double"], "default": None}
    )
    parsed = parse_schema(schema)
    crc = fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO")
    return WriterSchema("event", 7, parsed, MARKER + bytes.fromhex(crc))


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one.parent.parent.name == "event"], ids=name_of
)
def test_a_record_of_an_old_version_decodes_under_the_next(
    example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec_module, "WRITER_SCHEMAS", (*WRITER_SCHEMAS, event_v7()))
    codec = Codec[Any]("event", lambda fields: fields, EVENT_BYTES_MAX)
    old = example.with_suffix(".avro").read_bytes()
    fields = codec.decode(old)
    assert fields["mood"] == "calm"
    assert all(one["margin"] is None for one in fields["candidates"])
    del fields["mood"]
    assert msgspec.convert(fields, Event) == EVENT.decode(old)
    new = codec.encode(SimpleNamespace(**as_read(fields), mood="merry"))
    assert new[:HEADER_BYTES] != old[:HEADER_BYTES]
    assert codec.decode(new)["mood"] == "merry"


# --- state ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_state_of_every_version_loads_for_ever(state: Path) -> None:
    expected = json.loads(state.with_suffix(".json").read_text(encoding="utf-8"))
    loaded = STATE_CODECS[state.name.split(".")[0]].decode(state.read_bytes())
    assert named(loaded) == expected


def test_every_kind_and_version_of_state_has_an_example() -> None:
    found = {(one.name.split(".")[0], one.read_bytes()[0]) for one in STATES}
    assert found == {
        (name, version)
        for name, codec in STATE_CODECS.items()
        for version in range(1, codec._version + 1)
    }


def test_an_example_of_state_is_rich() -> None:
    """Every field has another value than its default somewhere, or nothing tests it."""
    for name, codec in STATE_CODECS.items():
        mine = [one for one in STATES if one.name.startswith(f"{name}.")]
        seen = {key for one in mine for key in json.loads(one.with_suffix(".json").read_text())}
        assert set(codec._kind.__struct_fields__) - seen == set(), name


def test_wrong_state_is_refused() -> None:
    data = (FOLDER / "state/person_state.full.v1.msgpack").read_bytes()
    for wrong in (data[:-1], data[:1] + b"\x93" + data[2:], b"\x02" + data[1:]):
        with pytest.raises(ValueError):
            STATE_CODECS["person_state"].decode(wrong)
