"""What runs and where: `kairos status`, and the addresses for commands that need a running engine."""

import shlex
import time
from collections.abc import Mapping
from typing import Final, NamedTuple, NotRequired, TypedDict

from redis import RedisError

from jobs.config import Config
from jobs.flink.counted import is_running, read_counts
from jobs.flink.rest import rest_of
from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.local_cluster import local_address
from jobs.stack.state import read_state
from jobs.stack.status import statuses
from schemas.decisions import Decision
from schemas.errors import NotUp
from scripts.console import show, show_table
from scripts.ops.engine import is_api_alive
from scripts.ops.stores import store_of

SERVICES: Final = ("kafka", "redis", "flink", "learn", "store", "api")
JOBS: Final = {"flink": "decide", "learn": "learn"}
"""The kind of job that runs in a service."""


COUNTED: Final = (
    "events", "decisions", "dead_letters", "knowledge_refused", "epochs_late", "conditions_failed",
)  # fmt: skip
"""What an operator looks at first; the rest is in Flink's metrics."""


KCAT: Final = "kcat -F {file} -b {address} -L"
REDIS_CLI: Final = 'REDISCLI_AUTH="$(cat {file})" valkey-cli -h {host} -p {port} ping'
"""Lines that connect; no password is on a command line, where others of the machine would see it."""


class ServiceStatus(TypedDict):
    """`state` is up, down, or failing: ended so often that it is tried only now and then.

    `settings_file`: what a client needs beside the address: Kafka's settings by the client's names, the store's password.
    A job that is up says what it has counted since its start; what ended by itself, how often, when and why.
    """

    state: str
    address: str | None
    counts: NotRequired[dict[str, int]]
    settings_file: NotRequired[str]
    restarts: NotRequired[int]
    ended_ms: NotRequired[int]
    reason: NotRequired[str]


def status(config: Config) -> dict[str, ServiceStatus]:
    """Every service by name."""
    found = statuses(config.home)
    result: dict[str, ServiceStatus] = {}
    for name in SERVICES:
        one = found.get(name)
        is_up = one is not None and one.state == "up"
        address = one.address if one is not None else None
        if name in JOBS and one is None:
            address = config.flink or local_address(config.home)
            is_up = address is not None
        if name in JOBS and is_up:
            is_up = address is not None and is_running(rest_of(config, address), JOBS[name])
        if name == "store" and is_up:
            is_up = _has_writer(config)
        if name == "api" and is_up:
            is_up = address is not None and is_api_alive(address)
        down = one.state if one is not None and one.state == "failing" else "down"
        result[name] = {"state": "up" if is_up else down, "address": address}
        if one is not None and one.settings_file is not None:
            result[name]["settings_file"] = one.settings_file
        if one is not None and one.ending is not None:
            result[name] |= ServiceStatus(
                state=result[name]["state"],
                address=address,
                restarts=one.restarts,
                ended_ms=one.ending.at_ms,
                reason=one.ending.reason,
            )
        if name in JOBS and is_up and address is not None:
            counts = read_counts(rest_of(config, address), JOBS[name])
            result[name]["counts"] = {one: counts[one] for one in COUNTED if counts[one]}
    return result


def ways_in(found: Mapping[str, ServiceStatus]) -> list[str]:
    """For each server that wants a password, the line that connects to it."""
    lines = []
    for name, line in (("kafka", KCAT), ("redis", REDIS_CLI)):
        one = found[name]
        if one["address"] is not None and "settings_file" in one and "://" not in one["address"]:
            host, _, port = one["address"].rpartition(":")
            file = shlex.quote(one["settings_file"])
            lines.append(line.format(host=host, port=port, address=one["address"], file=file))
    return lines


def is_failing(found: Mapping[str, ServiceStatus]) -> bool:
    """Whether something ended so often that it is tried only now and then."""
    return any(one["state"] == "failing" for one in found.values())


def show_status(found: Mapping[str, ServiceStatus]) -> None:
    """A line for each service, then how to connect to what wants a password."""
    columns = ("service", "state", "address", "since its start", "ended by itself")
    rows = [
        (
            name, one["state"], one["address"] or "",
            ", ".join(f"{count:,} {counted}" for counted, count in one.get("counts", {}).items()),
            ended_in_words(one),
        )
        for name, one in found.items()
    ]  # fmt: skip
    show_table("", columns, rows)
    for line in ways_in(found):
        show(line)


def show_addresses(found: Mapping[str, ServiceStatus]) -> None:
    """What is up, and where it answers, in a line each."""
    for name, one in found.items():
        show(f"{name:6} {one['state']:5} {one['address'] or ''}")


def ended_in_words(one: ServiceStatus) -> str:
    """How often a service ended by itself, when the last time, and why; empty where it did not."""
    if "reason" not in one:
        return ""
    at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(one["ended_ms"] / 1_000))
    return f"{one['restarts']} times, last at {at}: {one['reason']}"


class ApiTargets(NamedTuple):
    """Where the API finds what it works with; it answers while they are down."""

    kafka: str
    redis: str
    flink: str | None


def api_targets(config: Config) -> ApiTargets:
    """The addresses that are set, or that the last `up` of this home had; NotUp without any."""
    kafka = config.kafka or _address(config, "kafka")
    redis = config.redis or _address(config, "redis")
    if kafka is None or redis is None:
        raise NotUp(
            "it is not known where Kafka and the store are: `kairos up` starts them, or "
            "KAIROS_KAFKA and KAIROS_REDIS name yours"
        )
    return ApiTargets(kafka, redis, config.flink or _address(config, "flink"))


def running_kafka(config: Config) -> str:
    """Kafka's address; NotUp if none answers."""
    address = config.kafka or _address(config, "kafka")
    if address is None or not is_kafka_healthy(address):
        raise NotUp(
            f"Kafka does not answer{f' at {address}' if address else ''}: "
            "`kairos up` starts it, or KAIROS_KAFKA names yours"
        )
    return address


def redis_of(config: Config) -> str:
    """The store's address; NotUp if none is known."""
    address = config.redis or _address(config, "redis")
    if address is None:
        raise NotUp("there is no store: `kairos up` starts one, or KAIROS_REDIS names yours")
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
    return state.address_of(name) if state else None
