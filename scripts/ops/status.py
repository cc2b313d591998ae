"""What runs and where: `kairos status`, and the addresses for commands that need a running engine."""

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, NotRequired, TypedDict, cast

from redis import RedisError

from jobs.config import Config
from jobs.flink.counted import is_running, read_counts
from jobs.flink.rest import rest_of
from jobs.publish import now_ms
from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.local_cluster import local_address
from jobs.stack.state import read_state
from jobs.stack.status import SILENT, Status, statuses, why_not_started
from schemas.counted import counted
from schemas.decisions import Decision
from schemas.errors import NotUp
from schemas.events import granted_in_words, purposes_from
from scripts.console import show, show_json, show_table, stdout
from scripts.ops.engine import is_api_alive
from scripts.ops.home_note import read_note
from scripts.ops.homes import elsewhere
from scripts.ops.stores import store_of

SERVICES: Final = ("kafka", "redis", "flink", "learn", "store", "api")
WATCH_S: Final = 2.0
JOBS: Final = {"flink": "decide", "learn": "learn"}
"""The kind of job that runs in a service."""


COUNTED: Final = (
    "events", "decisions", "dead_letters", "events_without_role", "events_ignored", "amounts_without_rate", "knowledge_refused", "epochs_late", "conditions_failed",
)  # fmt: skip
"""What an operator looks at first; the rest is in Flink's metrics."""
DEAD_SHARE_MAX: Final = 0.01
"""Of what came in since the job's start: more that could not be used raises an alarm, as in docker/prometheus-rules.yaml."""
DEAD_MIN: Final = 10
"""Fewer dead letters raise none: at the start one is a large share."""


KCAT: Final = "kcat -F {file} -b {address} -L"
REDIS_CLI: Final = 'REDISCLI_AUTH="$(cat {file})" valkey-cli -h {host} -p {port} ping'
"""Lines that connect; no password is on a command line, where others of the machine would see it."""


class ServiceStatus(TypedDict):
    """`state` is up, down, or failing: ended so often that it is tried only now and then.

    What is not up has its `cause`, and since when where that is known. `log`: what a service of ours writes to.
    `settings_file`: what a client needs beside the address: Kafka's settings by the client's names, the store's password.
    A job that is up says what it has counted since its start, what of that wants looking at (`alarms`), and what it grants where nothing is said of consent;
    what ended by itself, how often, when and why.
    """

    state: str
    address: str | None
    counts: NotRequired[dict[str, int]]
    settings_file: NotRequired[str]
    log: NotRequired[str]
    cause: NotRequired[str]
    since_ms: NotRequired[int]
    assumed_consent: NotRequired[list[str]]
    alarms: NotRequired[list[str]]
    restarts: NotRequired[int]
    ended_ms: NotRequired[int]
    reason: NotRequired[str]


def status(config: Config) -> dict[str, ServiceStatus]:
    """Every service by name."""
    found = statuses(config.home)
    return {name: _service(config, name, found.get(name)) for name in SERVICES}


def _service(config: Config, name: str, one: Status | None) -> ServiceStatus:
    address = one.address if one is not None else None
    is_up = one is not None and one.state == "up"
    if name in JOBS and one is None:
        address = config.flink or local_address(config.home)
        is_up = address is not None
    is_up = is_up and _does_its_work(config, name, address)
    down = one.state if one is not None and one.state == "failing" else "down"
    result = ServiceStatus(state="up" if is_up else down, address=address)
    if not is_up:
        cause, since_ms = _cause(config, name, one, address)
        result["cause"] = cause
        if since_ms is not None:
            result["since_ms"] = since_ms
    if one is not None:
        result |= _known(one)
    if name in JOBS and is_up and address is not None:
        counts = read_counts(rest_of(config, address), JOBS[name])
        result["counts"] = {one: counts[one] for one in COUNTED if counts[one]}
        if found := alarms_of(counts):
            result["alarms"] = found
        noted = read_note(config.home).consent if one is not None else None
        if noted is not None:
            result["assumed_consent"] = sorted(purposes_from(noted))
    return result


def alarms_of(counts: Mapping[str, int]) -> list[str]:
    """What of a job's counts wants looking at, in words."""
    dead, came = counts["dead_letters"], counts["events"] + counts["dead_letters"]
    if dead < DEAD_MIN or dead <= DEAD_SHARE_MAX * came:
        return []
    return [f"{dead / came:.1%} of {came:,} records since its start could not be used: `kairos dead-letters list` says why"]  # fmt: skip


def _does_its_work(config: Config, name: str, address: str | None) -> bool:
    """Whether a service whose process runs does what it is there for."""
    if name in JOBS:
        return address is not None and is_running(rest_of(config, address), JOBS[name])
    if name == "store":
        return _has_writer(config)
    return name != "api" or (address is not None and is_api_alive(address))


def _cause(
    config: Config, name: str, one: Status | None, address: str | None
) -> tuple[str, int | None]:
    if one is None and address is not None:
        words = f"`kairos {JOBS[name]} --cluster {address}` submits it"
        return f"the job does not run there: {words}", None
    if one is None:
        cause, since_ms = why_not_started(config.home)
        return cause + elsewhere(config.home, "status"), since_ms
    return one.cause or SILENT, one.since_ms


def _known(one: Status) -> ServiceStatus:
    """What else its files tell of a service."""
    known: dict[str, Any] = {"settings_file": one.settings_file, "log": one.log}
    if one.ending is not None:
        known |= {
            "restarts": one.restarts, "ended_ms": one.ending.at_ms, "reason": one.ending.reason,
        }  # fmt: skip
    return cast(ServiceStatus, {name: value for name, value in known.items() if value is not None})


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


def is_whole(found: Mapping[str, ServiceStatus]) -> bool:
    """Whether everything is up."""
    return all(one["state"] == "up" for one in found.values())


def show_status(found: Mapping[str, ServiceStatus]) -> None:
    """A line for each service, why what is not up is not, then how to connect to what wants a password."""
    columns = ("service", "state", "address", "since its start", "ended by itself", "log")
    rows = [
        (
            name, one["state"], one["address"] or "",
            ", ".join(f"{count:,} {what}" for what, count in one.get("counts", {}).items()),
            ended_in_words(one), Path(one.get("log", "")).name,
        )
        for name, one in found.items()
    ]  # fmt: skip
    show_table("", columns, rows)
    for line in (*causes(found), *alarms(found), *assumed(found), *ways_in(found)):
        show(line)
    if folders := sorted({str(Path(one["log"]).parent) for one in found.values() if "log" in one}):
        show(f"logs: {', '.join(folders)}; `kairos logs SERVICE` shows one")


def alarms(found: Mapping[str, ServiceStatus]) -> list[str]:
    """A line for each alarm."""
    return [f"{name}: alarm: {one}" for name, service in found.items() for one in service.get("alarms", ())]  # fmt: skip


def assumed(found: Mapping[str, ServiceStatus]) -> list[str]:
    """What the jobs grant where nothing is said of consent, where that is known: one line."""
    granted = {tuple(one["assumed_consent"]) for one in found.values() if "assumed_consent" in one}
    return [f"{granted_in_words(frozenset(one))} (KAIROS_CONSENT)" for one in sorted(granted)]


def causes(found: Mapping[str, ServiceStatus]) -> list[str]:
    """A line for each cause of what is not up: which services, since when, why, and what starts them."""
    names: dict[tuple[str, str, int | None], list[str]] = {}
    for name, one in found.items():
        if "cause" in one:
            names.setdefault((one["cause"], one["state"], one.get("since_ms")), []).append(name)
    lines = [
        f"{', '.join(these)}: {state}{f' since {_moment(since_ms)}' if since_ms else ''}: {cause}"
        for (cause, state, since_ms), these in names.items()
    ]
    is_all = all(one["state"] == "down" for one in found.values())
    return [*lines, "`kairos up` starts it"] if is_all else lines


def watch(config: Config, *, is_json: bool, every_s: float = WATCH_S) -> NoReturn:
    """Shows the status again and again, until Ctrl-C: on a terminal in its place, else one after the other."""
    while True:
        found = status(config)
        if is_json:
            show_json(found)
        else:
            stdout().clear()
            show(_moment(now_ms()))
            show_status(found)
        time.sleep(every_s)


def show_addresses(found: Mapping[str, ServiceStatus]) -> None:
    """What is up, and where it answers, in a line each; then what is assumed of consent."""
    for name, one in found.items():
        show(f"{name:6} {one['state']:5} {one['address'] or ''}")
    for line in assumed(found):
        show(line)


def ended_in_words(one: ServiceStatus) -> str:
    """How often a service ended by itself, when the last time, and why; empty where it did not."""
    if "reason" not in one:
        return ""
    return (
        f"{counted(one['restarts'], 'time')}, last at {_moment(one['ended_ms'])}: {one['reason']}"
    )


def _moment(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1_000))


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
            f"Kafka does not answer{f' at {address}' if address else ''}: `kairos up` starts it, or "
            f"KAIROS_KAFKA names yours{elsewhere(config.home, 'COMMAND')}"
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
