"""The topics under a replay's prefix: whether they are free, what-if controls, how far the store is."""

from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from jobs.learning.trust import Sign, unsigned
from jobs.publish import Log
from log.clients import open_admin_of, open_consumer_of
from log.kafka import ANSWER_S, create_topics, ends_of, read_to_end, topics_of
from log.roles import OUTCOMES_GROUP, STORE_GROUP
from log.store_address import open_redis
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, OUTCOMES, TRACES, TopicSpec, topics

BELL: Final = "resumed_"
"""See ReplayRange.bell."""
KEYS: Final = 1_000
GROUPS: Final = {DECISIONS: STORE_GROUP, OUTCOMES: OUTCOMES_GROUP}
"""Of the store writer's consumers, by what they read."""
OUTPUTS: Final = (DECISIONS, TRACES, DEAD_LETTERS)


def topics_under(kafka: str, prefix: str) -> list[str]:
    """Those of our topics that are there under this prefix."""
    known = topics_of(kafka)
    ours = [spec.name for spec in topics(prefix) if spec.name in known]
    return ours + sorted(name for name in known if _is_bell(name, prefix))


def ring(kafka: str, prefix: str, number: int) -> str:
    """An empty topic under the prefix that no run of the replay has seen; those of earlier runs go."""
    delete_topics(kafka, [name for name in topics_under(kafka, prefix) if _is_bell(name, prefix)])
    bell = f"{prefix}{BELL}{number}"
    create_topics(kafka, [TopicSpec(bell, 1, {})])
    return bell


def _is_bell(name: str, prefix: str) -> bool:
    return name.startswith(prefix + BELL) and name.removeprefix(prefix + BELL).isdigit()


def check_free(kafka: str, prefix: str) -> None:
    """Raises ConfigError where there is anything under the prefix: a replay's topics hold nothing else."""
    for topic, ends in ends_of(kafka, topics_under(kafka, prefix)).items():
        if any(ends.values()):
            raise ConfigError(
                f"the prefix {prefix} is in use: {topic} holds {counted(sum(ends.values()), 'record')}; "
                f"take another, or remove what is there: `kairos replay drop {prefix}`"
            )


def delete_topics(kafka: str, names: list[str]) -> None:
    """Deletes topics with all they hold."""
    admin = open_admin_of(kafka)
    for name, answer in admin.delete_topics(names).items() if names else ():
        try:
            answer.result()
        except KafkaException as error:
            raise ConfigError(f"Kafka does not delete {name}: {error.args[0].str()}") from error


def records_under(kafka: str, prefix: str) -> dict[str, int]:
    """How many records each output holds."""
    ends = ends_of(kafka, [prefix + name for name in OUTPUTS])
    return {name: sum(ends[prefix + name].values()) for name in OUTPUTS}


def write_controls(
    kafka: str, source_prefix: str, prefix: str, instead: list[Control], sign: Sign = unsigned
) -> None:
    """The log's controls under the prefix, but `instead` of all others of their kind; done twice, as once."""
    create_topics(kafka, [one for one in topics(prefix) if one.name == prefix + CONTROL_TOPIC])
    log = Log(kafka, prefix, sign=sign)
    replaced = {kind_of(one) for one in instead}
    for record in read_to_end(kafka, [source_prefix + CONTROL_TOPIC]):
        if kind_of(_control(record.value)) not in replaced:
            log.raw(CONTROL_TOPIC, record.key, record.value, record.timestamp_ms)
    for control in instead:
        log.control(control)
    log.flush()


def kind_of(control: Control | None) -> str | None:
    """`policy`, or which model; None of what cannot be read."""
    if control is None:
        return None
    return f"{control.kind} {control.name}" if control.kind == "model" else control.kind


def _control(value: bytes) -> Control | None:
    try:
        return CONTROL.decode(value)
    except InvalidEvent:
        return None


def drop_keys(redis: str, store_prefix: str) -> int:
    """Removes every key under the prefix from the store, and says how many."""
    client = open_redis(redis)
    return sum(int(client.unlink(key)) for key in client.scan_iter(f"{store_prefix}:*", KEYS))


def store_lag(kafka: str, prefix: str, store_prefix: str, of: str = DECISIONS) -> int:
    """How many decisions, or records of another topic `of` GROUPS, under the prefix the store writer has not confirmed."""
    topic = prefix + of
    ends = ends_of(kafka, [topic])[topic]
    group = f"{prefix}{GROUPS[of]}{store_prefix}"
    consumer = open_consumer_of(kafka, group=group)
    try:
        places = consumer.committed([TopicPartition(topic, at) for at in ends], ANSWER_S)
    finally:
        consumer.close()
    return sum(ends[place.partition] - max(0, place.offset) for place in places)
