"""The topics in one table: partitions and settings. Names get the prefix of the deployment."""

from typing import Final, NamedTuple

from schemas.limits import DAY_MS

EVENTS: Final = "events"
ITEMS: Final = "items"
CONTROL: Final = "control"
KNOWLEDGE: Final = "knowledge"
DECISIONS: Final = "decisions"
TRACES: Final = "traces"
DEAD_LETTERS: Final = "dead_letters"


class TopicSpec(NamedTuple):
    """A topic as it is created: `settings` are Kafka's own names."""

    name: str
    partitions: int
    settings: dict[str, str]


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)}


# Our producers set the record timestamp to the event time, so retention counts from then on:
# an import of old events would be deleted at once under the design's 30 days. The log of events is
# therefore kept for ever (`kairos archive` copies it); its records may be as old as they
# like, but none may be from the future, or one poisoned record would move the watermark.
_EVENT_TIMES: Final = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "message.timestamp.after.max.ms": "60000",
}
_FOR_EVER: Final = {"cleanup.policy": "delete", "retention.ms": "-1"}

TOPICS: Final = (
    TopicSpec(EVENTS, 4, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(ITEMS, 1, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(CONTROL, 1, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(KNOWLEDGE, 1, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(DECISIONS, 4, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(TRACES, 4, _FOR_EVER | _EVENT_TIMES),
    TopicSpec(DEAD_LETTERS, 1, _FOR_EVER | _EVENT_TIMES),
)


def topics(prefix: str = "", events_days: int | None = None) -> tuple[TopicSpec, ...]:
    """The table with every name prefixed; `events_days` bounds what `events` keeps."""
    return tuple(
        spec._replace(
            name=prefix + spec.name,
            settings=spec.settings | _kept(events_days)
            if events_days is not None and spec.name == EVENTS
            else spec.settings,
        )
        for spec in TOPICS
    )
