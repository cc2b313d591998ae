"""A mapping: how records of others become events, as data. The rules are tried in their order, and the first whose `when` holds makes the event.

Paths name fields with dots, as they are nested: `context.page.path`; `products[].sku` is that of each, `products[0].sku` of the first. A name that
has dots itself and stands at the top is found as it is written. Applied in schemas/mappings/mapped.py.
"""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.errors import ConfigError
from schemas.events import EVENT_TYPES, SENT_TYPES, Context, Event, is_name, unknown_in_words
from schemas.formats.amounts import Style
from schemas.limits import EVENT_NAME_LENGTH_MAX, STRING_LENGTH_MAX
from schemas.meant_types import meant_type
from schemas.thread_safe_types import prepared

Unit = Literal["s", "ms", "us", "ns"]
PER_MS: Final[dict[str, float]] = {"s": 1_000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
RULES_MAX: Final = 1_000
PATH: Final = re.compile(r"[^.\[\]]+(?:\[(?:\d{1,6})?\])*(?:\.[^.\[\]]+(?:\[(?:\d{1,6})?\])*)*")
UNMAPPED: Final = frozenset(
    {"is_unproven", "has_no_candidates", "imported_at_ms", "candidates", "context", "properties"}
)
"""What the door sets, and what is named by its parts."""
TEXTS: Final = frozenset(Event.__struct_fields__) - UNMAPPED
CONTEXTS: Final = frozenset(f"context.{name}" for name in Context.__struct_fields__)
TIMES: Final = frozenset({"event_time_ms", "sent_at_ms"})
NUMBERS: Final = frozenset(
    {"price", "value_amount", "quantity", "context.utc_offset_min", "context.latitude", "context.longitude"}
)  # fmt: skip
LISTS: Final = frozenset({"item_ids", "placements", "consent"})
PROPERTY: Final = "properties."
REQUIRED: Final = ("event_type", "event_time_ms", "session_id", "anonymous_id")
"""Without these there is no event; an `event_id` can be made."""

Path = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field is from: the first of the paths that says something, or a constant `value`.

    `map`: what stands for what; what is not in it is refused, or is `otherwise`. `unit`: of a time that is a number. `number`: how amounts are
    written as text. `split`: a text is a list, parted by this.
    """

    path: Path | tuple[Path, ...] = ()
    value: Any = UNSET
    map: dict[str, Any] | None = None
    otherwise: Any = UNSET
    unit: Unit | None = None
    number: Style | None = None
    split: Annotated[str, Meta(min_length=1, max_length=9)] | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is looked for, in this order."""
        return (self.path,) if isinstance(self.path, str) else self.path


Sources = dict[str, str | tuple[Path, ...] | Source]
"""By the name of our field: a path, several, or all that can be said of it."""


class MappingRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What holds of a record (by path: a value, one of several, or null for none), and what is made of it.

    `skip`: nothing, and it is counted. `properties`: paths that are kept under their last names, or names with theirs.
    """

    when: dict[Path, Any] = {}
    event_type: str | None = None
    fields: Sources = {}
    properties: tuple[Path, ...] | Sources = ()
    skip: bool = False


class EventMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """`fields` and `properties` of every event, and the rules; a rule's own come before these."""

    rules: Annotated[tuple[MappingRule, ...], Meta(min_length=1, max_length=RULES_MAX)]
    fields: Sources = {}
    properties: tuple[Path, ...] | Sources = ()


prepared(EventMapping)


class Compiled(Struct, frozen=True):
    """A rule as it is applied: by name of our field where it is from. Properties have PROPERTY before their names."""

    when: dict[str, frozenset[Any]]
    sources: dict[str, Source]
    skip: bool


def compile_mapping(document: object) -> tuple[Compiled, ...]:
    """The rules of a mapping; ConfigError says what is wrong in it and where."""
    try:
        mapping = msgspec.convert(document, EventMapping)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"mapping: {error}") from error
    shared = _sources(mapping.fields, mapping.properties, "fields")
    return tuple(
        _rule(rule, shared, f"rules[{number}]") for number, rule in enumerate(mapping.rules)
    )


def _rule(rule: MappingRule, shared: dict[str, Source], at: str) -> Compiled:
    when = {_path(path, f"{at}.when"): _values(value, f"{at}.when.{path}") for path, value in rule.when.items()}  # fmt: skip
    sources = shared | _sources(rule.fields, rule.properties, f"{at}.fields")
    if rule.event_type is not None:
        sources["event_type"] = Source(value=rule.event_type)
    if rule.skip:
        return Compiled(when, {}, skip=True)
    for name in REQUIRED:
        if name not in sources:
            raise ConfigError(f"mapping: {at}: nothing says what its `{name}` is")
    _check_types(sources["event_type"], at)
    return Compiled(when, sources, skip=False)


def _sources(fields: Sources, properties: tuple[Path, ...] | Sources, at: str) -> dict[str, Source]:
    found = {}
    for name, given in fields.items():
        if name not in TEXTS | CONTEXTS and not name.startswith(PROPERTY):
            raise ConfigError(f"mapping: {at}: there is no field `{name}`")
        found[name] = _source(given, f"{at}.{name}")
        _check_use(name, found[name], f"{at}.{name}")
    named = properties if isinstance(properties, dict) else {_last(one): one for one in properties}
    for name, given in named.items():
        found[PROPERTY + name] = _source(given, f"{at}.{PROPERTY}{name}")
    return found


def _source(given: str | tuple[Path, ...] | Source, at: str) -> Source:
    source = given if isinstance(given, Source) else Source(path=given)
    for path in source.paths:
        _path(path, at)
    if bool(source.paths) == (source.value is not UNSET):
        raise ConfigError(f"mapping: {at}: a path or a value is wanted")
    if isinstance(source.otherwise, UnsetType) is False and source.map is None:
        raise ConfigError(f"mapping: {at}: `otherwise` is of a `map`")
    return source


def _check_use(name: str, source: Source, at: str) -> None:
    for option, names, what in (
        (source.unit, TIMES, "times"), (source.number, NUMBERS, "numbers"), (source.split, LISTS, "lists"),
    ):  # fmt: skip
        if option is not None and name not in names:
            raise ConfigError(f"mapping: {at}: this is of {what}: {', '.join(sorted(names))}")


def _check_types(source: Source, at: str) -> None:
    """What `event_type` can become is a type of ours or a name of its own, and none that is nearly ours, as far as the mapping itself says it."""
    said = [source.value] if source.value is not UNSET else [*(source.map or {}).values()]
    if source.otherwise is not UNSET:
        said.append(source.otherwise)
    for one in said:
        if not isinstance(one, str) or not (0 < len(one) <= EVENT_NAME_LENGTH_MAX and is_name(one)):
            raise ConfigError(f"mapping: {at}: `{one}` is no name of an event")
        if one not in EVENT_TYPES and meant_type(one, SENT_TYPES) is not None:
            raise ConfigError(f"mapping: {at}: {unknown_in_words(one)}")


def _values(value: Any, at: str) -> frozenset[Any]:
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in values):
        raise ConfigError(f"mapping: {at}: a value, or a list of values, is wanted")
    return frozenset(values)


def _path(path: str, at: str) -> str:
    if not PATH.fullmatch(path):
        raise ConfigError(f"mapping: {at}: {path[:80]!r} is no path, such as context.page.path or products[].sku")  # fmt: skip
    return path


def _last(path: str) -> str:
    return re.sub(r"\[\d*\]", "", path).rpartition(".")[2]
