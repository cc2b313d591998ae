import socket

from jobs.stack.ports import LOOPBACK, free_port, is_free, preferred_port


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert preferred_port(port) != port
        other = free_port()
        assert preferred_port(port, other) == other
