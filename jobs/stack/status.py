"""What answers in a home folder, asked from any process."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from jobs.stack.kafka import is_kafka_healthy
from jobs.stack.state import Service, is_alive, read_state
from jobs.stack.valkey import is_valkey_healthy

_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "kafka": is_kafka_healthy,
    "redis": is_valkey_healthy,
}


class Status(NamedTuple):
    """Whether a service is up, where it answers, and its process where it is embedded."""

    state: Literal["up", "down"]
    address: str | None
    pid: int | None


def statuses(home: Path) -> dict[str, Status]:
    """Every service of the last stack in this home, by name; empty where there never was one."""
    state = read_state(home)
    return {one.name: _status(one) for one in state.services} if state else {}


def _status(service: Service) -> Status:
    pid = service.process.pid if service.process else None
    lives = service.process is None or is_alive(service.process)
    check = _CHECKS.get(service.name)
    if check is not None and service.address is not None:
        lives = lives and check(service.address)
    return Status("up" if lives else "down", service.address, pid)
