"""Ports of this machine's loopback interface."""

import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from schemas.errors import ConfigError

LOOPBACK: Final = "127.0.0.1"


class Ports(NamedTuple):
    """Where the embedded servers and jobs answer; 0 is any free port."""

    kafka: int = 9092
    redis: int = 6379
    flink: int = 8081
    learn: int = 8082

    def __str__(self) -> str:
        return ",".join(f"{name}={port}" for name, port in self._asdict().items())


ANY_FREE: Final = Ports(0, 0, 0, 0)
API: Final = "api"
"""The service whose port is a setting of its own."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        # As servers do; without it a port stays taken for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nothing listens on; another process may still take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def preferred_port(*wanted: int) -> int:
    """The first of the wanted ports that is free and that no other process of ours is about to take, else any free one."""
    return next((port for port in wanted if is_free(port) and _claim(port)), 0) or free_port()


def port_of(service: str, wanted: int, last: int | None = None) -> int:
    """The port that is wanted; of 0 the last one of this home if it is free, else any free one.

    Raises ConfigError where the wanted one is taken: what is documented or set is never exchanged silently.
    """
    if wanted:
        claim_ports({service: wanted})
        return wanted
    return preferred_port(*(() if last is None else (last,)))


def claim_ports(wanted: Mapping[str, int]) -> None:
    """Keeps these ports, by service, from other processes of ours; 0 is any and passed over.

    Raises ConfigError as `check_free` does.
    """
    check_free(wanted, _claim)


def check_free(
    wanted: Mapping[str, int], is_ours: Callable[[int], bool] = lambda port: True
) -> None:
    """Raises ConfigError that names each of these ports that is taken, what listens there where that can be seen, and the way out."""
    fixed = {service: port for service, port in wanted.items() if port}
    for port in fixed.values():
        if len(same := [service for service, one in fixed.items() if one == port]) > 1:
            raise ConfigError(
                f"port {port} is wanted for {' and for '.join(same)}: {way_out(same)}"
            )
    taken = {
        service: port for service, port in fixed.items() if not (is_free(port) and is_ours(port))
    }
    if taken:
        said = ", ".join(f"port {port} ({service}){_by(port)}" for service, port in taken.items())
        raise ConfigError(
            f"taken: {said}; stop what listens there, or choose another one: {way_out(taken)}"
        )


def way_out(services: Collection[str]) -> str:
    """The settings that give these services other ports."""
    servers = ",".join(f"{one}=PORT" for one in services if one != API)
    settings = [f"KAIROS_PORTS={servers}"] if servers else []
    settings += ["KAIROS_API_PORT=PORT"] if API in services else []
    return f"{' '.join(settings)} (0: any free one)"


def _by(port: int) -> str:
    """Who listens on it, as far as this user may see."""
    import psutil  # only where something is wrong

    with suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
                return f" by {psutil.Process(one.pid).name()}, pid {one.pid}"
    return ""


def _claim(port: int) -> bool:
    """Whether this process is the first of ours to want the port; it is given back when the process ends.

    Between the choice of a port and its use lie seconds: two stacks that start at once would choose the same.
    The name is an abstract socket's, which leaves no file (unix(7)).
    """
    if port in _claims:
        return True
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0kairos-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


_claims: Final[dict[int, socket.socket]] = {}
