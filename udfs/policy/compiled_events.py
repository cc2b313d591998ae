"""What a policy says of events by their names, made ready: roles with conditions over an event, and declared facts."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from schemas.enrich.origins import NO_ORIGIN, Origin, origin_of
from schemas.events import Event
from schemas.limits import DECLARED_PARTS
from schemas.own_events import NEVER_IGNORED, DeclaredFact, Role
from udfs.policy.conditions import (
    DOUBLE,
    INT,
    STRING,
    Condition,
    ConditionFailed,
    Type,
    list_of,
    map_of,
)
from udfs.policy.page_categories import Template


def origin(event: Event) -> Origin:
    """Which medium and source led to the event, as far as it says itself."""
    source, medium = event.properties.get("utm_source"), event.properties.get("utm_medium")
    referrer = event.context.referrer if event.context is not None else None
    return origin_of(referrer, source, medium) if referrer or source or medium else NO_ORIGIN


def _of_context(name: str) -> Callable[[Event], object]:
    read = attrgetter(name)
    return lambda e: read(e.context) if e.context is not None else None


ORIGIN_READS: Final[Mapping[str, Callable[[Event], object]]] = {
    **{one: _of_context(one) for one in ("device", "os", "browser", "country", "city", "referrer", "campaign")},
    "medium": lambda e: origin(e).medium,
    "source": lambda e: origin(e).source,
}  # fmt: skip
"""Where an event came from, as texts."""
EVENT_READS: Final[Mapping[str, tuple[Type, Callable[[Event], object]]]] = {
    "event.name": (STRING, lambda e: e.event_type),
    "event.channel": (STRING, lambda e: e.channel),
    "event.page": (STRING, lambda e: e.page),
    "event.category": (STRING, lambda e: e.category),
    "event.query": (STRING, lambda e: e.query),
    "event.attribute": (STRING, lambda e: e.attribute),
    "event.value": (STRING, lambda e: e.value),
    "event.quantity": (INT, lambda e: e.quantity),
    "event.price": (DOUBLE, lambda e: e.price),
    "event.value_amount": (DOUBLE, lambda e: e.value_amount),
    "event.items": (list_of(STRING), lambda e: list(e.item_ids)),
    "event.properties": (map_of(STRING), lambda e: e.properties),
    **{f"event.{name}": (STRING, read) for name, read in ORIGIN_READS.items()},
}
"""What a condition over an event may name."""
OWN_FIELDS: Final = frozenset(
    {"value_amount", "quantity", "price", "value", "query", "category", "page"}
)
"""Fields of an event that a declared fact may be of, under their own names; and of what ORIGIN_READS has, where no property is called so."""
PREFIX: Final = "fact."


class CompiledEvent(NamedTuple):
    """One entry of a name; `fields` are ours with the property that fills each."""

    role: Role | None
    when: Condition | None
    fields: tuple[tuple[str, str], ...]


class CompiledFact(NamedTuple):
    """A declared fact; `key` tells its meaning: what is kept under another one is of another fact. `part_ms`: how long a part of its window is."""

    fact: DeclaredFact
    key: str
    when: Condition | None
    part_ms: int

    @property
    def type(self) -> Type:
        """What it is in conditions."""
        if self.fact.how == "count":
            return INT
        return STRING if self.is_text else DOUBLE

    @property
    def is_text(self) -> bool:
        """Whether its values are texts."""
        return self.fact.how == "last" and self.fact.kind == "text"


class OwnEvents(NamedTuple):
    """All that a policy says of names: entries by name, facts by the event's name and by their own, those with a column by its number.

    `names` are all that it says anything of; those `heard` are never ignored; `pages` tell the category of a page.
    """

    events: Mapping[str, tuple[CompiledEvent, ...]] = {}
    facts: Mapping[str, tuple[CompiledFact, ...]] = {}
    by_name: Mapping[str, CompiledFact] = {}
    by_column: Mapping[int, CompiledFact] = {}
    keys: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    is_strict: bool = False
    ignored: tuple[Condition, ...] = ()
    heard: frozenset[str] = NEVER_IGNORED
    pages: tuple[Template, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether it says anything of names: most policies do not."""
        return bool(self.names or self.is_strict)

    def ignores(self, event: Event) -> bool:
        """Whether the event counts for nothing."""
        return event.event_type not in self.heard and any(
            holds_of(one, event) for one in self.ignored
        )

    def facts_of(self, event_type: str, own_name: str) -> Iterable[CompiledFact]:
        """The facts that such an event may change."""
        if not self.facts:
            return ()
        found = self.facts.get(event_type, ())
        return (*found, *self.facts.get(own_name, ())) if own_name else found


NO_OWN_EVENTS: Final = OwnEvents()


def compiled_fact(fact: DeclaredFact, when: Condition | None) -> CompiledFact:
    """The fact with the key of what it means, which its name and column are no part of."""
    meaning = msgspec.structs.replace(fact, name="any", column=None)
    key = blake2b(msgspec.json.encode(meaning), digest_size=6).hexdigest()
    part_ms = -(-(fact.within_ms or 0) // DECLARED_PARTS)
    return CompiledFact(fact, key, when, part_ms)


def holds_of(when: Condition | None, event: Event, own_name: str = "") -> bool:
    """Whether a condition is true of the event, by the name that it was sent with: what reads something that is missing is not."""
    if when is None:
        return True
    values = {name: EVENT_READS[name][1](event) for name in when.reads}
    if own_name and "event.name" in values:
        values["event.name"] = own_name
    try:
        return when.holds(values)
    except ConditionFailed:
        return False


def fact_types(facts: Iterable[DeclaredFact]) -> dict[str, Type]:
    """What declared facts are in conditions, by the names that these read."""
    return {f"{PREFIX}{one.name}": compiled_fact(one, None).type for one in facts}
