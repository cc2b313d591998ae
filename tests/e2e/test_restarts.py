"""`kill -9` of each child of `kairos up` in turn: it comes back and says why, the others stay, and nothing is lost."""

import os
import signal
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
from tests.e2e.homes import Decisions, Home, fresh_home, kafka_of, redis_of, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.stack]
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


@pytest.mark.parametrize("name", CHILDREN)
def test_what_is_killed_comes_back_and_nothing_is_lost(running: Running, name: str) -> None:
    running.send(f"before {name}")
    running.await_decided(f"before {name}")
    before, service = running.pids(), running.services()[name]
    os.kill(before[name], signal.SIGKILL)
    running.send(f"while {name} is away")
    wait_for(lambda: running.pids()[name] != before[name])
    running.send(f"after {name}")
    wait_for(running.all_up)
    running.log.flush()
    for event_id in (f"while {name} is away", f"after {name}"):
        running.await_decided(event_id)
    now = running.services()
    others = {other: pid for other, pid in running.pids().items() if other != name}
    assert others == {other: pid for other, pid in before.items() if other != name}
    assert (now[name].address, now[name].restarts) == (service.address, service.restarts + 1)
    assert all(one.process and is_alive(one.process) for one in now.values())


def test_status_names_what_ended_and_why(running: Running) -> None:
    found = running.home.json("status", "--json")
    assert {name: (one["restarts"], one["reason"]) for name, one in found.items()} == dict.fromkeys(
        CHILDREN, (1, "ended by signal 9 (SIGKILL)")
    )
    assert all(0 < one["ended_ms"] <= now_ms() for one in found.values())
    table = running.home.kairos("status")
    assert table.returncode == 0
    assert table.stdout.count("ended by signal 9 (SIGKILL)") == len(CHILDREN)
    api = found["api"]["address"]
    assert httpx.get(f"http://{api}/readyz", timeout=30).status_code == 200


def test_the_home_is_closed_to_others(running: Running) -> None:
    opened = [
        path
        for path in (running.home.path, *running.home.path.rglob("*"))
        if not path.is_symlink() and path.exists() and path.stat().st_mode & 0o077
    ]
    assert opened == []
