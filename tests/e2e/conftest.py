"""One engine for all tests that need a running one: `kairos up` before the first, `down` at the end."""

from collections.abc import Iterator

import pytest

from jobs.publish import Log
from tests.builders import make_catalogue
from tests.e2e.homes import Engine, Home, fresh_home


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with fresh_home(tmp_path_factory.mktemp("home") / "kairos") as home:
        yield home


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, with a catalogue of items i0 to i39. `down` must leave nothing."""
    with fresh_home(tmp_path_factory.mktemp("engine") / "kairos") as home:
        started = home.kairos("up")
        assert started.returncode == 0, started.stderr
        found = home.json("status", "--json")
        engine = Engine(
            home, *(found[name]["address"] for name in ("kafka", "redis", "flink", "learn"))
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
        assert {one["state"] for one in home.json("status", "--json").values()} == {"down"}
        assert home.kairos("down").stdout == "nothing was running\n"
