"""The settings of topics that are there: where they are not those of the table, and how they become so."""

from collections.abc import Container, Iterable, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from log.bounds import bounds
from log.clients import open_admin_of
from log.kafka import ANSWER_S, messages_of
from schemas.errors import ConfigError
from schemas.topics import (
    ARRIVAL,
    CLEANUP,
    COMPACTION_LAG_MS,
    FOR_EVER,
    NEVER,
    RETENTION_MS,
    TIMESTAMPS,
    TopicSpec,
)


class Difference(NamedTuple):
    """A setting of a topic, by Kafka's own names, that is not as the table has it."""

    topic: str
    setting: str
    found: str
    wanted: str


def settings_of(kafka: str, topics: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """By topic that is there: the broker's settings of it, by Kafka's own names. Raises ConfigError where Kafka does not tell."""
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    found = {}
    admin = open_admin_of(kafka)  # kept until all has been answered, which goes with it
    for resource, answer in admin.describe_configs(asked, request_timeout=ANSWER_S).items():
        try:
            settings = answer.result()
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue
            raise ConfigError(
                f"Kafka does not tell the settings of {resource.name}: {reason.str()}"
            ) from error
        found[resource.name] = {name: one.value for name, one in settings.items()}
    return found


def retention_ms_of(kafka: str, topics: Iterable[str]) -> dict[str, int | None]:
    """By topic that is there: for how long after its time a record is kept; None = for ever. Raises ConfigError."""
    found: dict[str, int | None] = {}
    for name, settings in settings_of(kafka, topics).items():
        held = settings[RETENTION_MS]
        found[name] = None if held is None or held == FOR_EVER else int(held)
    return found


def differences(kafka: str, specs: Sequence[TopicSpec]) -> list[Difference]:
    """Of the topics that are there; raises ConfigError where Kafka does not tell."""
    held = settings_of(kafka, [spec.name for spec in specs])
    found = [
        Difference(spec.name, name, held[spec.name].get(name) or "", value)
        for spec in specs
        if spec.name in held
        for name, value in spec.settings.items()
        if held[spec.name].get(name) != value
    ]
    return sorted(found)


def bring_to(
    kafka: str, specs: Sequence[TopicSpec], now_ms: int, only: Container[str] | None = None
) -> list[Difference]:
    """Gives the topics that are there the settings of the table, of these names `only`; what was changed. Raises ConfigError.

    A topic's retention, or how long it is not compacted, is not shortened while it holds records that bear the time of
    their event and may have come later than that allows: they would be gone at once, however new they are.
    """
    by_name = {spec.name: spec for spec in specs}
    changed = [
        one
        for one in differences(kafka, specs)
        if (only is None or one.setting in only)
        and _may_bound(kafka, by_name[one.topic], one, now_ms)
    ]
    admin = open_admin_of(kafka)
    for topic in {one.topic: None for one in changed}:
        _alter(admin, topic, [one for one in changed if one.topic == topic])
    return changed


def _alter(admin: AdminClient, topic: str, changes: Sequence[Difference]) -> None:
    entries = [
        ConfigEntry(one.setting, one.wanted, incremental_operation=AlterConfigOpType.SET)
        for one in changes
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    for answer in admin.incremental_alter_configs([resource], request_timeout=ANSWER_S).values():
        try:
            answer.result()
        except KafkaException as error:
            raise ConfigError(
                f"Kafka does not change the settings of {topic}: {error.args[0].str()}"
            ) from error


def _may_bound(kafka: str, spec: TopicSpec, change: Difference, now_ms: int) -> bool:
    """Whether what is wanted takes nothing away that came within the time that it is to be kept."""
    if spec.settings.get(TIMESTAMPS) != ARRIVAL:
        return True
    if change.setting == RETENTION_MS:
        wanted, found = change.wanted, change.found or FOR_EVER
    elif change.setting == COMPACTION_LAG_MS:
        wanted, found = change.wanted, change.found or "0"
    elif change.setting == CLEANUP and COMPACTION_LAG_MS in spec.settings:
        wanted, found = spec.settings[COMPACTION_LAG_MS], NEVER
    else:
        return True
    is_longer = wanted in (FOR_EVER, NEVER) or 0 <= int(found) <= int(wanted)
    return is_longer or counts_from_arrival(kafka, spec.name, now_ms - int(wanted))


def counts_from_arrival(kafka: str, topic: str, before_ms: int) -> bool:
    """Whether all records that bear the time of their event came before `before_ms`.

    Those lie before all that bear the time of their arrival: so if the last record in front of the first one of
    `before_ms` bears its arrival.
    """
    lows, ends = bounds(kafka, topic)
    _, firsts = bounds(kafka, topic, None, before_ms)
    lasts = {at: max(low, firsts[at] - 1) for at, low in lows.items()}
    return all(
        _bears_arrival(kafka, TopicPartition(topic, at, last), ends[at])
        for at, last in lasts.items()
        if last < ends[at]
    )


def _bears_arrival(kafka: str, place: TopicPartition, end: int) -> bool:
    """Whether the first record from a place on does; where there is none there is nothing to be deleted."""
    with closing(messages_of(kafka, place, end)) as messages:
        kinds = [one.timestamp()[0] for one in islice(messages, 1)]
    return kinds in ([], [TIMESTAMP_LOG_APPEND_TIME])
