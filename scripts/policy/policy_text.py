"""A policy as a person writes it, and what differs between two, by the ids of things."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import yaml
from msgspec import NODEFAULT, inspect

from schemas.policy import Policy
from scripts.policy.policy_values import IN_MS, MOMENT, given, length_text, moment_text

POLICY: Final = inspect.type_info(Policy)
WIDTH: Final = 100
ABSENT: Final = msgspec.UNSET
ORDERED: Final = ("treatments",)
"""Lists whose order counts."""


class Difference(NamedTuple):
    """A place, as `actions[chat].value`, and what stands there, as written in the file; ABSENT: nothing."""

    place: str
    before: Any
    after: Any


def policy_yaml(policy: Policy) -> str:
    """The file that reads as this policy: without what has its default, lengths and moments in words."""
    return as_yaml(_written(policy, POLICY))


def as_yaml(value: Any) -> str:
    """A value as it stands in a policy's file."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def difference_text(one: Difference) -> str:
    """`~ PLACE: before -> after`; what is new (+) or gone (-) as it stands in the file."""
    if ABSENT not in (one.before, one.after):
        return f"~ {one.place}: {in_line(one.before)} -> {in_line(one.after)}"
    sign, value = ("+", one.after) if one.before is ABSENT else ("-", one.before)
    if not isinstance(value, dict | list) or not value:
        return f"{sign} {one.place}: {in_line(value)}"
    lines = as_yaml(value).rstrip().split("\n")
    return "\n".join([f"{sign} {one.place}", *(f"{sign}     {line}" for line in lines)])


def difference_json(one: Difference) -> dict[str, Any]:
    """`place`, `before` and `after`; what is ABSENT is left out."""
    return {name: value for name, value in one._asdict().items() if value is not ABSENT}


def differences(before: Policy, after: Policy) -> list[Difference]:
    """What differs, in the order of the fields; things with an id or a name are compared by that."""
    return list(_differences(before, after, POLICY, ""))


def in_line(value: Any) -> str:
    """A value on one line, as JSON: the file may have it so, too."""
    return "nothing" if value is None else msgspec.json.encode(value).decode()


def default_of(field: inspect.Field) -> Any:
    """What a field is that is left out."""
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


def field_as_written(field: inspect.Field, value: Any) -> Any:
    """A field's value as it stands in the file, where a time is under the name without `_ms`."""
    if value is None or not field.name.endswith(IN_MS):
        return _written(value, field.type)
    return moment_text(value) if given(field.type) == MOMENT else length_text(value)


def _differences(before: Any, after: Any, kind: inspect.Type, place: str) -> Iterator[Difference]:
    if before == after:
        return
    if before is None or after is None:
        yield Difference(place, _written(before, kind), _written(after, kind))
        return
    match given(kind):
        case inspect.StructType() as struct:
            for field in struct.fields:
                pair = getattr(before, field.name), getattr(after, field.name)
                at = _in(place, field.name.removesuffix(IN_MS))
                if field.name.endswith(IN_MS) and pair[0] != pair[1]:
                    yield Difference(at, *(field_as_written(field, one) for one in pair))
                else:
                    yield from _differences(*pair, field.type, at)
        case inspect.VarTupleType(item_type=inspect.StructType() as item):
            key = item.fields[0].name  # an id or a name
            old, new = ({getattr(one, key): one for one in side} for side in (before, after))
            yield from _by_key(old, new, item, place + "[{}]")
            orders = [name for name in old if name in new], [name for name in new if name in old]
            if place.endswith(ORDERED) and orders[0] != orders[1]:
                yield Difference(place, *orders)
        case inspect.DictType() as texts:
            yield from _by_key(before, after, texts.value_type, place + ".{}")
        case inspect.AnyType() if isinstance(before, dict) and isinstance(after, dict):
            yield from _by_key(before, after, kind, place + ".{}")
        case _:
            yield Difference(place, _written(before, kind), _written(after, kind))


def _by_key(
    before: dict[str, Any], after: dict[str, Any], kind: inspect.Type, place: str
) -> Iterator[Difference]:
    for name in before | after:
        if name not in after:
            yield Difference(place.format(name), _written(before[name], kind), ABSENT)
        elif name not in before:
            yield Difference(place.format(name), ABSENT, _written(after[name], kind))
        else:
            yield from _differences(before[name], after[name], kind, place.format(name))


def _written(value: Any, kind: inspect.Type) -> Any:
    """The value as in the file."""
    if value is None:
        return None
    match given(kind):
        case inspect.StructType() as struct:
            values = [(field, getattr(value, field.name)) for field in struct.fields]
            return {
                field.name.removesuffix(IN_MS): field_as_written(field, one)
                for field, one in values
                if one != default_of(field)
            }
        case inspect.VarTupleType() as several:
            return [_written(one, several.item_type) for one in value]
        case inspect.DictType() as texts:
            return {name: _written(one, texts.value_type) for name, one in value.items()}
        case _:
            return value


def _in(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


class _Dumper(yaml.SafeDumper):
    """Lists are indented, texts of several lines are blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style: str | None = "|" if "\n" in text.strip() else None
    if not text.replace("\n", "").isprintable():
        style = '"'  # other ends of lines and controls have to be escaped
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
