"""Declared: facts that a policy makes of events, of any name (schemas/own_events.py): in this visit and over all of them."""

from math import nan
from typing import Final

from schemas.events import Event
from schemas.limits import AMOUNT_MAX, DECLARED_MAX, DECLARED_PARTS, STATEMENT_LENGTH_MAX
from schemas.numbers import number_in
from schemas.own_events import COLUMNS_DECLARED
from schemas.state.declared import Declared, Part
from schemas.state.person import PersonState
from schemas.state.session import SessionContext, SessionNews
from udfs.facts.fact import Apart, Compute, Kept, Room, feature
from udfs.facts.merging import newest_last
from udfs.facts.splitting import names_apart
from udfs.facts.view import View, bucket
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.policy.compiled_events import (
    ORIGIN_READS,
    OWN_FIELDS,
    CompiledFact,
    OwnEvents,
    holds_of,
)
from udfs.session.count_windows import bucket_at, buckets_in

Value = float | str


def fold_visit(context: SessionContext, event: Event, own_name: str, knowledge: Knowledge) -> None:
    """Adds the event to the visit's facts."""
    _fold(context.declared, "session", event, own_name, knowledge)


def fold_person(state: PersonState, news: SessionNews, knowledge: Knowledge) -> None:
    """Adds the event of the news to the person's facts."""
    if news.event is not None:
        _fold(state.declared, "person", news.event, news.own_name, knowledge)


def _fold(
    kept: dict[str, Declared], of: str, event: Event, own_name: str, knowledge: Knowledge
) -> None:
    in_force = knowledge.policy_at(event.event_time_ms)
    if in_force is None or not in_force.own.facts:
        return
    for one in in_force.own.facts_of(event.event_type, own_name):
        if one.fact.of == of and holds_of(one.when, event, own_name):
            value = _value_of(one, event)
            if value is not None:
                _add(_entry(kept, one.key, in_force.own), one, value, event.event_time_ms)


def _entry(kept: dict[str, Declared], key: str, own: OwnEvents) -> Declared:
    """What is kept under the key, which is the newest then; at the bound goes what the policy does not declare any more."""
    found = kept.pop(key, None)
    if found is None and len(kept) >= DECLARED_MAX:
        del kept[next((one for one in kept if one not in own.keys), next(iter(kept)))]
    kept[key] = found or Declared()
    return kept[key]


def _value_of(one: CompiledFact, event: Event) -> Value | None:
    """What the event says of it: 1 where events are counted whatever they say; None = nothing."""
    name = one.fact.property
    if name is None:
        return 1.0
    said = getattr(event, name) if name in OWN_FIELDS else event.properties.get(name)
    if said is None and name in ORIGIN_READS:
        said = ORIGIN_READS[name](event)
    if said is None or said == "":
        return None
    if one.fact.how == "count":
        return 1.0
    if one.is_text:
        return str(said)[:STATEMENT_LENGTH_MAX]
    number = number_in(said) if isinstance(said, str) else float(said)
    return number if number is not None and abs(number) <= AMOUNT_MAX else None


def _add(kept: Declared, one: CompiledFact, value: Value, time_ms: int) -> None:
    number, text = (None, value) if isinstance(value, str) else (value, "")
    kept.count += 1
    kept.total += number or 0.0
    if (time_ms, number or 0.0, text) >= _newest(kept):
        kept.last_ms, kept.number, kept.text = time_ms, number, text
    if one.part_ms and one.fact.how != "last":
        part = bucket_at(kept.parts, time_ms // one.part_ms, Part, DECLARED_PARTS)
        if part is not None:
            part.count += 1
            part.total += number or 0.0


def _newest(kept: Declared) -> tuple[int, float, str]:
    return kept.last_ms, kept.number or 0.0, kept.text


def read_declared(name: str, m: Moment) -> Value | int | None:
    """The value of `fact.NAME` in a moment; None = missing, as is what its policy does not declare."""
    policy = m.known.policy
    one = policy.own.by_name.get(name) if policy is not None else None
    return None if one is None else value_at(one, m)


def value_at(one: CompiledFact, m: Moment) -> Value | int | None:
    """The value of a declared fact in a moment; None = missing."""
    fact = one.fact
    kept = (m.context if fact.of == "session" else m.state).declared.get(one.key) or Declared()
    if fact.how == "last":
        is_over = fact.within_ms is not None and m.now_ms - kept.last_ms > fact.within_ms
        if not kept.count or is_over:
            return None
        return kept.text if one.is_text else kept.number
    if not one.part_ms:
        return kept.count if fact.how == "count" else kept.total
    parts = list(buckets_in(kept.parts, m.now_ms // one.part_ms, DECLARED_PARTS))
    if fact.how == "count":
        return sum(part.count for part in parts)
    return sum((part.total for part in parts), 0.0)


def merge_declared(one: PersonState, other: PersonState, name: str) -> object:
    """Of each fact the sums of both, the newest value, and of each part of its window the sums."""
    mine, others = getattr(one, name), getattr(other, name)
    found = {key: _merged(mine.get(key), others.get(key)) for key in {*mine, *others}}
    return newest_last(found, {key: kept.last_ms for key, kept in found.items()}, DECLARED_MAX)


def _merged(one: Declared | None, other: Declared | None) -> Declared:
    one, other = one or Declared(), other or Declared()
    newest = max(one, other, key=_newest)
    counted = _summed((1, one), (1, other))
    last = max((part.index for part in counted), default=0)
    return Declared(
        one.count + other.count, one.total + other.total, newest.last_ms, newest.number, newest.text,
        [part for part in counted if part.index > last - DECLARED_PARTS],
    )  # fmt: skip


def _summed(*signed: tuple[int, Declared]) -> list[Part]:
    """The parts of several, added or (-1) taken away: a count is none below nothing, and what is nothing is not there."""
    found: dict[int, Part] = {}
    for sign, one in signed:
        for part in one.parts:
            into = found.setdefault(part.index, Part(part.index))
            into.count += sign * part.count
            into.total += sign * part.total
    return [found[index] for index in sorted(found) if found[index].count > 0]


def split_declared(apart: Apart, name: str) -> object:
    """Of each fact what was there before and what came since."""
    now, joined, own = (getattr(one, name) for one in (apart.now, apart.joined, apart.own))
    return own if now == joined else names_apart(now, joined, own, _left)


def _left(one: Declared, was: Declared | None, mine: Declared | None) -> Declared | None:
    was, mine = was or Declared(), mine or Declared()
    count = one.count - was.count + mine.count
    if count <= 0:
        return None
    last = mine if _newest(one) == _newest(was) else one
    return Declared(
        count, one.total - was.total + mine.total, last.last_ms, last.number, last.text,
        _summed((1, one), (-1, was), (1, mine)),
    )  # fmt: skip


def _column(number: int) -> Compute:
    def column(view: View) -> float:
        policy = view.moment.known.policy
        one = policy.own.by_column.get(number) if policy is not None else None
        value = None if one is None else value_at(one, view.moment)
        if value is None:
            return nan
        return bucket(value) if isinstance(value, str) else float(value)

    return column


FACTS: Final = tuple(
    feature(f"person_declared_{n}", "person", f"the fact to which the policy gives the column {n}", _column(n))
    for n in range(1, COLUMNS_DECLARED + 1)
)  # fmt: skip

ROOM: Final = Room(
    "declared", FACTS, visit=("declared",), person={"declared": Kept(merge_declared, split=split_declared)}
)  # fmt: skip
