"""One engine for all tests that need a running one: `kairos up` before the first, `down` at the end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from jobs.publish import Log
from tests.builders import make_catalogue
from tests.e2e.homes import Engine, Home, fresh_home, kafka_of, redis_of

RUNNING: Final = ExitStack()
LEFT: Final = {"jars", "secrets", "flink-keys", "archive", "audit.jsonl", "stack.lock"}
"""What `reset` leaves of a home in which all was done that these tests do."""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with fresh_home(tmp_path_factory.mktemp("home") / "kairos") as home:
        yield home


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, with a catalogue of items i0 to i39; see `pytest_runtest_teardown` for its end."""
    with RUNNING:
        path = tmp_path_factory.mktemp("engine") / "kairos"
        yield RUNNING.enter_context(running_engine(path))


@pytest.hookimpl(trylast=True)  # what a module has started beside it ends first
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """After the last test of this folder: an engine that nobody asks takes processor time from those that follow."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        RUNNING.close()


@contextmanager
def running_engine(path: Path) -> Iterator[Engine]:
    """`kairos up`, then `down`, which must leave nothing."""
    with fresh_home(path) as home:
        started = home.kairos("up")
        assert started.returncode == 0, started.stderr
        assert f"{home.path} holds no items yet: " in started.stderr
        found = home.status()
        engine = Engine(
            home,
            kafka_of(found),
            redis_of(found),
            found["flink"]["address"],
            found["learn"]["address"],
        )
        log = Log(engine.kafka)
        for item in make_catalogue():
            log.item(item)
        log.flush()
        yield engine
        stopped = home.kairos("down")
        assert stopped.returncode == 0, stopped.stderr
        assert stopped.stdout == "stopped redis, kafka, flink, store, learn, api\n"
        assert home.names_left(0.0) == []
        assert {one["state"] for one in home.status().values()} == {"down"}
        assert home.kairos("down").stdout == "nothing was running\n"
        emptied = home.kairos("reset", "--yes")
        assert emptied.returncode == 0, emptied.stderr
        assert {one.name for one in home.path.iterdir()} <= LEFT
