"""What a policy says of events by their names, compiled, with every mistake in it."""

from collections.abc import Iterator
from typing import Final

from schemas.events import EVENT_TYPES, SENT_TYPES
from schemas.meant_types import meant_type
from schemas.own_events import KEEPS_MEANING, NEVER_IGNORED, ROLES, DeclaredFact, NamedEvent
from schemas.policy import Policy
from udfs.policy.compiled_events import (
    EVENT_READS,
    OWN_FIELDS,
    CompiledEvent,
    CompiledFact,
    OwnEvents,
    compiled_fact,
)
from udfs.policy.compiled_policy import Mistake, Path
from udfs.policy.conditions import STRING, Condition
from udfs.policy.gather_parts import Gathered
from udfs.policy.page_categories import Template, fault_in, template_of

EVENT_TYPES_READ: Final = {name: kind for name, (kind, _) in EVENT_READS.items()}
NO_CONVERSIONS: Final = frozenset(
    {
        "clock_ticked", "erasure_requested", "purchase_refunded", "session_ended", "feedback_given", "product_added_to_cart",
        *(one for one in EVENT_TYPES if one.startswith("decision_")),
    }
)  # fmt: skip
"""Types that are outcomes of another kind, or nothing that a person does."""
TEXT_FIELDS: Final = frozenset(
    one for one in OWN_FIELDS - {"value"} if EVENT_READS[f"event.{one}"][0] == STRING
)
"""Of what a fact may be of, what is never a number."""


def compile_events(policy: Policy, gathered: Gathered) -> OwnEvents:
    """All that the policy says of names."""
    events: dict[str, tuple[CompiledEvent, ...]] = {}
    ended: set[str] = set()
    for at, one in enumerate(policy.events):
        _check_event(one, ("events", at), one.name in ended, gathered)
        when = gathered.condition(one.when, ("events", at, "when"), EVENT_TYPES_READ)
        compiled = CompiledEvent(one.role, when, tuple(sorted(one.fields.items())))
        events[one.name] = (*events.get(one.name, ()), compiled)
        if one.when is None:
            ended.add(one.name)
    facts = [_compiled(one, ("facts", at), gathered) for at, one in enumerate(policy.facts)]
    _check_columns(policy, gathered)
    _check_asking(policy, gathered)
    return OwnEvents(
        events,
        {name: tuple(_of_event(facts, name)) for name in {one.fact.event for one in facts}},
        {f"fact.{one.fact.name}": one for one in facts},
        {one.fact.column: one for one in facts if one.fact.column is not None},
        frozenset(one.key for one in facts),
        policy.own_names,
        policy.strict_events,
        tuple(_ignored(policy, gathered)),
        NEVER_IGNORED
        | {one.name for one in policy.events if one.role and ROLES[one.role] in NEVER_IGNORED},
        tuple(_pages(policy, gathered)),
    )


def _ignored(policy: Policy, gathered: Gathered) -> Iterator[Condition]:
    for at, one in enumerate(policy.ignored):
        when = gathered.condition(one, ("ignored", at), EVENT_TYPES_READ)
        if when is not None:
            yield when


def _pages(policy: Policy, gathered: Gathered) -> Iterator[Template]:
    for at, one in enumerate(policy.page_categories):
        fault = fault_in(one)
        if fault:
            gathered.wrong(("page_categories", at), f"{one!r}: {fault}")
        else:
            yield template_of(one)


def _of_event(facts: list[CompiledFact], name: str) -> Iterator[CompiledFact]:
    """The facts of an event, each meaning once: two names of one fact are kept as one."""
    yield from {one.key: one for one in facts if one.fact.event == name}.values()


def _check_event(one: NamedEvent, path: Path, is_after_all: bool, gathered: Gathered) -> None:
    if one.name in KEEPS_MEANING:
        gathered.wrong((*path, "name"), f"{one.name!r} is what it is: no policy has it mean something else")  # fmt: skip
    if is_after_all:
        gathered.wrong(path, f"an entry of {one.name!r} above it holds always, so this one never does")  # fmt: skip
    if one.fields and one.role is None:
        gathered.wrong((*path, "fields"), "without a role nothing is filled")
    for field, name in one.fields.items():
        gathered.refuse_sensitive([("event.properties", name)], (*path, "fields", field))


def _compiled(one: DeclaredFact, path: Path, gathered: Gathered) -> CompiledFact:
    if one.property is None and one.how != "count":
        gathered.wrong(path, f"`{one.how}` needs a `property`")
    if one.kind == "text" and one.how != "last":
        gathered.wrong((*path, "kind"), "a text is the `last` one only: texts add up to nothing")
    is_number = one.how == "sum" or (one.how == "last" and one.kind == "number")
    if is_number and one.property in TEXT_FIELDS:
        gathered.wrong((*path, "property"), f"{one.property!r} is a text, and a number is wanted")
    if one.property is not None:
        gathered.refuse_sensitive([("event.properties", one.property)], (*path, "property"))
    when = gathered.condition(one.when, (*path, "when"), EVENT_TYPES_READ)
    return compiled_fact(one, when)


def _check_columns(policy: Policy, gathered: Gathered) -> None:
    taken: dict[int, str] = {}
    for at, one in enumerate(policy.facts):
        if one.column is None:
            continue
        if one.column in taken:
            path = ("facts", at, "column")
            gathered.wrong(path, f"the column {one.column} is {taken[one.column]!r}'s")
        taken.setdefault(one.column, one.name)


def _check_asking(policy: Policy, gathered: Gathered) -> None:
    """A placement is asked for by types of ours, and by names that the policy says something of; likewise what is a conversion."""
    known = EVENT_TYPES | policy.own_names
    for at, placement in enumerate(policy.placements):
        for number, name in enumerate(placement.event_types):
            path = ("placements", at, "event_types", number)
            gathered.known(name, known, "type of event or entry of `events`", path)
    for number, name in enumerate(policy.outcomes.conversions):
        place: Path = ("outcomes", "conversions", number)
        gathered.known(name, known - NO_CONVERSIONS, "type of event or entry of `events`", place)


def doubtful_names(policy: Policy) -> Iterator[Mistake]:
    """Names of events that facts are made of, which nobody may ever send: nearly ours."""
    named = EVENT_TYPES | {one.name for one in policy.events}
    for at, one in enumerate(policy.facts):
        meant = None if one.event in named else meant_type(one.event, SENT_TYPES)
        if meant is not None:
            path = ("facts", at, "event")
            yield Mistake(path, f"{one.event!r} is none of our types: is {meant!r} meant?")
