"""What runs and where: `kairos status`, and the addresses for commands that need a running engine."""

from typing import Final, NotRequired, TypedDict

from redis import RedisError

from jobs.config import Config
from jobs.metrics import is_running, read_counts
from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.state import read_state
from jobs.stack.status import statuses
from schemas.decisions import Decision
from schemas.errors import ConfigError
from scripts.stores import store_of

SERVICES: Final = ("kafka", "redis", "flink", "learn", "store", "api")
JOBS: Final = {"flink": "decide", "learn": "learn"}
"""The kind of job that runs in a service."""


COUNTED: Final = (
    "events", "decisions", "dead_letters", "knowledge_refused", "epochs_late", "conditions_failed",
)  # fmt: skip
"""What an operator looks at first; the rest is in Flink's metrics."""


class ServiceStatus(TypedDict):
    """`state` is up or down; a job that is up says what it has counted since its start."""

    state: str
    address: str | None
    counts: NotRequired[dict[str, int]]


def status(config: Config) -> dict[str, ServiceStatus]:
    """Every service by name. The API comes with a later version and is down until then."""
    found = statuses(config.home)
    result: dict[str, ServiceStatus] = {}
    for name in SERVICES:
        one = found.get(name)
        is_up = one is not None and one.state == "up"
        address = one.address if one is not None else None
        if name in JOBS and is_up:
            is_up = address is not None and is_running(address, JOBS[name])
        if name == "store" and is_up:
            is_up = _has_writer(config)
        result[name] = {"state": "up" if is_up else "down", "address": address}
        if name in JOBS and is_up and address is not None:
            counts = read_counts(address, JOBS[name])
            result[name]["counts"] = {one: counts[one] for one in COUNTED if counts[one]}
    return result


def running_kafka(config: Config) -> str:
    """Kafka's address; ConfigError if none answers."""
    address = config.kafka or _address(config, "kafka")
    if address is None or not is_kafka_healthy(address):
        raise ConfigError(
            f"Kafka does not answer{f' at {address}' if address else ''}: "
            "`kairos up` starts it, or KAIROS_KAFKA names yours"
        )
    return address


def stored_at_ms(config: Config, decision: Decision) -> int | None:
    """When the store took the decision, if it is still the one that is shown."""
    address = config.redis or _address(config, "redis")
    if address is None:
        return None
    try:
        return store_of(config, address).stored_at_ms(decision)
    except RedisError:
        return None


def _has_writer(config: Config) -> bool:
    address = config.redis or _address(config, "redis")
    try:
        return address is not None and store_of(config, address).has_writer()
    except RedisError:
        return False


def _address(config: Config, name: str) -> str | None:
    state = read_state(config.home)
    found = (one.address for one in state.services if one.name == name) if state else iter(())
    return next(found, None)
