"""Ports of this machine, and who is about to take them."""

import os
import re
import socket
import subprocess
import sys

import pytest

from jobs.config import PROJECT
from jobs.stack.ports import (
    LOOPBACK,
    check_free,
    claim_ports,
    free_port,
    is_free,
    port_of,
    preferred_port,
)
from schemas.errors import ConfigError

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
        with pytest.raises(ConfigError, match=rf"taken: port {port} \(kafka\); stop"):
            claim_ports({"kafka": port})
        other.stdin.close()
        other.wait(10)
    assert preferred_port(port) == port, "who ended wants none any more"
    assert preferred_port(port) == port, "and one process may choose its own again"


def test_a_port_that_is_wanted_and_taken_is_an_error_with_the_way_out() -> None:
    with socket.create_server((LOOPBACK, 0)) as one, socket.create_server((LOOPBACK, 0)) as two:
        ports = [server.getsockname()[1] for server in (one, two)]
        wanted = {"kafka": ports[0], "flink": free_port(), "learn": 0, "api": ports[1]}
        with pytest.raises(ConfigError) as raised:
            claim_ports(wanted)
        said = re.sub(r" by [^,;]+, pid (\d+)", r" by \1", str(raised.value))
        me = os.getpid()
        assert said == (
            f"taken: port {ports[0]} (kafka) by {me}, port {ports[1]} (api) by {me}; stop what listens there, "
            "or choose another one: KAIROS_PORTS=kafka=PORT KAIROS_API_PORT=PORT (0: any free one)"
        )
        with pytest.raises(ConfigError, match=f"port {ports[1]}"):
            port_of("api", ports[1], last=free_port())
        assert port_of("kafka", 0, last=ports[0]) not in ports, "any free one"
    claim_ports(wanted)
    assert port_of("kafka", 0, last=ports[0]) == ports[0], "a home keeps its addresses"
    assert port_of("kafka", ports[0]) == ports[0]


def test_one_port_is_not_for_two() -> None:
    with pytest.raises(ConfigError, match=r"port 7 is wanted for flink and for api: KAIROS_PORTS="):
        check_free({"flink": 7, "kafka": 8, "api": 7})
