from pathlib import Path

import pytest

from jobs.stack.causes import TAIL_BYTES, is_port_taken, remedy, root_cause, tail

BIND = """2026-11-21T07:04:48,285 ERROR Exiting Kafka due to fatal exception (Kafka$)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:713)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
\t... 3 more
2026-11-21T07:04:48,300 INFO shutting down (kafka.server.KafkaRaftServer)
"""
VALKEY = """1:M 21 Nov 2026 07:12:04.551 * Configuration loaded
1:M 21 Nov 2026 07:12:04.582 # Failed listening on port 6379 (tcp), aborting.
"""
PYTHON = """starting
Traceback (most recent call last):
  File "job.py", line 1, in <module>
ModuleNotFoundError: No module named 'nowhere'
"""
HEAP = """Error occurred during initialization of VM
Could not reserve enough space for 524288KB object heap
"""


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (BIND, "java.net.BindException: Address already in use"),
        (VALKEY, "Failed listening on port 6379 (tcp), aborting."),
        (PYTHON, "ModuleNotFoundError: No module named 'nowhere'"),
        (HEAP, "Could not reserve enough space for 524288KB object heap"),
        ("one\n\n  two\n", "one"),
        ("", "nothing was logged"),
    ],
)
def test_the_innermost_cause_is_found(log: str, cause: str) -> None:
    assert root_cause(log) == cause


def test_a_cause_is_one_bounded_line() -> None:
    assert len(root_cause("Error: " + "x" * 5_000)) == 300


def test_a_taken_port_is_recognised() -> None:
    assert is_port_taken(BIND)
    assert not is_port_taken(PYTHON)


def test_known_causes_have_a_remedy() -> None:
    assert remedy("write failed: No space left on device") == "free some disk space"
    assert remedy("never seen before") == "read the log"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_text("x" * 2 * TAIL_BYTES + "\nthe end\n", encoding="utf-8")
    assert len(tail(log)) == TAIL_BYTES
    assert tail(log).endswith("the end\n")
    assert tail(tmp_path / "none.log") == ""
