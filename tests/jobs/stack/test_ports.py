"""Ports of this machine, and who is about to take them."""

import subprocess
import sys

from jobs.config import PROJECT
from jobs.stack.ports import free_port, is_free, preferred_port

CLAIMS = (
    "import sys; from jobs.stack.ports import preferred_port; "
    "print(preferred_port(int(sys.argv[1])), flush=True); sys.stdin.read()"
)


def test_two_stacks_that_start_at_once_choose_other_ports() -> None:
    port = free_port()
    words = [sys.executable, "-c", CLAIMS, str(port)]
    with subprocess.Popen(
        words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert int(other.stdout.readline()) == port
        assert is_free(port), "nothing listens there yet"
        assert preferred_port(port) != port
        other.stdin.close()
        other.wait(10)
    assert preferred_port(port) == port, "who ended wants none any more"
    assert preferred_port(port) == port, "and one process may choose its own again"
