"""How long the topics that are there keep their records, as the broker has it."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigResource

from log.clients import open_admin_of
from log.kafka import ANSWER_S
from schemas.errors import ConfigError
from schemas.topics import FOR_EVER, RETENTION_MS


def retention_ms_of(kafka: str, topics: Iterable[str]) -> dict[str, int | None]:
    """By topic that is there: for how long after its time a record is kept; None = for ever. Raises ConfigError."""
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    found: dict[str, int | None] = {}
    admin = open_admin_of(kafka)  # kept until all has been answered, which goes with it
    for resource, answer in admin.describe_configs(asked, request_timeout=ANSWER_S).items():
        try:
            held = answer.result()[RETENTION_MS].value
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue
            raise ConfigError(
                f"Kafka does not tell the settings of {resource.name}: {reason.str()}"
            ) from error
        found[resource.name] = None if held in (FOR_EVER, None) else int(held)
    return found
