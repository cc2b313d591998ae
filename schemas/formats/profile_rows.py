"""A row that a CRM or a warehouse keeps of a person -> the `profile_updated` that says it from its time on. Pure.

Columns that say who somebody is, names and addresses, are not taken over (schemas/formats/foreign_json.py).
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from schemas.doors import NOBODY
from schemas.errors import InvalidEvent
from schemas.events import PROFILE_SESSION, PROFILE_UPDATED, Event, event_from_fields
from schemas.formats.field_names import EVENT_NAMES, Note
from schemas.formats.foreign_json import is_personal, made_id, plain
from schemas.formats.item_rows import is_nothing
from schemas.formats.json_lines import json_object, text_of
from schemas.limits import (
    STATEMENT_LENGTH_MAX,
    STATEMENTS_MAX,
)
from schemas.meant_types import LENGTH_MAX
from schemas.times import time_of_field

PEOPLE: Final = (
    "person_id", "user_id", "customer_id", "client_id", "member_id", "account_id", "contact_id", "external_id", "uid", "id",
)  # fmt: skip
"""Columns that name the person, the first that is there."""
TIMES: Final = (
    "effective_from", "effective_from_ms", "effective_time", "effective_at", "effective_date", "valid_from", "as_of", "snapshot_date",
    "event_time_ms", "updated_at", "modified_at", "last_modified", "timestamp",
)  # fmt: skip
"""Columns that say since when the others hold, likewise."""
DIGITS: Final = 32
SHOWN_MAX: Final = 200
EXACT: Final = 2**53


class ReadProfile(NamedTuple):
    """What is told of a person, and of which columns nothing is."""

    event: Event
    notes: tuple[Note, ...] = ()


class _Columns(NamedTuple):
    person: str | None
    time: str | None
    facts: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def profile_of_json(
    data: bytes, default_ms: int | None = None, renames: Mapping[str, str] | None = None
) -> ReadProfile:
    """The event that a row as a JSON object is; raises InvalidEvent. `default_ms`: its time where it says none."""
    row = json_object(data)
    if renames:
        row = {renames.get(name, name): value for name, value in row.items()}
    return profile_of_row(row, default_ms)


def profile_of_row(row: Mapping[str, Any], default_ms: int | None = None) -> ReadProfile:
    """Likewise of a row. What is empty says nothing; the same row is the same event whenever it is read."""
    columns = _columns(tuple(name for name, value in row.items() if not is_nothing(value)))
    if columns.person is None:
        raise InvalidEvent("invalid_value", f"nothing says whom it is of: {', '.join(PEOPLE)}; it has: {', '.join(row)[:SHOWN_MAX]}")  # fmt: skip
    person = _person(columns.person, row[columns.person])
    time_ms = default_ms if columns.time is None else _time(columns.time, row[columns.time])
    if time_ms is None:
        raise InvalidEvent("invalid_value", f"nothing says since when it holds: {', '.join(TIMES)}, or --from; it has: {', '.join(row)[:SHOWN_MAX]}")  # fmt: skip
    facts, lost = _facts(row, columns)
    if not facts:
        raise InvalidEvent("invalid_value", "it says nothing of the person")
    session = PROFILE_SESSION + sha256(person.encode()).hexdigest()[:DIGITS]
    event = event_from_fields(
        {
            "event_id": made_id(person, time_ms, facts),
            "event_type": PROFILE_UPDATED,
            "event_time_ms": time_ms,
            "session_id": session,
            "anonymous_id": session,
            "person_id": person,
            "properties": facts,
        }
    )
    return ReadProfile(event, (*columns.notes, *lost))


@lru_cache(maxsize=4_096)
def _columns(names: tuple[str, ...]) -> _Columns:
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    person = next((by_plain[one] for one in PEOPLE if one in by_plain), None)
    time = next((by_plain[one] for one in TIMES if one in by_plain), None)
    others = [name for name in names if name not in (person, time)]
    kept: dict[str, str] = {}
    for name in others:
        if not is_personal(name) and len(name) <= LENGTH_MAX:
            kept.setdefault(plain(name), name)
    facts = tuple((name, fact) for fact, name in kept.items())
    read = set(kept.values())
    notes = tuple(Note(name, "left_out", EVENT_NAMES) for name in others if name not in read)
    return _Columns(person, time, facts, notes)


def _facts(row: Mapping[str, Any], columns: _Columns) -> tuple[dict[str, str], list[Note]]:
    facts: dict[str, str] = {}
    lost = []
    for name, fact in columns.facts:
        said = text_of(row[name])
        if not isinstance(said, str) or len(said.strip()) > STATEMENT_LENGTH_MAX:
            lost.append(Note(name, "left_out", EVENT_NAMES))
        else:
            facts.setdefault(fact, said.strip())
    if len(facts) > STATEMENTS_MAX:
        raise InvalidEvent("invalid_value", f"{len(facts)} facts of one person, at most {STATEMENTS_MAX} are kept: leave columns out")  # fmt: skip
    return facts, lost


def _person(name: str, value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidEvent("invalid_value", f"{name[:SHOWN_MAX]}: no id: write ids as text")
    person = str(value).strip()
    if person.lower() in NOBODY:
        raise InvalidEvent("invalid_value", f"{name[:SHOWN_MAX]}: it names nobody")
    return person


def _time(name: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    found = time_of_field(name[:SHOWN_MAX], value)
    if type(found) is not int:
        raise InvalidEvent("invalid_value", f"{name[:SHOWN_MAX]}: a time is wanted")
    return found
