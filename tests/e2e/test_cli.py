"""The command line where nothing runs: help, refusals, exit codes."""

import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jobs.config import SETTINGS
from jobs.stack.restarts import Ending
from jobs.stack.state import Service, State, running, write_state
from scripts.cli import app
from tests.e2e.homes import Home

pytestmark = pytest.mark.e2e
ROOT = typer.main.get_command(app)
SILENT = "127.0.0.1:1"


def commands(group: Any = ROOT, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every command by its words, `bench latency` too."""
    found = {" ".join(words): group} if words else {}
    for name, one in getattr(group, "commands", {}).items():
        found |= commands(one, (*words, name))
    return found


def test_help_names_every_command_and_setting(home: Home) -> None:
    done = home.kairos("--help")
    assert done.returncode == 0
    visible = [name for name, one in commands().items() if not one.hidden and " " not in name]
    assert {"demo", "up", "down", "status", "import", "decide", "train", "explain", "doctor"} < {
        *visible
    }
    for name in (*visible, *(setting.name for setting in SETTINGS)):
        assert name in done.stdout


@pytest.mark.parametrize("name", sorted(commands()))
def test_help_of_a_command_explains_its_options(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "250"})
    assert done.exit_code == 0
    command = commands()[name]
    assert command.help
    assert command.help.splitlines()[0] in " ".join(done.output.split())
    for parameter in command.params:
        for said in parameter.opts:
            assert said in done.output
        assert getattr(parameter, "help", None), f"{name} {parameter.name} is not explained"


@pytest.mark.parametrize("command", ["up", "demo", "status", "doctor"])
def test_wrong_settings_are_refused_at_once_each_with_its_value(
    command: str, tmp_path: Path
) -> None:
    home = Home(tmp_path / "never made")
    begun_s = time.monotonic()
    done = home.kairos(
        command, KAIROS_PARALLELISM="0", KAIROS_FORMAT="xml", KAIROS_KAFKA="nonsense",
        KAIROS_NO_SUCH="1",
    )  # fmt: skip
    print(f"refused within {time.monotonic() - begun_s:.2f} s")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    for said in (
        "KAIROS_PARALLELISM='0'", "KAIROS_FORMAT='xml'", "KAIROS_KAFKA='nonsense'",
        "KAIROS_NO_SUCH: no such setting",
    ):  # fmt: skip
        assert said in line
    assert done.stdout == ""
    assert not home.path.exists()
    assert home.processes() == []


@pytest.mark.parametrize(
    "words",
    [
        ("decide",),
        ("explain", "x"),
        ("train",),
        ("import", "x.jsonl"),
        ("model", "list"),
        ("model", "rollback"),
        ("verify", "skew"),
    ],
)
def test_commands_that_need_kafka_say_how_to_get_it(words: tuple[str, ...], home: Home) -> None:
    done = home.kairos(*words)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line == (
        "kairos: Kafka does not answer: `kairos up` starts it, or KAIROS_KAFKA names yours"
    )


def test_a_given_kafka_that_is_silent_is_named(home: Home) -> None:
    done = home.kairos("decide", KAIROS_KAFKA=SILENT)
    assert done.returncode == 3
    assert f"Kafka does not answer at {SILENT}" in done.stderr
    done = home.kairos("up", KAIROS_KAFKA=SILENT)
    assert done.returncode == 3
    assert f"KAIROS_KAFKA={SILENT} does not answer" in done.stderr.splitlines()[-1]
    assert home.names_left() == []


@pytest.mark.parametrize("words", [("up",), ("demo",)])
def test_a_taken_port_is_named_with_the_way_out(words: tuple[str, ...], home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = home.kairos(*words, KAIROS_PORTS=f"flink={port},kafka=0,redis=0,learn=0")
    assert done.returncode == 2
    assert re.fullmatch(
        rf"kairos: taken: port {port} \(flink\) by \S+, pid {os.getpid()}; stop what listens there, or choose "
        r"another one: KAIROS_PORTS=flink=PORT \(0: any free one\)",
        done.stderr.splitlines()[-1],
    )
    assert home.kairos("down").returncode == 0
    assert home.names_left() == []


def test_what_was_typed_wrong_is_named(home: Home) -> None:
    done = home.kairos("train", "--events", "nowhere.jsonl")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "nowhere.jsonl cannot be read" in done.stderr
    done = home.kairos("train", "--from", "yesterday")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "'yesterday' is no time" in done.stderr
    done = home.kairos("model", "publish", "nobody")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "0 models begin with 'nobody'" in done.stderr
    done = home.kairos("dance")
    assert done.returncode == 2
    assert "No such command 'dance'" in done.stderr


def test_status_and_down_where_nothing_runs(home: Home) -> None:
    down = {"state": "down", "address": None, "cause": "nothing was ever started here"}
    names = ("kafka", "redis", "flink", "learn", "store", "api")
    assert home.status() == dict.fromkeys(names, down)
    assert home.kairos("status").stdout.splitlines()[-2:] == [
        f"{', '.join(names)}: down: nothing was ever started here",
        "`kairos up` starts it",
    ]
    done = home.kairos("down")
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")
    assert home.json("down", "--json") == {"stopped": []}
    done = home.kairos("logs")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [f"kairos: nothing has been logged in {home.path}/logs yet: `kairos up` starts it"],
    )


def test_doctor_fails_exactly_where_something_is_missing(home: Home) -> None:
    done = home.kairos("doctor", "--json")
    checks = json.loads(done.stdout)
    assert [one["name"] for one in checks if not one["is_ok"] and not one["remedy"]] == []
    assert done.returncode == (0 if all(one["is_ok"] for one in checks) else 1)
    broken = home.kairos("doctor", KAIROS_HOME=f"{home.path}/a:b")
    assert broken.returncode == 1
    assert any(
        "MISSING" in line and "a:b" in line and "set KAIROS_HOME" in line
        for line in broken.stdout.splitlines()
    )


def test_status_of_what_is_failing_ends_with_3(home: Home) -> None:
    ending = Ending(1_795_917_470_310, "ended with code 1: no use (store.log)")
    failing = Service("store", None, running(2**22 + 1), 7, ending, True)
    write_state(home.path, State(running(os.getpid()), (failing,)))
    done = home.kairos("status", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["store"] == {
        "state": "failing",
        "address": None,
        "cause": ending.reason,
        "since_ms": ending.at_ms,
        "restarts": 7,
        "ended_ms": ending.at_ms,
        "reason": ending.reason,
    }
    done = home.kairos("status")
    assert done.returncode == 3
    assert "7 times, last at 2026-11-29 01:57:50Z: ended with code 1: no use" in done.stdout
    assert "store: failing since 2026-11-29 01:57:50Z: ended with code 1: no use" in done.stdout
    assert "flink, learn, api: down: what runs here has not started it" in done.stdout
