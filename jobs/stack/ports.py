"""Ports of this machine's loopback interface."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


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
