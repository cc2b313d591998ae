"""The topics in one table: partitions, how long each is kept, by which time. Names get the prefix of the deployment.

Retention counts from arrival. Where a record bears the time of its event that drives what reads it (an import may be
years old), so `events`, `items` and `control` are kept for ever; the others bear the time at which the broker appended
them, which drives nothing. Of `knowledge` the newest record of each key is kept for ever, and every one for as long as a
decision or trace may name its epoch.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from schemas.limits import AHEAD_OF_LOG_MAX_MS, DAY_MS, MINUTE_MS

EVENTS: Final = "events"
ITEMS: Final = "items"
CONTROL: Final = "control"
KNOWLEDGE: Final = "knowledge"
DECISIONS: Final = "decisions"
TRACES: Final = "traces"
DEAD_LETTERS: Final = "dead_letters"
OUTCOMES: Final = "outcomes"
ALERTS: Final = "alerts"

RETENTION_MS: Final = "retention.ms"
CLEANUP: Final = "cleanup.policy"
COMPACTION_LAG_MS: Final = "min.compaction.lag.ms"
TIMESTAMPS: Final = "message.timestamp.type"
ARRIVAL: Final = "LogAppendTime"
FOR_EVER: Final = "-1"
NEVER: Final = str(2**63 - 1)
"""The lag of a topic that is not compacted."""
EVER: Final = "ever"
"""How a setting says that a topic is kept for ever."""
RETENTION_DAYS_MAX: Final = 36_500
SEGMENT_DAYS: Final = 8
"""Kafka deletes whole segments, which it begins once a week: what it holds may be so much older than it is kept, and a
decision names knowledge that came a little before it."""
RECORD_AHEAD_MAX_MS: Final = MINUTE_MS
"""So much later than the broker's clock a record's own time may be."""

Times = Literal["event", "arrival"]
Days = Mapping[str, int | None]
"""By topic, without its prefix: how many days it is kept; None = for ever."""
NO_DAYS: Final[Days] = MappingProxyType({})


class TopicSpec(NamedTuple):
    """A topic as it is created: `settings` are Kafka's own names."""

    name: str
    partitions: int
    settings: dict[str, str]


class Topic(NamedTuple):
    """A line of the table: `days` are how long it is kept unless set, None = for ever; `times`: what a record bears.

    `why_for_ever`: why no setting may bound it. `named_in`: compacted, but for what records of these topics may name.
    """

    name: str
    partitions: int
    days: int | None
    times: Times
    why_for_ever: str = ""
    named_in: tuple[str, ...] = ()


TABLE: Final = (
    # Its record times are the watermark, so a bound goes by them: docs/decisions.md says what that means.
    Topic(EVENTS, 4, None, "event"),
    Topic(ITEMS, 1, None, "event", "a replay needs every version of an item"),
    Topic(CONTROL, 1, None, "event", "a replay needs every policy and model"),
    Topic(
        KNOWLEDGE,
        1,
        None,
        "arrival",
        "it is compacted where no decision and no trace is left that names it",
        (DECISIONS, TRACES),
    ),
    # As long as a person's purchases are remembered: what led to one can be told.
    Topic(DECISIONS, 4, 400, "arrival"),
    # Most of all bytes; `explain` and the audits want them for what is asked about, the last weeks.
    Topic(TRACES, 4, 90, "arrival"),
    Topic(DEAD_LETTERS, 1, 90, "arrival"),
    # As long as the decisions that they came of.
    Topic(OUTCOMES, 4, 400, "arrival"),
    # As long as the outcomes that they are of.
    Topic(ALERTS, 1, 400, "arrival"),
)

# Records may be as old as they like, but none may be from the future, or one would move the watermark for all.
_TIMES: Final[dict[Times, dict[str, str]]] = {
    "event": {
        TIMESTAMPS: "CreateTime",
        "message.timestamp.before.max.ms": str(2**63 - 1),
        "message.timestamp.after.max.ms": str(RECORD_AHEAD_MAX_MS),
    },
    "arrival": {TIMESTAMPS: ARRIVAL},
}


def topics(prefix: str = "", days: Days = NO_DAYS) -> tuple[TopicSpec, ...]:
    """The table with every name prefixed; `days` instead of its own, as `retention_from` gives them."""
    return tuple(
        TopicSpec(prefix + one.name, one.partitions, _cleanup(one, days) | _TIMES[one.times])
        for one in TABLE
    )


def retention_from(text: str) -> dict[str, int | None]:
    """What a setting like `decisions=30,events=ever` says; raises ValueError."""
    table, found = {one.name: one for one in TABLE}, {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, days = (word.strip() for word in part.partition("="))
        if name not in table or name in found:
            raise ValueError(
                f"TOPIC=DAYS or TOPIC={EVER} is wanted, with commas between, each topic once: {part!r}"
            )
        if days != EVER and table[name].why_for_ever:
            raise ValueError(f"{name} is kept for ever: {table[name].why_for_ever}")
        if days != EVER and not (days.isdecimal() and 1 <= int(days) <= RETENTION_DAYS_MAX):
            raise ValueError(f"a whole number of days from 1 to {RETENTION_DAYS_MAX}: {part!r}")
        found[name] = None if days == EVER else int(days)
    return found


def earliest_record_ms(event_time_ms: int) -> int:
    """No record of what was decided on an event of this time bears an earlier time than this.

    A lower bound only: of an import the event may be years older than its arrival. An event may be ahead of its
    own record, and that record of the broker's clock.
    """
    return max(0, event_time_ms - AHEAD_OF_LOG_MAX_MS - RECORD_AHEAD_MAX_MS)


def _cleanup(topic: Topic, days: Days) -> dict[str, str]:
    kept = {one.name: days.get(one.name, one.days) for one in TABLE}
    retention = {RETENTION_MS: _ms(kept[topic.name], FOR_EVER)}
    if not topic.named_in:
        return {CLEANUP: "delete"} | retention
    named = [kept[name] for name in topic.named_in]
    longest = None if topic.name in days or None in named else max(filter(None, named))
    lag = _ms(None if longest is None else longest + SEGMENT_DAYS, NEVER)
    return {CLEANUP: "compact", COMPACTION_LAG_MS: lag} | retention


def _ms(days: int | None, ever: str) -> str:
    return ever if days is None else str(days * DAY_MS)


TOPICS: Final = topics()
