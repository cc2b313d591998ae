"""What answers in a home folder, asked from any process."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.restarts import Ending
from jobs.stack.state import Service, State, end_of, is_alive, is_held, read_state
from jobs.stack.valkey import is_valkey_healthy
from schemas.errors import ConfigError

_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "kafka": is_kafka_healthy,
    "redis": is_valkey_healthy,
}


SILENT: Final = "its process runs, but does not answer"


class Status(NamedTuple):
    """Whether a service is up, where it answers, its process where it is embedded, and how it fared.

    A service is failing that ended so often that it is tried only now and then. `cause` and `since_ms` are of what is
    not up: why, and from when on, where that is known. `log`: what a service of ours writes to.
    """

    state: Literal["up", "down", "failing"]
    address: str | None
    pid: int | None
    restarts: int = 0
    ending: Ending | None = None
    settings_file: str | None = None
    log: str | None = None
    cause: str | None = None
    since_ms: int | None = None


def statuses(home: Path) -> dict[str, Status]:
    """Every service of the last stack in this home, by name; empty where there never was one."""
    state = read_state(home)
    if state is None:
        return {}
    end = None if is_held(state) else end_of(home, state)
    return {one.name: _status(state, one, end) for one in state.services}


def why_not_started(home: Path) -> tuple[str, int | None]:
    """Why a service is not there that the stack of this home does not have, and since when, where that is known."""
    state = read_state(home)
    if state is None:
        return "nothing was ever started here", None
    if is_held(state):
        return "what runs here has not started it", None
    end = end_of(home, state)
    return end.reason, end.at_ms


def _answers(check: Callable[[str], bool], address: str) -> bool:
    try:
        return check(address)
    except ConfigError:  # its file is gone, or open to others: nobody gets in
        return False


def _status(state: State, service: Service, end: Ending | None) -> Status:
    pid = service.process.pid if service.process else None
    lives = service.process is None or is_alive(service.process)
    check = _CHECKS.get(service.name)
    is_up = lives
    if check is not None and lives and (address := state.address_of(service.name)) is not None:
        is_up = _answers(check, address)
    found = Status(
        "up", service.address, pid, service.restarts, service.ending, service.settings_file,
        service.log,
    )  # fmt: skip
    if is_up:
        return found
    cause, since_ms = _cause(service, lives, end)
    is_failing = service.is_failing and end is None
    return found._replace(state="failing" if is_failing else "down", cause=cause, since_ms=since_ms)


def _cause(service: Service, lives: bool, end: Ending | None) -> tuple[str, int | None]:
    if service.process is None:
        return "nothing answers there, and it is not started here", None
    if lives:
        return SILENT, None
    why = end or service.ending
    return (why.reason, why.at_ms) if why else ("its process is gone", None)
