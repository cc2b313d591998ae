"""What changes from one Avro schema to another: which side still reads what the other writes (Avro specification 1.12, "Schema Resolution").

Two things must hold before anybody writes by a new schema: what runs reads what is written by it, and whoever reads by it reads what lies in the log. A name
that only aliases lead to is read one way, so it is a change for the worse unless its field has a default.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

PROMOTED: Final = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""What is written as one type may be read as these."""
NAMED: Final = ("record", "enum", "fixed")
ROOT: Final = ""
DEPTH_MAX: Final = 16


class Change(NamedTuple):
    """One field, by its path. `old_reads`: why whoever reads by the old schema does not read what is written by the new one; `new_reads` the other way
    round; empty = it does.
    """

    field: str
    what: str
    old_reads: str = ""
    new_reads: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether both read what the other writes."""
        return not self.old_reads and not self.new_reads


def changes(old: Any, new: Any) -> list[Change]:
    """Every change, by the path of its field, in the order of the new schema; then what it has no more."""
    return list(_changes(old, new, ROOT, _Names(old), _Names(new)))


class _Names:
    """The named types of a schema, which later ones refer to by name."""

    def __init__(self, schema: Any) -> None:
        self.known: dict[str, Any] = {}
        self._note(schema)

    def _note(self, schema: Any) -> None:
        if isinstance(schema, list):
            for one in schema:
                self._note(one)
        elif isinstance(schema, dict):
            if isinstance(schema["type"], str) and schema["type"] in NAMED:
                self.known[_short(schema["name"])] = schema
            within = [one["type"] for one in schema.get("fields", ())]
            within += [schema[name] for name in ("items", "values") if name in schema]
            for one in (*within, schema["type"]):
                self._note(one)

    def of(self, schema: Any) -> Any:
        """The schema that is meant: a name's own, a wrapped one without its wrapping."""
        if isinstance(schema, str):
            return self.known.get(_short(schema), schema)
        if isinstance(schema, dict) and isinstance(schema.get("type"), dict | list):
            return self.of(schema["type"])
        return schema


def _changes(old: Any, new: Any, at: str, olds: _Names, news: _Names) -> Iterator[Change]:
    if at.count(".") > DEPTH_MAX:
        return  # a record that holds itself
    old, new = olds.of(old), news.of(new)
    mine, others = _fields(old), _fields(new)
    if mine is None or others is None:
        yield from _within(old, new, at, olds, news)
        return
    left = dict(mine)
    for name, field in others.items():
        path = f"{at}.{name}" if at else name
        if name in left:
            yield from _changes(left.pop(name)["type"], field["type"], path, olds, news)
            continue
        former = next((one for one in field.get("aliases", ()) if one in left), None)
        if former is not None:
            was = left.pop(former)
            lost = "" if "default" in was else f"`{former}` is missing there, and has no default"
            yield Change(path, f"renamed from `{former}`", lost)
            yield from _changes(was["type"], field["type"], path, olds, news)
        else:
            lost = "" if "default" in field else "it is missing in the log, and has no default"
            yield Change(path, "added", "", lost)
    for name, field in left.items():
        lost = "" if "default" in field else "it is missing there, and has no default"
        yield Change(f"{at}.{name}" if at else name, "removed", lost)


def _within(old: Any, new: Any, at: str, olds: _Names, news: _Names) -> Iterator[Change]:
    """Of what is no record on both sides."""
    if isinstance(old, list) or isinstance(new, list):
        pairs = _pairs(_branches(old, olds), _branches(new, news))
        for mine, other in pairs:
            yield from _changes(mine, other, at, olds, news)
        forward, backward = _unread(new, old, news, olds), _unread(old, new, olds, news)
        if forward or backward:
            yield Change(at, f"{_said(old)} is {_said(new)} now", forward, backward)
        return
    kinds = _kind(old), _kind(new)
    if kinds[0] == kinds[1] and kinds[0] in ("array", "map"):
        inner = "items" if kinds[0] == "array" else "values"
        yield from _changes(old[inner], new[inner], f"{at}[]", olds, news)
        return
    forward, backward = _unread(new, old, news, olds), _unread(old, new, olds, news)
    if forward or backward or kinds[0] != kinds[1]:
        yield Change(at, f"{_said(old)} is {_said(new)} now", forward, backward)
    elif kinds[0] == "enum" and old["symbols"] != new["symbols"]:
        yield Change(at, "other symbols")


def _unread(writer: Any, reader: Any, writers: _Names, readers: _Names) -> str:
    """Why what is written as one type is not read as the other; fields of records are looked at by themselves."""
    for one in _branches(writer, writers):
        if not any(_is_read(one, other) for other in _branches(reader, readers)):
            return f"{_said(one)} is not read as {_said(reader)}"
        for other in _branches(reader, readers):
            if _kind(one) == _kind(other) == "enum" and "default" not in other:
                unknown = [symbol for symbol in one["symbols"] if symbol not in other["symbols"]]
                if unknown:
                    return f"the symbol {unknown[0]!r} is not known there"
    return ""


def _is_read(writer: Any, reader: Any) -> bool:
    mine, other = _kind(writer), _kind(reader)
    if mine == other and mine in NAMED:
        is_as_wide = mine != "fixed" or writer["size"] == reader["size"]
        return is_as_wide and (mine == "record" or _short(writer["name"]) == _short(reader["name"]))
    return mine == other or other in PROMOTED.get(mine, ())


def _pairs(olds: list[Any], news: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Branches of two unions that hold something within, by their kind."""
    for one in olds:
        if _kind(one) in ("record", "array", "map"):
            same = next((other for other in news if _kind(other) == _kind(one)), None)
            if same is not None:
                yield one, same


def _branches(schema: Any, names: _Names) -> list[Any]:
    schema = names.of(schema)
    return [names.of(one) for one in schema] if isinstance(schema, list) else [schema]


def _fields(schema: Any) -> dict[str, Any] | None:
    if isinstance(schema, dict) and schema.get("type") == "record":
        return {one["name"]: one for one in schema["fields"]}
    return None


def _kind(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _said(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(_said(one) for one in schema)
    return f"{_kind(schema)} {_short(schema['name'])}" if isinstance(schema, dict) and "name" in schema else _kind(schema)  # fmt: skip


def _short(name: str) -> str:
    return name.rpartition(".")[2]
