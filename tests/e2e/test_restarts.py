"""`kill -9` of each child of `kairos up` in turn: it comes back and says why, the others stay, and nothing is lost."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import psutil
import pytest

from channels.store.store import Store, open_store
from jobs.config import Config, config_from
from jobs.publish import Log, now_ms
from jobs.stack.state import Service, is_alive, read_state
from scripts.ops.status import status
from tests.builders import make_catalogue, make_event
from tests.e2e.homes import (
    KAIROS,
    Decisions,
    Home,
    fresh_home,
    heed_ctrl_c,
    kafka_of,
    redis_of,
    wait_for,
)
from tests.listening import is_flink

pytestmark = [pytest.mark.e2e, pytest.mark.stack]
RESTARTED_S_MAX: Final = 15.0
SECRET: Final = "not-to-be-found-in-any-environment-but-one"
CHILDREN: Final = ("kafka", "redis", "flink", "learn", "store", "api")


class Running(NamedTuple):
    """An engine of its own: what is killed here would be missed by other tests."""

    home: Home
    config: Config
    log: Log
    store: Store
    decisions: Decisions

    def services(self) -> dict[str, Service]:
        """What the state file says, by name."""
        found = read_state(self.home.path)
        assert found is not None
        return {one.name: one for one in found.services}

    def pids(self) -> dict[str, int]:
        return {name: one.process.pid for name, one in self.services().items() if one.process}

    def status(self) -> dict[str, Any]:
        return dict(status(self.config))

    def all_up(self) -> bool:
        return {one["state"] for one in self.status().values()} == {"up"}

    def send(self, event_id: str) -> None:
        """Of a person of that name."""
        event = make_event(
            event_id=event_id, event_type="product_viewed", event_time_ms=now_ms(),
            session_id=event_id, anonymous_id=event_id, item_ids=("i1",), placements=(),
        )  # fmt: skip
        self.log.event(event)

    def await_decided(self, event_id: str) -> None:
        """Returns when the event has its decision, in the log and in the store."""
        decision = self.decisions.of(event_id)
        wait_for(lambda: self.store.stored_at_ms(decision))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with fresh_home(tmp_path_factory.mktemp("restarts") / "kairos") as home:
        started = home.kairos("up", KAIROS_API_SECRET=SECRET)
        assert started.returncode == 0, started.stderr
        config = config_from({"KAIROS_HOME": str(home.path)})
        found = status(config)
        kafka, redis = kafka_of(found), redis_of(found)
        log = Log(kafka)
        for item in make_catalogue():
            log.item(item)
        log.flush()
        with Decisions(kafka) as decisions:
            yield Running(home, config, log, open_store(redis, "kairos"), decisions)
        assert home.kairos("down").returncode == 0
        assert home.names_left(0.0) == []


def environment_of(process: psutil.Process) -> str:
    return Path(f"/proc/{process.pid}/environ").read_bytes().decode()


def test_only_the_api_is_told_its_secret(running: Running) -> None:
    telling = set()
    for name, pid in running.pids().items():
        child = psutil.Process(pid)
        for process in (child, *child.children(recursive=True)):
            environment = environment_of(process)
            assert environment
            if SECRET in environment or "KAIROS_API_" in environment:
                telling.add(name)
    assert telling == {"api"}


def test_ctrl_c_while_it_starts_stops_all(tmp_path: Path) -> None:
    with fresh_home(tmp_path / "kairos") as home:
        words = [str(KAIROS), "up"]
        with subprocess.Popen(
            words, env=home.environment(), stderr=subprocess.PIPE, text=True, process_group=0,
            preexec_fn=heed_ctrl_c,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            assert any("starting kafka" in line for line in process.stderr)
            os.killpg(process.pid, signal.SIGINT)
            last = process.stderr.read().splitlines()[-1]
        assert process.returncode == 130
        assert home.names_left(0.0) == []
        assert last == (
            f"stopping all; the log, the store and the checkpoints in {home.path} are kept: "
            "`kairos up` goes on from them"
        )
        assert {one["cause"] for one in home.status().values()} == {"it was stopped"}


@pytest.mark.parametrize("name", CHILDREN)
def test_what_is_killed_comes_back_and_nothing_is_lost(running: Running, name: str) -> None:
    running.send(f"before {name}")
    running.await_decided(f"before {name}")
    before, service = running.pids(), running.services()[name]
    began_s = time.monotonic()
    os.kill(before[name], signal.SIGKILL)
    running.send(f"while {name} is away")
    wait_for(lambda: running.pids()[name] != before[name])
    assert time.monotonic() - began_s < RESTARTED_S_MAX
    running.send(f"after {name}")
    wait_for(running.all_up)
    print(f"{name} was up again after {time.monotonic() - began_s:.1f} s")
    running.log.flush()
    for event_id in (f"while {name} is away", f"after {name}"):
        running.await_decided(event_id)
    now = running.services()
    others = {other: pid for other, pid in running.pids().items() if other != name}
    assert others == {other: pid for other, pid in before.items() if other != name}
    assert (now[name].address, now[name].restarts) == (service.address, service.restarts + 1)
    assert all(one.process and is_alive(one.process) for one in now.values())


def test_status_and_the_console_name_what_ended_and_why(running: Running) -> None:
    found = running.home.status()
    assert {name: (one["restarts"], one["reason"]) for name, one in found.items()} == dict.fromkeys(
        CHILDREN, (1, "ended by signal 9 (SIGKILL)")
    )
    assert all(0 < one["ended_ms"] <= now_ms() for one in found.values())
    table = running.home.kairos("status")
    assert table.returncode == 0
    assert table.stdout.count("ended by signal 9 (SIGKILL)") == len(CHILDREN)
    api = found["api"]["address"]
    assert httpx.get(f"http://{api}/readyz", timeout=30).status_code == 200
    # what the console draws of it: tests/browser/test_console.py
    shown = httpx.get(f"http://{api}/console/api/live", timeout=30).json()["services"]
    told = ("state", "restarts", "reason", "ended_ms")
    assert {name: [one[field] for field in told] for name, one in shown.items()} == {
        name: [one[field] for field in told] for name, one in found.items()
    }


def test_every_event_has_its_decision_and_each_is_made_again(running: Running) -> None:
    sent = {f"{when} {name}" for name in CHILDREN for when in ("before", "after")}
    sent |= {f"while {name} is away" for name in CHILDREN}
    assert running.decisions.look().keys() >= sent
    found = running.home.json("verify", "replay", "--json")
    assert (found["is_whole"], found["unexplained"]) == (True, 0), found["differences"][:3]
    assert found["decisions"] >= len(sent)
    assert running.home.json("verify", "skew", "--json")["is_none"]


@pytest.mark.parametrize("name", ["flink", "learn"])
def test_a_jvm_that_is_killed_takes_its_job_along_which_comes_back(
    running: Running, name: str
) -> None:
    before, restarts = running.pids(), running.services()[name].restarts
    jvms = [one for one in psutil.Process(before[name]).children(True) if is_flink(one)]
    assert len(jvms) == 1
    jvms[0].kill()
    began_s = time.monotonic()
    running.send(f"while the JVM of {name} is away")
    wait_for(lambda: running.pids()[name] != before[name])
    assert time.monotonic() - began_s < RESTARTED_S_MAX
    wait_for(running.all_up)
    running.await_decided(f"while the JVM of {name} is away")
    ended = running.status()[name]
    assert ended["restarts"] == restarts + 1
    assert "the JVM of Flink ended with code -9" in ended["reason"]


def test_the_home_is_closed_to_others(running: Running) -> None:
    opened = [
        path
        for path in (running.home.path, *running.home.path.rglob("*"))
        if not path.is_symlink() and path.exists() and path.stat().st_mode & 0o077
    ]
    assert opened == []


def test_a_supervisor_that_is_killed_takes_all_along_and_status_says_so(running: Running) -> None:
    found = read_state(running.home.path)
    assert found is not None
    os.kill(found.owner.pid, signal.SIGKILL)
    assert running.home.names_left() == []
    killed_ms = now_ms()
    down = running.home.status()
    assert {one["cause"] for one in down.values()} == {
        f"its supervisor, pid {found.owner.pid}, was killed, and all with it"
    }
    assert all(killed_ms - 60_000 < one["since_ms"] <= killed_ms for one in down.values())
