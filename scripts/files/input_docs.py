"""`kairos accepts`: what comes in, under which names, within which bounds; docs/what-we-accept.md is what this writes."""

import ast
import json
from collections.abc import Iterator
from inspect import getsource
from itertools import chain
from types import ModuleType
from typing import Final, get_args

from msgspec import inspect

from jobs.config import PROJECT
from schemas import limits, outcome_limits
from schemas.doors import NOBODY
from schemas.errors import InvalidEvent, InvalidReason
from schemas.event_examples import EVENT_EXAMPLES, ITEM_EXAMPLE, example_of
from schemas.events import EVENT_TYPES, NEVER_TOO_LATE, Candidate, Context, Event
from schemas.formats.field_names import EVENT_NAMES, ITEM_NAMES, NEED_ITEMS, Names
from schemas.formats.item_rows import ATTRIBUTES_MAX
from schemas.formats.profile_rows import PEOPLE
from schemas.formats.profile_rows import TIMES as SINCE
from schemas.items import DAY_PATTERN, REGION_PATTERN, AvailableDates, Item, Point
from schemas.limits import (
    AHEAD_OF_LOG_MAX_MS,
    DAY_MS,
    DEDUP_MS,
    EVENT_TIME_MAX_MS,
    FACT_IDS_MAX,
    FACTS_KEPT_MS,
    FLOAT32_MAX,
    FLOAT_MAX,
    ID_LENGTH_MAX,
    LATENESS_MS,
    MINUTE_MS,
    PERSON_EXPIRY_MS,
    STATEMENT_LENGTH_MAX,
    STATEMENTS_MAX,
    WHOLE_MAX,
)
from schemas.meant_types import MEANT_TYPES
from schemas.times import time_ms, utc
from scripts.files.csv_rows import ROW_CHARS_MAX, ROW_LINES_MAX
from scripts.files.format_texts import formats
from scripts.files.input_files import COMPRESSED, KINDS, LINE_BYTES_MAX, TABLE, WHOLE_BYTES_MAX
from scripts.files.input_texts import (
    AFTER_TIMES,
    FILES,
    HEAD,
    IDS,
    ITEM_FILES,
    LOOKED_UP,
    PROFILES,
    REASONS,
    TIMES,
    TOPICS,
    VALUES,
)
from scripts.files.made_ids import BEGINNING
from scripts.files.sorted_events import RUN_BYTES_MAX
from scripts.pages import cell

PAGE: Final = PROJECT / "docs" / "what-we-accept.md"
WRITTEN: Final = (
    "1763700000000", "2026-01-31T12:00:00Z", "2026-01-31T12:00+01:00", "2026-01-31 12:00", "2026-01-31", "20260131",
    "1763700000", "1763700000000000", "0", "1969-12-31", "\u00b2", "yesterday",
)  # fmt: skip

CODES: Final = {
    DAY_PATTERN: "a day, `2026-07-01`",
    REGION_PATTERN: "a country (ISO 3166-1: `DE`) or a part of one (ISO 3166-2: `US-CA`)",
}
"""Texts of one form, in words."""


def page() -> str:
    """The whole page."""
    return "".join(
        (
            HEAD, _files(), _times(), _ids(), VALUES, formats(),
            _fields("Events", "", Event, EVENT_NAMES),
            _fields("Candidates of an event", "candidates", Candidate, EVENT_NAMES.parts["candidates"]),
            _fields("Context of an event", "context", Context, EVENT_NAMES.parts["context"]),
            LOOKED_UP, _types(), _fields("Items", "", Item, ITEM_NAMES),
            _fields("Place of an item", "place", Point, ITEM_NAMES.parts["place"]),
            _fields("Dates of an item", "available_dates", AvailableDates, ITEM_NAMES.parts["available_dates"]), _item(), _reasons(), _bounds(),
        )
    )  # fmt: skip


def _files() -> str:
    return FILES.format(
        codecs=" or ".join(COMPRESSED.values()), line=LINE_BYTES_MAX, whole=WHOLE_BYTES_MAX,
        rows=ROW_LINES_MAX, chars=ROW_CHARS_MAX, run=RUN_BYTES_MAX >> 20,
        kinds="; ".join(one.removeprefix("a ") for one in (*KINDS.values(), TABLE)),
    )  # fmt: skip


def _times() -> str:
    head = TIMES.format(least=utc(limits.EVENT_TIME_MIN_MS), most=utc(EVENT_TIME_MAX_MS))
    rows = "".join(f"| `{one}` | {_read(one)} |\n" for one in WRITTEN)
    after = AFTER_TIMES.format(
        ahead=AHEAD_OF_LOG_MAX_MS // MINUTE_MS,
        late=LATENESS_MS // MINUTE_MS,
        facts=_listed(sorted(NEVER_TOO_LATE)),
    )
    return head + rows + after


def _read(text: str) -> str:
    try:
        return utc(time_ms(text))
    except InvalidEvent as error:
        return f"refused: {cell(error.message)}"


def _ids() -> str:
    nobody = ", ".join(f"`{one}`" if one else "nothing" for one in sorted(NOBODY, reverse=True))
    return IDS.format(
        length=ID_LENGTH_MAX,
        nobody=nobody,
        days=DEDUP_MS // DAY_MS,
        made=BEGINNING,
        facts=FACT_IDS_MAX,
        fact_days=FACTS_KEPT_MS // DAY_MS,
    )


def _fields(title: str, part: str, struct: type, names: Names) -> str:
    """The fields of one kind of object, the names that are read as one of them, and those that are told to be meant."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    head = f"## {title}\n\n"
    if part:
        head += f"Objects in `{part}`.\n\n"
    head += "| field | what it holds | also read as this | told to be meant |\n| --- | --- | --- | --- |\n"
    return head + "".join(_row(one, names) for one in info.fields) + "\n"


def _row(field: inspect.Field, names: Names) -> str:
    wanted = " (needed)" if field.required else ""
    aliases = [one for one, name in names.aliases.items() if name == field.name]
    meant = [one for one, name in names.meant.items() if name == field.name]
    cells = (
        f"`{field.name}`{wanted}",
        _kind(field.type).rstrip(","),
        _named(aliases),
        _named(meant),
    )
    return f"| {' | '.join(cells)} |\n"


def _kind(kind: inspect.Type) -> str:
    """A type and its bounds, in words."""
    match kind:
        case inspect.UnionType():
            (given,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
            return _kind(given)
        case inspect.StrType(pattern=pattern) if pattern in CODES:
            return CODES[pattern]
        case inspect.StrType():
            return f"text{_length(kind.min_length, kind.max_length, 'characters')}"
        case inspect.IntType():
            return f"whole number{_range(kind.ge, kind.le, kind.lt)}"
        case inspect.FloatType():
            return f"number{_range(kind.ge, kind.le, kind.lt)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType():
            return " or ".join(f"`{one}`" for one in kind.values)
        case inspect.VarTupleType():
            return f"list{_length(None, kind.max_length, '')} of {_kind(kind.item_type)}"
        case inspect.DictType():
            return f"object{_length(None, kind.max_length, 'members')} of {_kind(kind.value_type)}"
        case inspect.StructType():
            return "object, see below"
    raise TypeError(f"no words for {kind}")


def _length(least: int | None, most: int | None, what: str) -> str:
    if most is None:
        return ""
    unit = f" {what}" if what else ""
    return f", {least} to {most:,}{unit}," if least else f", at most {most:,}{unit},"


def _range(least: float | None, most: float | None, below: float | None) -> str:
    if below == EVENT_TIME_MAX_MS:
        return ": a time" if least else ": a time, or 0 for since ever"
    if most in (WHOLE_MAX, FLOAT_MAX, FLOAT32_MAX):
        return "" if least else ", not negative"
    return f", {least:,.0f} to {most:,.0f}"


def _types() -> str:
    items = ", ".join(f"`{one}`" for one in sorted(NEED_ITEMS))
    types = ", ".join(f"`{one}`" for one in sorted(EVENT_TYPES - {"clock_ticked"}))
    return (
        f"## Types of events\n\n{types}.\n\n{_examples()}"
        f"These say nothing without an item in `item_ids`, which is told: {items}. `clock_ticked` is the engine's own, and refused at every door. "
        "What each counts for that came with a browser's public key: `schemas/proof.py`.\n\n"
        "Any other name may be sent, too: it is activity and no more, and a session's decisions go on, until the policy says what it means "
        "([`events` and `facts`](policy.md#namedevent)); with `strict_events` it is a dead letter. Such names are told and counted, with the nearest of ours, "
        f"and that of names that other systems use: {_meant_types()}.\n\n"
    )


def _meant_types() -> str:
    return ", ".join(f"`{one}` (`{meant}`)" for one, meant in MEANT_TYPES.items())


def _examples() -> str:
    """A line of a file for each type, with what it says."""
    told = (
        f"`{kind}`: {one.says}\n\n```json\n{json.dumps(example_of(kind))}\n```\n\n"
        for kind, one in EVENT_EXAMPLES.items()
    )
    return "One example of each, as a line of a file or a body of `POST /v1/events`:\n\n" + "".join(
        told
    )


def _item() -> str:
    example = f"An item, as a line of a file:\n\n```json\n{json.dumps(ITEM_EXAMPLE)}\n```\n\n"
    return example + ITEM_FILES.format(attributes=ATTRIBUTES_MAX) + _profiles() + TOPICS


def _profiles() -> str:
    return PROFILES.format(
        people=_named(list(PEOPLE)),
        times=_named(list(SINCE)),
        facts=STATEMENTS_MAX,
        length=STATEMENT_LENGTH_MAX,
        expiry=PERSON_EXPIRY_MS // DAY_MS,
    )


def _reasons() -> str:
    rows = "".join(f"| `{one}` | {REASONS[one]} |\n" for one in get_args(InvalidReason))
    return f"## Reasons of refusals and dead letters\n\n| reason | means |\n| --- | --- |\n{rows}\n"


def _bounds() -> str:
    """Every bound of schemas/limits.py and schemas/outcome_limits.py under its heading, with what happens at it."""
    head = "## Bounds\n\nSizes in bytes, times in milliseconds.\n\n"
    parts = []
    for title, rows in chain(_sections(limits), _sections(outcome_limits)):
        table = "".join(f"| `{name}` | {value} | {cell(words)} |\n" for name, value, words in rows)
        parts.append(f"### {title}\n\n| bound | value | |\n| --- | --- | --- |\n{table}\n")
    return head + "\n".join(one.rstrip("\n") + "\n" for one in parts)


def _sections(module: ModuleType) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    text = getsource(module)
    lines = text.splitlines()
    heads = {
        number: line.removeprefix("# --- ").rstrip("- ")
        for number, line in enumerate(lines, start=1)
        if line.startswith("# --- ")
    }
    found: dict[str, list[tuple[str, str, str]]] = {one: [] for one in heads.values()}
    body = ast.parse(text).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        above = [number for number in heads if number < node.lineno]
        if isinstance(node, ast.AnnAssign) and above and isinstance(node.target, ast.Name):
            name = node.target.id
            found[heads[above[-1]]].append((name, _number(getattr(module, name)), _doc(after)))
    yield from found.items()


def _number(value: float) -> str:
    if value in (FLOAT_MAX, FLOAT32_MAX):
        return f"{value:.1e}".replace("+", "")
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}"


def _doc(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


def _named(names: list[str]) -> str:
    return ", ".join(f"`{one}`" for one in names)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{one}`" for one in names[:-1]) + f" and `{names[-1]}`"
