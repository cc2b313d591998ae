"""What a new schema breaks, held to what fastavro reads."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import fastavro
import pytest
from typer.testing import CliRunner

from schemas.codec import WRITER_SCHEMAS, as_read
from scripts.cli import app
from scripts.evolution.compare_schemas import Change, changes

VALUES: Final[dict[str, list[Any]]] = {
    "int": [7], "long": [2**40], "float": [1.5], "double": [1.5], "string": ["x"], "bytes": [b"x"], "boolean": [True], "null": [None],
}  # fmt: skip


def record(*fields: Any, name: str = "Event") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def reads(writer: Any, reader: Any, value: Any) -> bool:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(writer), value)
    out.seek(0)
    try:
        fastavro.schemaless_reader(out, fastavro.parse_schema(writer), fastavro.parse_schema(reader))  # fmt: skip
    except (fastavro.read.SchemaResolutionError, ValueError, KeyError, TypeError):
        return False
    return True


def one_change(old: Any, new: Any) -> Change:
    (found,) = changes(old, new)
    return found


@pytest.mark.parametrize("old", sorted(VALUES))
@pytest.mark.parametrize("new", sorted(VALUES))
def test_types_are_widened_as_the_specification_says(old: str, new: str) -> None:
    if old == new:
        assert changes(record(field("a", old)), record(field("a", new))) == []
        return
    found = one_change(record(field("a", old)), record(field("a", new)))
    writes_old, writes_new = record(field("a", old)), record(field("a", new))
    assert (found.new_reads == "") == reads(writes_old, writes_new, {"a": VALUES[old][0]})
    assert (found.old_reads == "") == reads(writes_new, writes_old, {"a": VALUES[new][0]})


A: Final = field("a")
OPTIONAL: Final = field("b", ["null", "string"], default=None)
MUST: Final = field("b")


@pytest.mark.parametrize(
    ("old", "new", "what", "old_reads", "new_reads", "value_old", "value_new"),
    [
        (record(A), record(A, OPTIONAL), "added", True, True, {"a": "x"}, {"a": "x", "b": "y"}),
        (record(A), record(A, MUST), "added", True, False, {"a": "x"}, {"a": "x", "b": "y"}),
        (record(A, OPTIONAL), record(A), "removed", True, True, {"a": "x", "b": None}, {"a": "x"}),
        (record(A, MUST), record(A), "removed", False, True, {"a": "x", "b": "y"}, {"a": "x"}),
        (record(A, OPTIONAL), record(A, OPTIONAL | {"name": "c", "aliases": ["b"]}), "renamed from `b`", True, True, {"a": "x", "b": "y"}, {"a": "x", "c": "y"}),
        (record(A, MUST), record(A, MUST | {"name": "c", "aliases": ["b"]}), "renamed from `b`", False, True, {"a": "x", "b": "y"}, {"a": "x", "c": "y"}),
        (record(field("a", ["null", "int"], default=None)), record(field("a", ["null", "long"], default=None)), "null or int is null or long now", False, True, {"a": 3}, {"a": 2**40}),
        (record(A), record(field("a", ["null", "string"], default=None)), "string is null or string now", False, True, {"a": "x"}, {"a": None}),
        (record(field("a", {"type": "array", "items": "int"})), record(field("a", {"type": "array", "items": "double"})), "int is double now", False, True, {"a": [1]}, {"a": [1.5]}),
        (record(field("a", {"type": "enum", "name": "K", "symbols": ["x"]})), record(field("a", {"type": "enum", "name": "K", "symbols": ["x", "y"]})), "enum K is enum K now", False, True, {"a": "x"}, {"a": "y"}),
    ],
)  # fmt: skip
def test_what_becomes_of_a_field(
    old: Any, new: Any, what: str, old_reads: bool, new_reads: bool, value_old: Any, value_new: Any
) -> None:
    found = one_change(old, new)
    assert (found.what, not found.old_reads, not found.new_reads) == (what, old_reads, new_reads)
    assert reads(old, new, value_old) == new_reads
    assert reads(new, old, value_new) == old_reads


def test_what_lies_within_is_named_by_its_path() -> None:
    inner, wider = record(A, name="In"), record(A, MUST, name="In")
    found = one_change(record(field("x", ["null", inner])), record(field("x", ["null", wider])))
    assert (found.field, found.what) == ("x.b", "added")
    found = one_change(record(field("x", {"type": "map", "values": inner})), record(field("x", {"type": "map", "values": wider})))  # fmt: skip
    assert found.field == "x[].b"


def test_a_record_that_holds_itself_has_an_end() -> None:
    tree = record(A, field("next", ["null", "Event"]))
    assert changes(tree, tree) == []


@pytest.mark.parametrize("new", WRITER_SCHEMAS, ids=lambda one: f"{one.record}.v{one.version}")
def test_our_own_versions_read_each_other(new: Any) -> None:
    """What the log holds is read by the newest; and an engine of before reads what is written now, unless the changelog says otherwise."""
    newest = max((one for one in WRITER_SCHEMAS if one.record == new.record), key=lambda one: one.version)  # fmt: skip
    for one in changes(as_read(new.schema), as_read(newest.schema)):
        assert one.new_reads == "", one


def kairos(*words: str) -> Any:
    return CliRunner().invoke(app, ["schemas", "check", *words], standalone_mode=False)


def test_ours_is_compared_by_its_name(tmp_path: Path) -> None:
    newest = max((one for one in WRITER_SCHEMAS if one.record == "event"), key=lambda one: one.version)  # fmt: skip
    schema = json.loads((Path("schemas/avro") / f"event.v{newest.version}.avsc").read_text())
    path = tmp_path / "event.avsc"
    path.write_text(json.dumps(schema))
    same = kairos(str(path), "--json")
    assert (same.return_value, json.loads(same.output)["changes"]) == (0, [])
    schema["fields"].append(field("score", "double"))
    path.write_text(json.dumps(schema))
    done = kairos(str(path), "--json")
    told = json.loads(done.output)
    assert (done.return_value, told["is_safe"]) == (1, False)
    assert told["changes"] == [
        {"field": "score", "what": "added", "old_reads": "", "new_reads": "it is missing in the log, and has no default", "is_safe": False}
    ]  # fmt: skip
    assert "has no default" in " ".join(kairos(str(path)).output.split())


def test_two_files_of_anybody_are_compared(tmp_path: Path) -> None:
    old, new = tmp_path / "old.avsc", tmp_path / "new.avsc"
    old.write_text(json.dumps(record(A, name="Click")))
    new.write_text(json.dumps(record(A, OPTIONAL, name="Click")))
    assert kairos(str(new), "--against", str(old)).return_value == 0
    assert "no topic of ours holds a 'Click'" in str(kairos(str(new)).exception)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"string"', '{"type": "record"}', '{"type": "record", "name": "A", "fields": [{"name": "a"}]}', '{"type": "array", "items": "int"}', '{"type": "record", "name": "A", "fields": [{"name": "a", "type": "nothing"}]}'])  # fmt: skip
def test_what_is_no_schema_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "event.avsc"
    path.write_text(text)
    error = kairos(str(path)).exception
    assert type(error).__name__ == "ConfigError"
    assert str(path) in str(error)
