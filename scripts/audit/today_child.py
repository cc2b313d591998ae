"""The child process that counts what became of every action today; it reads beside the API's process.

Wanted (JSON) comes by stdin; Today goes to stdout.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from jobs.publish import now_ms
from log.range import LogRange
from schemas.codec import TRACE
from schemas.decisions import DecisionTrace
from schemas.errors import InvalidEvent
from schemas.knowledge import ActionKnowledge, learnt_record
from schemas.policy import Policy
from schemas.topics import KNOWLEDGE, TRACES
from scripts.audit.limits_spent import limited
from scripts.audit.today import budgets, fates
from scripts.ops.bounded import Bounded, in_seconds
from scripts.ops.counting import Place, answer
from scripts.policy.action_words import limits_in_words
from udfs.calendars import local_day

TRACES_MAX: Final = 10_000
LEARNT_MAX: Final = 100_000
"""The newest of each topic; what was shown of an action before these is not found."""
READING_S: Final = 7.0
"""For each of the two topics."""


class Wanted(Struct, frozen=True):
    """The actions of a policy, in the topics of a Kafka."""

    place: Place
    policy: Policy


class Today(Struct, frozen=True):
    """`is_whole`: every decision since `from_ms` was counted, else the newest; `limits` are those of the policy in words, by action;
    `currency` is that of the budgets. The others are as in `Fates`.
    """

    from_ms: int
    is_whole: bool
    decisions: int
    people: int
    limited_decisions: int
    limited_people: int
    actions: list[dict[str, Any]]
    limits: dict[str, str]
    budgets: list[dict[str, Any]]
    currency: str


def today(wanted: Wanted) -> Today:
    """Counts; raises ConfigError where Kafka does not answer."""
    policy, kafka, prefix = wanted.policy, wanted.place.brokers, wanted.place.prefix
    at_ms = now_ms()
    from_ms = local_day(policy.time_zone, at_ms).start_ms
    log = LogRange(kafka, prefix + TRACES, from_ms, None)
    is_whole = log.keep_newest(TRACES_MAX)
    traces = Bounded(log, in_seconds(READING_S))
    counted = fates(_traces(traces))
    known = {}
    if any(one.budget for one in policy.actions):
        learnt = LogRange(kafka, prefix + KNOWLEDGE, None, None)
        learnt.keep_newest(LEARNT_MAX)
        known = {one.key: one for one in _learnt(Bounded(learnt, in_seconds(READING_S)))}
    return Today(
        from_ms,
        is_whole and not traces.is_cut,
        *counted,
        {name: limits_in_words(one.limits) for name, one in limited(policy).items()},
        budgets(policy, known, at_ms),
        policy.currency,
    )


def _traces(read: Bounded) -> Iterator[DecisionTrace]:
    """What is no trace is left out, as everywhere."""
    for one in read:
        try:
            yield TRACE.decode(one.value)
        except InvalidEvent:
            continue


def _learnt(read: Bounded) -> Iterator[ActionKnowledge]:
    for one in read:
        try:
            record = learnt_record(one.value, one.timestamp_ms)
        except InvalidEvent:
            continue
        if isinstance(record, ActionKnowledge):
            yield record


if __name__ == "__main__":
    answer(Wanted, today)
