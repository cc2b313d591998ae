"""A mapping proposed from a sample: which field of theirs is which of ours, by its name and by what it says. Nothing is guessed in silence:
each line of the proposal says how many records have it, and what is not known is listed.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from schemas.counted import counted
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES
from schemas.formats.field_names import EVENT_NAMES
from schemas.formats.foreign_json import own_type, plain
from schemas.formats.json_lines import text_of
from schemas.limits import ID_LENGTH_MAX
from schemas.mappings.mapped import leaves
from schemas.mappings.mapping_rules import LISTS, NUMBERS, PER_MS, REQUIRED, Unit
from schemas.meant_types import meant_type
from schemas.times import time_ms

VALUES_MAX: Final = 64
"""Kinds of events are few; a field of more different values is none."""
PATHS_MAX: Final = 5_000
MORE_NAMES: Final = {
    "message_id": "event_id", "uuid": "event_id", "event_timestamp": "event_time_ms", "event_time": "event_time_ms", "datetime": "event_time_ms",
    "original_timestamp": "event_time_ms", "server_time": "event_time_ms", "anonymous": "anonymous_id", "visitor": "anonymous_id", "cookie_id": "anonymous_id",
    "device": "anonymous_id", "player_id": "anonymous_id", "account_id": "person_id", "member_id": "person_id", "visit_id": "session_id", "sid": "session_id",
    "action": "event_type", "kind": "event_type", "what": "event_type", "search_term": "query", "search_query": "query", "keyword": "query",
    "article_id": "item_ids", "content_id": "item_ids", "variant_id": "item_ids", "count": "quantity", "currency_code": "currency", "value": "value_amount",
    "order_value": "value_amount", "country_code": "context.country", "country": "context.country", "city": "context.city", "platform": "channel",
}  # fmt: skip
"""Plain names that others use, beside those that our own doors know (schemas/formats/field_names.py)."""
SHARED: Final = ("event_id", "event_time_ms", "session_id", "anonymous_id", "person_id", "channel", "page", "category", "query", "item_ids", "price", "quantity", "currency", "value_amount", "context.country", "context.city")  # fmt: skip
"""What is proposed, in this order."""
UNITS: Final[tuple[tuple[float, Unit], ...]] = (
    (1e11, "s"),
    (1e14, "ms"),
    (1e17, "us"),
    (1e20, "ns"),
)
"""Times since 1973 as numbers are below these."""


class Seen(msgspec.Struct):
    """One path: how many records have it, how many of its values are numbers, and its values while they are few."""

    records: int = 0
    numbers: int = 0
    total: int = 0
    values: Counter[str] | None = msgspec.field(default_factory=Counter)
    sample: Any = None


class _Like(NamedTuple):
    """A path that looks like one of our fields, and how far its name is from ours: 0 is the same."""

    path: str
    seen: Seen
    far: int


class Proposed(NamedTuple):
    """One of our fields: where it is from (the first that says something), the unit of a time, and the share of records that have it."""

    paths: tuple[str, ...]
    share: float
    unit: Unit | None = None


class Proposal(NamedTuple):
    """`fields` by our names, `types` what each kind of theirs is (None = not known), how often; `missing`: what no field looks like."""

    records: int
    fields: dict[str, Proposed]
    types: dict[str, tuple[str | None, int]]
    missing: tuple[str, ...]


def look_at(records: Iterable[Mapping[str, Any]]) -> tuple[int, dict[str, Seen]]:
    """How many records there are, and what stands under which path in them."""
    seen: dict[str, Seen] = {}
    count = 0
    for record in records:
        count += 1
        met: set[str] = set()
        for path, value in leaves(record, takes=_can_be_named):
            one = seen.get(path)
            if one is None:
                if len(seen) >= PATHS_MAX:
                    continue
                one = seen[path] = Seen()
            _note(one, value, is_first=path not in met)
            met.add(path)
    return count, seen


def propose(count: int, seen: Mapping[str, Seen]) -> Proposal:
    """The fields of ours that are found, each from the paths that look like it, the one that most records have first."""
    found: dict[str, list[_Like]] = {}
    for path, one in seen.items():
        for name, far in _names(path).items():
            if _fits(name, one):
                found.setdefault(name, []).append(_Like(path, one, far))
    fields: dict[str, Proposed] = {
        name: _proposed(name, found[name], count) for name in SHARED if name in found
    }
    kind = max(found.get("event_type", ()), key=lambda one: _known(one.seen), default=None)
    types: dict[str, tuple[str | None, int]] = {}
    if kind is not None and kind.seen.values is not None:
        fields["event_type"] = Proposed((kind.path,), kind.seen.records / count)
        types = {value: (meant_type(value, EVENT_TYPES), number) for value, number in kind.seen.values.most_common()}  # fmt: skip
    for name, instead in (("anonymous_id", "person_id"), ("session_id", "anonymous_id")):
        if name not in fields and instead in fields:
            fields[name] = fields[instead]
    missing = tuple(name for name in REQUIRED if name not in fields)
    return Proposal(count, fields, types, missing)


def written(proposal: Proposal) -> str:
    """The proposal as the file of a mapping."""
    lines = [f"# proposed from {counted(proposal.records, 'record')}: look at each line, then `kairos mapping try`", "fields:"]  # fmt: skip
    for name, one in proposal.fields.items():
        if name != "event_type":
            lines.append(f"  {name}: {_source(one)}  # {one.share:.0%} of the records")
    kind = proposal.fields.get("event_type")
    lines += ["rules:", "  - fields:", "      event_type:"]
    lines.append(f"        path: {_text(kind.paths[0]) if kind else '?'}")
    lines.append("        map:")
    for value, (meant, number) in proposal.types.items():
        if meant is not None:
            lines.append(f"          {_text(value)}: {meant}  # {number:,}")
    unknown = [(value, number) for value, (meant, number) in proposal.types.items() if meant is None]  # fmt: skip
    if unknown:
        lines.append(
            "          # none of ours, so names of your own: a policy says what they mean (`events`), a rule with `skip: true` passes them over"
        )
        lines += [
            f"          {_text(value)}: {_text(_own(value))}  # {number:,}"
            for value, number in unknown
        ]
    return "\n".join(lines) + "\n"


def _own(value: str) -> str:
    """The name of an event that is none of ours."""
    try:
        return own_type(value, EVENT_TYPES)
    except InvalidEvent:
        return "unnamed"


def _can_be_named(name: str) -> bool:
    """Whether a path can name it."""
    return bool(name) and not any(sign in name for sign in ".[]")


def _note(one: Seen, value: Any, *, is_first: bool) -> None:
    one.records += is_first
    one.total += 1
    one.numbers += isinstance(value, int | float) and not isinstance(value, bool)
    one.sample = value if one.sample is None else one.sample
    if one.values is not None:
        one.values[str(text_of(value))[:ID_LENGTH_MAX]] += 1
        if len(one.values) > VALUES_MAX:
            one.values = None


def _names(path: str) -> dict[str, int]:
    """What of ours a path may be, by its last name, and by that with the name before it; and how far that is from our own name."""
    parts = [plain(part) for part in path.replace("[]", "").split(".")]
    found: dict[str, int] = {}
    for name in {parts[-1], "_".join(parts[-2:])}:
        ours = name if name in EVENT_NAMES.known else None
        told = (ours, EVENT_NAMES.aliases.get(name), EVENT_NAMES.meant.get(name), MORE_NAMES.get(name))  # fmt: skip
        for far, one in enumerate(told):
            if one is not None:
                found[one] = min(far, found.get(one, far))
    return found


def _fits(name: str, one: Seen) -> bool:
    """Whether what it says can be that field."""
    is_number = one.numbers == one.total
    if name == "event_type":
        return one.values is not None and not is_number
    if name == "event_time_ms":
        return _unit_of(one.sample) is not None or _is_time(one.sample)
    if name in NUMBERS:
        return is_number or _is_amount(one.sample)
    return not isinstance(one.sample, bool)


def _known(one: Seen) -> tuple[int, int]:
    """How many of its values are kinds of events that are known; of two, what more records have."""
    known = sum(number for value, number in (one.values or {}).items() if meant_type(value, EVENT_TYPES))  # fmt: skip
    return known, one.records


def _proposed(name: str, found: list[_Like], count: int) -> Proposed:
    ordered = sorted(
        found, key=lambda one: (-one.seen.records, one.far, one.path.count("."), one.path)
    )
    if name not in LISTS:
        ordered = [one for one in ordered if "[]" not in one.path] or ordered[:1]
    best, first = ordered[0].seen, ordered[:3]
    if name == "event_time_ms":
        return Proposed((ordered[0].path,), best.records / count, _unit_of(best.sample))
    records = sum(one.seen.records for one in first) if name in LISTS else best.records
    return Proposed(tuple(one.path for one in first), min(1.0, records / count))


def _unit_of(value: Any) -> Unit | None:
    """The unit of a time that is a number; None of what is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e8 <= value < UNITS[-1][0]:  # fmt: skip
        return None
    unit = next(unit for most, unit in UNITS if value < most)
    try:
        time_ms(round(value * PER_MS[unit]))
    except InvalidEvent:
        return None
    return unit


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and time_ms(value) > 0
    except InvalidEvent:
        return False


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdecimal()


def _source(one: Proposed) -> str:
    if one.unit not in (None, "ms"):
        return f"{{path: {_text(one.paths[0])}, unit: {one.unit}}}"
    texts = [_text(path) for path in one.paths]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
