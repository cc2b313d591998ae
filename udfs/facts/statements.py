"""Statements: what is stated of a person, and what they prefer, in this visit and over all of them."""

from collections.abc import Iterable
from typing import Final

from schemas.events import CONSENT_SOURCE, Event
from schemas.limits import STATEMENT_LENGTH_MAX, STATEMENTS_MAX, TOPIC_LENGTH_MAX
from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from udfs.facts.fact import Apart, Kept, Room, person
from udfs.facts.keeping import keep, note_newest
from udfs.facts.merging import newest_last, newest_of
from udfs.facts.splitting import names_apart, newest_apart
from udfs.facts.types import INT, STRING, TEXTS
from udfs.moment import Moment

COMPANY_SIZES: Final = ((50, "small"), (250, "medium"))
"""Below so many employees a company is that; from the last number on it is large."""
EMPLOYEES_DIGITS_MAX: Final = 9
TOLD_MAX: Final = 2 * STATEMENTS_MAX
"""Names whose time is kept: also of what was taken back, so that no older profile brings it again."""

EVENTS: Final = frozenset({"profile_updated", "preference_stated"})

Told = Iterable[tuple[str | None, str | None]]


def state_facts(facts: dict[str, str], told: Told) -> None:
    """Sets facts by name, cut to their bounds; an empty value takes the fact back."""
    for name, value in told:
        if name and value is not None and len(name) <= TOPIC_LENGTH_MAX:
            facts.pop(name, None)
            if value:
                keep(facts, name, value[:STATEMENT_LENGTH_MAX], STATEMENTS_MAX)


def told_by(event: Event) -> list[tuple[str | None, str | None]]:
    """Every fact of a `profile_updated` or `preference_stated`: attribute and value, and the properties, but for what an import adds."""
    said = [one for one in event.properties.items() if one[0] != CONSENT_SOURCE]
    return [*said, (event.attribute, event.value)]


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Keeps what this visit tells."""
    if event.event_type == "profile_updated":
        state_facts(context.statements, told_by(event))
    elif event.event_type == "preference_stated":
        state_facts(context.preferences, told_by(event))


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Keeps what is told of the person, and when."""
    if event.event_type == "profile_updated":
        _tell(state.statements, state.statements_ms, told_by(event), event.event_time_ms)
    elif event.event_type == "preference_stated":
        _tell(state.preferences, state.preferences_ms, told_by(event), event.event_time_ms)


def _tell(
    facts: dict[str, str],
    times: dict[str, int],
    told: list[tuple[str | None, str | None]],
    now_ms: int,
) -> None:
    """Of each name what was told last by the event's time holds, in whatever order it comes."""
    told = [one for one in told if times.get(one[0] or "", 0) <= now_ms]
    state_facts(facts, told)
    for name, value in told:
        if name and value is not None and len(name) <= TOPIC_LENGTH_MAX:
            note_newest(times, name, now_ms, TOLD_MAX)


def merge_statements(one: PersonState, other: PersonState, name: str) -> object:
    """Of each name what was told last, were it that it holds no more; at one time the larger text."""
    facts, others = getattr(one, name), getattr(other, name)
    times, other_times = getattr(one, f"{name}_ms"), getattr(other, f"{name}_ms")
    latest: dict[str, tuple[int, str]] = {}
    for told, at in ((facts, times), (others, other_times)):
        for key in {*told, *at}:
            said = at.get(key, 0), told.get(key, "")
            latest[key] = max(latest.get(key, said), said)
    held = {key: value for key, (_, value) in latest.items() if value}
    return newest_last(held, {key: latest[key][0] for key in held}, STATEMENTS_MAX)


def split_statements(apart: Apart, name: str) -> object:
    """Of each name what was told since, else what had been told before."""
    now, joined, own = (_told_of(one, name) for one in (apart.now, apart.joined, apart.own))
    if now == joined:
        return getattr(apart.own, name)
    told = names_apart(now, joined, own, lambda one, _, __: one)
    held = {key: value for key, (_, value) in told.items() if value}
    return newest_last(held, {key: told[key][0] for key in held}, STATEMENTS_MAX)


def _told_of(state: PersonState, name: str) -> dict[str, tuple[int, str]]:
    """Of each name when it was told last and what; nothing where it was taken back."""
    facts, times = getattr(state, name), getattr(state, f"{name}_ms")
    return {key: (times.get(key, 0), facts.get(key, "")) for key in {**times, **facts}}


def employees(m: Moment) -> int | None:
    """The first number in what is stated: "1,000+" and "1 000" are 1000, of "10-50" it is 10."""
    said = m.state.statements.get("employees") or m.state.statements.get("company_size") or ""
    digits = ""
    for letter in said.strip():
        if letter in "0123456789":
            digits += letter
        elif letter not in "., '":
            break
    return int(digits[:EMPLOYEES_DIGITS_MAX]) if digits else None


def company_size(m: Moment) -> str | None:
    """By the number of employees; where none is stated, what is."""
    count = employees(m)
    if count is None:
        return m.state.statements.get("company_size")
    return next((size for below, size in COMPANY_SIZES if count < below), "large")


FACTS: Final = (
    person("profile", TEXTS, "what is stated of the person, by name (`profile_updated`)", lambda m: m.state.statements),
    person("preferences", TEXTS, "what the person prefers, by name (`preference_stated`)", lambda m: m.state.preferences),
    person("loyalty_tier", STRING, "stated loyalty tier", lambda m: m.state.statements.get("loyalty_tier")),
    person("company_size", STRING, "small (below 50 employees), medium (below 250) or large; where no number is stated, what is", company_size),
    person("employees", INT, "number of employees of the person's company, as stated", employees),
    person("industry", STRING, "stated industry of the company", lambda m: m.state.statements.get("industry")),
    person("role", STRING, "stated role in the company", lambda m: m.state.statements.get("role")),
)  # fmt: skip

ROOM: Final = Room(
    "statements", FACTS, on_event=on_event, events=EVENTS, on_person_event=on_person_event, person_events=EVENTS,
    visit=("statements", "preferences"),
    person={
        "statements": Kept(merge_statements, split=split_statements), "statements_ms": Kept(newest_of(TOLD_MAX), split=newest_apart(TOLD_MAX)),
        "preferences": Kept(merge_statements, split=split_statements), "preferences_ms": Kept(newest_of(TOLD_MAX), split=newest_apart(TOLD_MAX)),
    },
)  # fmt: skip
