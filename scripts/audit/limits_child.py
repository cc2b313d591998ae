"""The child process that counts what a person has spent of limits; it reads beside the API's process.

Wanted (JSON) comes by stdin; Spent goes to stdout.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from jobs.config import config_from
from jobs.event_format import format_of
from jobs.publish import now_ms
from log.range import LogRange
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.limits import PERSON_EXPIRY_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.topics import DECISIONS, EVENTS
from scripts.audit.limits_spent import limits_spent, looked_at
from scripts.ops.bounded import Bounded, in_seconds
from scripts.ops.counting import Place, answer
from udfs.facts.contacts import SHOWS

RECORDS_MAX: Final = 50_000
"""The newest of each of the two topics."""
READING_S: Final = 7.0
"""For each of them."""


class Wanted(Struct, frozen=True):
    """What a policy limits, and a person, in the topics of a Kafka."""

    place: Place
    policy: Policy
    person: str


class Spent(Struct, frozen=True):
    """`is_whole`: all of the log was read, as far back as a person is remembered; else the newest of it."""

    limits: list[dict[str, Any]]
    is_whole: bool


def spent(wanted: Wanted) -> Spent:
    """Counts; raises ConfigError where Kafka does not answer."""
    at_ms = now_ms()
    made, is_all_made = _read(wanted.place, DECISIONS, at_ms)
    decisions = decisions_of(wanted.person, looked_at(wanted.policy), made)
    if not decisions:
        return Spent(limits_spent(wanted.policy, (), (), at_ms), is_all_made and not made.is_cut)
    said, is_all_said = _read(wanted.place, EVENTS, at_ms)
    answers = answers_to(decisions, wanted.person, said)
    is_whole = is_all_made and is_all_said and not (made.is_cut or said.is_cut)
    return Spent(limits_spent(wanted.policy, decisions, answers, at_ms), is_whole)


def decisions_of(
    person: str, actions: Iterable[str], records: Iterable[LogRecord]
) -> list[Decision]:
    """The person's decisions for one of the actions."""
    known = frozenset(actions)
    found = []
    for one in records:
        decision = _decoded(one) if one.key == person else None
        if decision is not None and decision.action_id in known:
            found.append(decision)
    return found


def answers_to(
    decisions: Iterable[Decision], person: str, records: Iterable[LogRecord]
) -> list[Event]:
    """Exposures, clicks and dismissals of these decisions by this person."""
    made = {one.decision_id: one for one in decisions}
    sessions = {one.session_id for one in made.values()}
    is_named = re.compile(b"|".join(re.escape(one.encode()) for one in made)).search
    decode = format_of(config_from()).decode
    found = []
    for record in records:
        if not is_named(record.value):
            continue
        try:
            one = decode(record.value)
        except InvalidEvent:
            continue  # as everywhere
        is_theirs = one.session_id in sessions or person in (one.person_id, one.anonymous_id)
        if one.event_type in SHOWS and is_theirs:
            found.append(one)
    return found


def _read(place: Place, topic: str, at_ms: int) -> tuple[Bounded, bool]:
    log = LogRange(place.brokers, place.prefix + topic, at_ms - PERSON_EXPIRY_MS, None)
    is_whole = log.keep_newest(RECORDS_MAX)
    return Bounded(log, in_seconds(READING_S)), is_whole


def _decoded(record: LogRecord) -> Decision | None:
    try:
        return DECISION.decode(record.value)
    except InvalidEvent:
        return None


if __name__ == "__main__":
    answer(Wanted, spent)
