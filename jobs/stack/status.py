"""What answers in a home folder, asked from any process."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.restarts import Ending
from jobs.stack.state import Service, State, is_alive, read_state
from jobs.stack.valkey import is_valkey_healthy
from schemas.errors import ConfigError

_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "kafka": is_kafka_healthy,
    "redis": is_valkey_healthy,
}


class Status(NamedTuple):
    """Whether a service is up, where it answers, its process where it is embedded, and how it fared.

    A service is failing that ended so often that it is tried only now and then.
    """

    state: Literal["up", "down", "failing"]
    address: str | None
    pid: int | None
    restarts: int = 0
    ending: Ending | None = None
    settings_file: str | None = None


def statuses(home: Path) -> dict[str, Status]:
    """Every service of the last stack in this home, by name; empty where there never was one."""
    state = read_state(home)
    if state is None:
        return {}
    is_kept = is_alive(state.owner)
    return {one.name: _status(state, one, is_kept) for one in state.services}


def _answers(check: Callable[[str], bool], address: str) -> bool:
    try:
        return check(address)
    except ConfigError:  # its file is gone, or open to others: nobody gets in
        return False


def _status(state: State, service: Service, is_kept: bool) -> Status:
    pid = service.process.pid if service.process else None
    lives = service.process is None or is_alive(service.process)
    check = _CHECKS.get(service.name)
    if check is not None and lives and (address := state.address_of(service.name)) is not None:
        lives = _answers(check, address)
    failing: Literal["failing", "down"] = "failing" if service.is_failing and is_kept else "down"
    return Status(
        "up" if lives else failing, service.address, pid, service.restarts, service.ending,
        service.settings_file,
    )  # fmt: skip
