"""A mapping applied: what a record of others becomes, or why it becomes nothing. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import UNSET

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.amounts import STYLES
from schemas.formats.foreign_json import NUMBER, SHOWN_MAX, Given, made_id, read_object
from schemas.formats.json_lines import built_event, event_fields, text_of
from schemas.mappings.mapping_rules import (
    LISTS,
    NUMBERS,
    PER_MS,
    PROPERTY,
    REQUIRED,
    TIMES,
    Compiled,
    Source,
)

STEP: Final = re.compile(r"([^.\[\]]+)((?:\[\d*\])*)\.?")
PLACE: Final = re.compile(r"\[(\d*)\]")
EACH: Final = -1
"""Every element of a list."""
VALUES_MAX: Final = 1_000
DEPTH_MAX: Final = 12
"""Fields that lie deeper are not looked for where a record is looked over."""


def mapped_event(data: bytes, rules: tuple[Compiled, ...]) -> Event | None:
    """The event of a record, a JSON object; None where a rule passes it over. Raises InvalidEvent."""
    return read_object(data, lambda given: mapped_object(given, rules))


def mapped_record(data: bytes, fault: str, rules: tuple[Compiled, ...]) -> Event | None:
    """The same of a record of a file; raises InvalidEvent also where there is a `fault`: that it could not be read."""
    if fault:
        raise InvalidEvent("malformed", fault)
    return mapped_event(data, rules)


def mapped_object(given: Given, rules: tuple[Compiled, ...]) -> Event | None:
    """The event of what a record says, likewise."""
    rule = next((one for one in rules if _holds(one, given)), None)
    if rule is None:
        raise InvalidEvent("unknown_event_type", f"no rule of the mapping holds{_seen(rules, given)}")  # fmt: skip
    if rule.skip:
        return None
    said = event_fields(fields_of(given, rule))
    return built_event(said.fields, said.notes).event


def fields_of(given: Mapping[str, Any], rule: Compiled) -> dict[str, Any]:
    """What the rule says of a record, under our names; InvalidEvent names the field that cannot be read."""
    fields: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for name, source in rule.sources.items():
        value = _value(given, name, source)
        if value is None:
            continue
        group, dot, inner = name.partition(".")
        if dot:
            parts.setdefault(group, {})[inner] = value
        else:
            fields[name] = value
    for name in REQUIRED:
        if name not in fields:
            source = rule.sources[name]
            raise InvalidEvent("invalid_value", f"{name}: none of {', '.join(source.paths)} says it")  # fmt: skip
    if "event_id" not in fields:
        fields["event_id"] = made_id(given)
    return fields | parts


def found_at(given: Any, path: str) -> Iterator[Any]:
    """What stands under a path; nothing where there is nothing, or null."""
    if isinstance(given, dict) and path in given:
        yield from _said(given[path])
        return
    places = [given]
    for name, each in _steps(path):
        places = [one[name] for one in places if isinstance(one, dict) and name in one]
        for at in each:
            lists = [one for one in places if isinstance(one, list)]
            places = [one for some in lists for one in (some if at == EACH else some[at : at + 1])]
    for one in places[:VALUES_MAX]:
        yield from _said(one)


def leaves(
    value: Any, at: str = "", takes: Callable[[str], bool] = bool, depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """The paths of all values that say something, down to DEPTH_MAX, with the values; of fields whose names it `takes`."""
    if depth > DEPTH_MAX:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if takes(name):
                yield from leaves(inner, f"{at}.{name}" if at else name, takes, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{at}[]", takes, depth + 1)
    elif at:
        yield from ((at, one) for one in _said(value))


def _said(value: Any) -> Iterator[Any]:
    if value is not None and value != "":
        yield value


@lru_cache(maxsize=4_096)
def _steps(path: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(
        (step[1], tuple(int(at) if at else EACH for at in PLACE.findall(step[2])))
        for step in STEP.finditer(path)
    )


def _holds(rule: Compiled, given: Mapping[str, Any]) -> bool:
    for path, wanted in rule.when.items():
        found = next(found_at(given, path), None)
        if isinstance(found, dict | list) or found not in wanted:
            return False
    return True


def _seen(rules: tuple[Compiled, ...], given: Mapping[str, Any]) -> str:
    """What it has of what the rules ask for."""
    paths = dict.fromkeys(path for rule in rules for path in rule.when)
    said = [f"{path} is {str(next(found_at(given, path), None))[:SHOWN_MAX]!r}" for path in list(paths)[:3]]  # fmt: skip
    return f": {', '.join(said)}" if said else ""


def _value(given: Mapping[str, Any], name: str, source: Source) -> Any:
    if source.value is not UNSET:
        return source.value
    for path in source.paths:
        found = list(found_at(given, path))
        if not found:
            continue
        try:
            return _read(found, name, source)
        except InvalidEvent as error:
            raise InvalidEvent(error.reason, f"{path}: {error.message}") from error
    return None


def _read(found: list[Any], name: str, source: Source) -> Any:
    if name in LISTS:
        return _list(found, source)
    if len(found) > 1:
        raise InvalidEvent("invalid_value", f"{len(found)} values for `{name}`, which is one")
    value = _translated(found[0], source)
    if name in TIMES:
        return _time(value, source)
    if name in NUMBERS:
        return _number(value, source)
    return text_of(value) if name == "value" or name.startswith(PROPERTY) or _is_id(name) else value


def _is_id(name: str) -> bool:
    return name.endswith("_id")


def _list(found: list[Any], source: Source) -> list[Any]:
    values: list[Any] = []
    for one in found:
        if isinstance(one, list):
            values += one
        elif isinstance(one, str) and source.split is not None:
            values += filter(None, (part.strip() for part in one.split(source.split)))
        else:
            values.append(one)
    return [text_of(_translated(one, source)) for one in values]


def _translated(value: Any, source: Source) -> Any:
    if source.map is None:
        return value
    key = text_of(value)
    if isinstance(key, str) and key in source.map:
        return source.map[key]
    if source.otherwise is not UNSET:
        return source.otherwise
    raise InvalidEvent("invalid_value", f"{str(value)[:SHOWN_MAX]!r} is none of what the mapping knows: {', '.join(list(source.map)[:9])}")  # fmt: skip


def _time(value: Any, source: Source) -> Any:
    if source.unit is None:
        return value
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
        raise InvalidEvent("invalid_value", f"a number of {source.unit} is wanted, not {str(value)[:SHOWN_MAX]!r}")  # fmt: skip
    return round(value * PER_MS[source.unit])


def _number(value: Any, source: Source) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if source.number is not None:
        style = STYLES[source.number]
        if not style.written.fullmatch(text):
            raise InvalidEvent("invalid_value", f"{value[:SHOWN_MAX]!r} is not written as {source.number}")  # fmt: skip
        text = text.replace(style.group, "").replace(style.point, ".")
    if not NUMBER.fullmatch(text):
        raise InvalidEvent("invalid_value", f"{value[:SHOWN_MAX]!r} is no number")
    found = float(text)
    return int(found) if found.is_integer() else found
