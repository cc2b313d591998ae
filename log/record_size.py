"""How large a record may be that a job writes: what the topics take, and never more than RECORD_BYTES_MAX."""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigResource, ResourceType

from log.clients import open_admin_of
from log.kafka import ANSWER_S
from schemas.errors import ConfigError
from schemas.limits import RECORD_BYTES_MAX, RECORD_BYTES_MIN, RECORD_OVERHEAD_BYTES

SETTING: Final = "max.message.bytes"


def record_bytes_max(kafka: str, topics: Iterable[str], least: int = RECORD_BYTES_MIN) -> int:
    """What key and value of a record may have in bytes, by the least `max.message.bytes` of those topics that exist.

    A replay asks for the topics of the live run as well, so that it leaves out what that left out. Where the broker
    does not tell (no right to describe its settings), it is RECORD_BYTES_MAX. ConfigError where a topic takes less than `least`.
    """
    admin = open_admin_of(kafka)
    wanted = [ConfigResource(ResourceType.TOPIC, one) for one in sorted(set(topics))]
    answers = admin.describe_configs(wanted, request_timeout=ANSWER_S)
    found = RECORD_BYTES_MAX
    for resource, answer in answers.items():
        taken = _taken(answer)
        if taken is None:
            continue
        if taken < least:
            raise ConfigError(
                f"topic {resource.name} takes records of {taken} bytes: {SETTING} must be at least "
                f"{least + RECORD_OVERHEAD_BYTES}"
            )
        found = min(found, taken)
    return found


def _taken(answer: "Future[dict[str, Any]]") -> int | None:
    """What a topic takes for key and value; None where it is not there or may not be asked."""
    try:
        return int(answer.result()[SETTING].value) - RECORD_OVERHEAD_BYTES
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() in (
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
        ):
            return None
        raise ConfigError(f"Kafka does not tell {SETTING}: {reason.str()}") from error
