"""Mending: fields of what could not be used are renamed, set and dropped, until it is an event."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

import msgspec

from schemas.codec import EVENT, MARKER
from schemas.dead_letters import DeadLetter
from schemas.doors import check_at_door
from schemas.errors import ConfigError, InvalidEvent, PassedOver
from schemas.events import Event, event_from_fields
from schemas.formats import FORMATS, OF_TOPICS
from schemas.formats.json_lines import event_from_json, json_object
from schemas.mappings.mapped import mapped_event
from schemas.mappings.mapping_rules import Compiled
from udfs.explain.fit_records import TOO_LARGE, decision_of

Fields = dict[str, Any]
Read = Callable[[bytes], Event]
"""Of a record as JSON; raises InvalidEvent."""
Say = Callable[[bytes], Fields]
"""Of a record as it lay there: what it says, as JSON would; raises InvalidEvent."""
OURS: Final = "kairos"
"""The format whose files are JSON Lines, and whose records are Avro."""


class Edits(NamedTuple):
    """What is done to each, in this order: renames (from, to), values that are set, names that go.

    Names with dots lead into objects: `properties.size`.
    """

    renames: Sequence[tuple[str, str]] = ()
    values: Sequence[tuple[str, Any]] = ()
    drops: Sequence[str] = ()


def edits_from(renames: Sequence[str], values: Sequence[str], drops: Sequence[str]) -> Edits:
    """Of `OLD=NEW`, of `NAME=VALUE` (JSON, else a text) and of names; raises ConfigError."""
    return Edits(
        [_halves("--rename", "OLD=NEW", one) for one in renames],
        [(name, _value(text)) for name, text in (_halves("--set", "NAME=VALUE", one) for one in values)],
        list(drops),
    )  # fmt: skip


def _halves(option: str, form: str, text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not name or not is_there or (option == "--rename" and not value):
        raise ConfigError(f"{option} wants {form}, not {text!r}")
    return name, value


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text


def edited(fields: Mapping[str, Any], edits: Edits) -> Fields:
    """The fields after the edits; what is to be renamed or dropped and is not there is passed over."""
    found = deepcopy(dict(fields))
    for old, new in edits.renames:
        home, name = _home(found, old, makes=False)
        if home is not None and name in home:
            value = home.pop(name)
            target, last = _home(found, new, makes=True)
            if target is not None:
                target[last] = value
    for path, value in edits.values:
        home, name = _home(found, path, makes=True)
        if home is not None:
            home[name] = value
    for path in edits.drops:
        home, name = _home(found, path, makes=False)
        if home is not None:
            home.pop(name, None)
    return found


def _home(fields: Fields, path: str, *, makes: bool) -> tuple[Fields | None, str]:
    """The object that a name lies in, and its last part; a name that is there as it is written, dots and all, is meant."""
    if path in fields:
        return fields, path
    *way, name = path.split(".")
    home: Any = fields
    for part in way:
        if not isinstance(home, dict):
            return None, name
        home = home.setdefault(part, {}) if makes else home.get(part)
    return (home, name) if isinstance(home, dict) else (None, name)


def fields_of(letter: DeadLetter, say: Say = json_object) -> Fields:
    """What the letter's bytes say; InvalidEvent where they say nothing that could be mended."""
    if decision_of(letter) is not None:
        raise InvalidEvent(TOO_LARGE, "this is a decision that was too large, and no event")
    if letter.raw[:2] == MARKER:
        return dict(EVENT.fields(letter.raw))
    return say(letter.raw)


def reading(form: str, rules: tuple[Compiled, ...] | None = None) -> Read:
    """How what is JSON is read: by the rules of a mapping, else in the format `form`. Raises ConfigError where there is no such format."""
    if rules is not None:
        return lambda data: _mapped(data, rules)
    if form not in FORMATS:
        raise ConfigError(f"there is no format {form!r}: one of {', '.join(FORMATS)}")
    return event_from_json if form in (OURS, *OF_TOPICS) else FORMATS[form].decode


def _mapped(data: bytes, rules: tuple[Compiled, ...]) -> Event:
    event = mapped_event(data, rules)
    if event is None:
        raise PassedOver
    return event


def mended(letter: DeadLetter, fields: Fields, read: Read, now_ms: int) -> Event:
    """The event that mended fields describe; what was JSON is `read`. InvalidEvent where they still are none, or no door takes it."""
    if letter.raw[:2] == MARKER:
        event = event_from_fields(fields)
    else:
        event = read(msgspec.json.encode(fields))
    check_at_door(event, now_ms)
    return event


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What the edits changed, field by field: `- name: value` and `+ name: value`."""
    lines = []
    for name in (*before, *(one for one in after if one not in before)):
        if name in before and name in after and before[name] == after[name]:
            continue
        lines += [f"- {name}: {_shown(before[name])}"] if name in before else []
        lines += [f"+ {name}: {_shown(after[name])}"] if name in after else []
    return lines


def _shown(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=repr).decode()
