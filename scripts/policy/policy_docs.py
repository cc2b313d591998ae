"""`kairos policy docs`: what a policy's file may hold; docs/policy.md is what this writes."""

import ast
import inspect as source
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from msgspec import inspect

from jobs.config import PROJECT
from schemas.policy import Policy
from scripts.pages import cell
from scripts.policy.policy_text import default_of, field_as_written, in_line
from scripts.policy.policy_values import IN_MS, MOMENT, SENTENCE, given, length_text, wanted
from udfs.facts.attributes import ATTRIBUTES, ITEM_ATTRIBUTES

PAGE: Final = PROJECT / "docs" / "policy.md"
HEAD: Final = """\
# The policy file

Written by `kairos policy docs --write` from `schemas/policy.py`, `schemas/actions.py` and the rooms of `udfs/facts`; do not edit.

A policy is one YAML file. `kairos policy check FILE` names every mistake in it with its line. A length of time is
written as `20 min`, `1.5 h`, `30 d` or `45 s`; a moment as `2026-01-31T18:00+01:00`, with its time zone. Both may be
given in milliseconds instead, under the field's name with `_ms` at its end.

`kairos policy publish FILE` puts it in force two seconds later, `--effective-from TIME` from a time on, `--until TIME` until one; `kairos policy scheduled` shows what
is to come, `take-back` takes it back; `kairos policy draft save FILE` keeps one that is not finished ([how](howto.md#decide-what-is-offered)).

"""
ATTRIBUTES_HEAD: Final = """\
## Attributes

Conditions and `{placeholders}` in texts name them. `purpose` is what one is of: `service` of this visit and the catalogue,
`personalisation` of the person beyond it. Of a person who has not agreed to personalisation those are missing (docs/consent.md).
Those of `item` are there in the rules for items only, and for the item that an action is about.

| attribute | type | purpose | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    tables = [_table(struct) for struct in _structs(inspect.type_info(Policy), set())]
    attributes = "".join(map(_attribute_row, (*ATTRIBUTES, *ITEM_ATTRIBUTES)))
    return HEAD + "".join(tables) + ATTRIBUTES_HEAD + attributes


def _structs(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    """Each kind of object in a policy once, from the policy down."""
    match given(kind):
        case inspect.StructType() as struct if struct.cls not in seen:
            seen.add(struct.cls)
            yield struct
            for field in struct.fields:
                yield from _structs(field.type, seen)
        case inspect.VarTupleType() as several:
            yield from _structs(several.item_type, seen)


def _table(struct: inspect.StructType) -> str:
    meanings = _meanings(struct.cls)
    rows = (
        f"| `{_name(field)}` | {_takes(field)} | {_default(field)} | "
        f"{cell(meanings.get(field.name, ''))} |\n"
        for field in struct.fields
    )
    text = source.getdoc(struct.cls) or ""
    head = "| field | takes | default | meaning |\n| --- | --- | --- | --- |\n"
    return f"## {struct.cls.__name__}\n\n{text}\n\n{head}{''.join(rows)}\n"


def _meanings(struct: type) -> dict[str, str]:
    """The sentences below the fields of a class, by field."""
    [definition] = ast.parse(source.getsource(struct)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _name(field: inspect.Field) -> str:
    return field.name.removesuffix(IN_MS)


def _takes(field: inspect.Field) -> str:
    kind = given(field.type)
    if not field.name.endswith(IN_MS):
        return cell(_words(kind))
    assert isinstance(kind, inspect.IntType)
    if kind == MOMENT:
        return "a moment"
    return "a length of time" + (f" up to {length_text(kind.le)}" if kind.le is not None else "")


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.StructType():
            return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
        case inspect.VarTupleType():
            most = f" of at most {kind.max_length:,}" if kind.max_length is not None else ""
            return f"a list{most}, each {_words(given(kind.item_type))}"
        case inspect.DictType(value_type=inspect.AnyType()):
            return "fields of the policy"
        case inspect.DictType() if kind != SENTENCE:
            return f"a mapping from names to {_words(given(kind.value_type))}"
        case _:
            return wanted(kind)


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    written = field_as_written(field, default_of(field))
    if written == {} and isinstance(field.type, inspect.StructType):
        return "its defaults"
    if written in (None, "", [], {}):
        return "none"
    return cell(written if isinstance(written, str) else f"`{in_line(written)}`")


def _attribute_row(one: Any) -> str:
    return f"| `{one.attribute}` | {one.type} | {one.purpose} | {cell(one.meaning)} |\n"
