"""`kairos demo`: what it says, what it leaves behind, and how it ends."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import psutil
import pytest

from tests.e2e.homes import Home, fresh_home, wait_for
from udfs.draw import identify_decision

pytestmark = pytest.mark.e2e
TYPED = {
    "event_type": "page_viewed", "placements": ["home"], "event_id": "typed here",
    "session_id": "mine", "anonymous_id": "me",
}  # fmt: skip
DECIDED_LINE = re.compile(r" *\d+  .+  [0-9a-f]{32}$")
MEDIAN = re.compile(r"to the decision in the store: (\d+) ms, the median of that visit")
TAKEN = "833 events read, 1 dropped by its app id, 832 taken; 0 invalid, 0 late, 0 duplicates"


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with fresh_home(tmp_path_factory.mktemp("demo") / "kairos") as home:
        yield home


def lines_until(process: Any, wanted: str) -> list[str]:
    """The lines that it prints, up to the first with `wanted` in it."""
    lines: list[str] = []
    while not lines or wanted not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], f"it ended without saying {wanted!r}: {lines}"
    return lines


def test_once_takes_every_event_and_leaves_nothing_running(demo_home: Home) -> None:
    summary = demo_home.json("demo", "--once", "--json")
    print(json.dumps(summary))
    counts = ("events_read", "dropped_by_app_id", "events_in", "invalid", "late", "duplicates")
    assert [summary[name] for name in counts] == [833, 1, 832, 0, 0, 0]
    assert (
        0 < summary["decisions"] == summary["decisions_in_kafka"] == summary["decisions_in_store"]
    )
    assert 0 < summary["people"] <= summary["decisions"]
    assert 0 < summary["latency_ms_p50"] <= summary["latency_ms_p99"]
    assert demo_home.names_left(0.0) == []
    refused = demo_home.kairos("reset")
    assert refused.returncode == 2
    assert f"{demo_home.path} holds the demo's data since " in refused.stderr


@pytest.mark.long
def test_second_run_goes_on_takes_typed_events_and_ends_with_ctrl_c(demo_home: Home) -> None:
    with demo_home.start("demo") as process:
        assert process.stdin is not None
        process.stdin.write("no event\n\n" + json.dumps(TYPED) + "\n")
        process.stdin.flush()
        said = lines_until(process, "Ctrl-C ends")
        assert any(line.startswith(TAKEN) for line in said), said[-5:]
        table = [line.split()[-1] for line in said if DECIDED_LINE.match(line)]
        assert 10 <= len(table) <= 20
        assert any("Felt hat" in line for line in said)
        (took,) = [one for line in said if (one := MEDIAN.search(line))]
        print(f"median of the visit: {took[1]} ms")
        commands = [line.strip() for line in said if line.startswith("  KAIROS_HOME=")]
        assert [one.rpartition("kairos ")[2].split()[0] for one in commands] == [
            "explain",
            "status",
        ]
        for command in (*commands, commands[0].rpartition(" ")[0] + " " + table[0]):
            done = subprocess.run(
                command, shell=True, capture_output=True, text=True, check=False,
                env={"PATH": os.environ["PATH"]},
            )  # fmt: skip
            # the learn job may still be starting, and then `status` says so
            assert done.returncode in ((0, 3) if command.endswith("status") else (0,)), done.stderr
        more = lines_until(process, identify_decision("me", "mine", "typed here", "home"))
        assert any(line.startswith("not an event: ") for line in [*said, *more])
        assert "  home  " in more[-1]
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert demo_home.names_left(0.0) == []


def descendants(pid: int, count_min: int) -> list[psutil.Process]:
    """All of them, once there are so many."""
    found = psutil.Process(pid).children(recursive=True)
    return found if len(found) >= count_min else []


@pytest.mark.long
def test_killed_while_it_starts_it_leaves_no_child(demo_home: Home) -> None:
    with demo_home.start("demo") as process:
        # Kafka, Valkey, the decide job and its JVM, which is just starting
        children = wait_for(partial(descendants, process.pid, 4))
        process.kill()
        process.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert demo_home.names_left() == []
