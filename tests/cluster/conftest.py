"""One cluster for all tests that need one: `kairos cluster up` before the first, `down` at the end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.config import PROJECT
from jobs.flink.keys import home_keys
from jobs.flink.rest import FlinkRest
from jobs.publish import Log
from scripts.bench.workload import catalogue
from tests.e2e.homes import Home, fresh_home, kafka_of, redis_of

ITEMS = 50


class Cluster(NamedTuple):
    """What `kairos cluster up` has started, and where it answers."""

    home: Home
    address: str
    kafka: str
    redis: str

    @property
    def rest(self) -> FlinkRest:
        return FlinkRest(self.address, home_keys(self.home.path))

    def status(self) -> Any:
        return self.home.json("cluster", "status", "--json")

    def refused(self, *words: str, code: int = 2, **settings: str) -> str:
        """What a command that must be refused, with this exit code, says."""
        done = self.home.kairos(*words, **settings)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr

    def run_tree(self, tree: Path, *words: str, **settings: str) -> str:
        """What a command of another copy of the project says, in this home."""
        environment = self.home.environment(PYTHONPATH=str(tree), **settings)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "scripts", *words], cwd=tree, env=environment,
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two task managers, Kafka, Valkey and the store writer, with a catalogue. `down` must leave nothing."""
    with fresh_home(tmp_path_factory.mktemp("cluster") / "kairos") as home:
        found = home.json("cluster", "up", "--task-managers", "2", "--json")
        assert found["state"] == "up"
        services = home.status()
        kafka, redis = kafka_of(services), redis_of(services)
        log = Log(kafka)
        for item in catalogue(ITEMS):
            log.item(item)
        log.flush()
        yield Cluster(home, found["address"], kafka, redis)
        assert home.kairos("cluster", "down").returncode == 0
        assert home.kairos("cluster", "status").returncode == 3
        assert home.kairos("down").returncode == 0
        assert home.names_left(5.0) == []


@pytest.fixture(scope="session")
def newer_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose profiles have a higher state version, and in whose facts there is all that may change.

    The upgrade adds MARK to a person's sequence, so every later decision tells that it went through. Of the features one is new, one is
    renamed, one means something else (and is still computed as before), and one is GONE_FEATURE.
    """
    tree = tmp_path_factory.mktemp("newer")
    copy = ["cp", "-r", *(str(PROJECT / name) for name in PACKAGES), str(tree)]
    subprocess.run(copy, check=True)
    person = tree / "schemas" / "state" / "person.py"
    text = person.read_text()
    new = "StateCodec(PersonState, version=2, upgrades={1: _mark})"
    assert "StateCodec(PersonState, version=1)" in text
    person.write_text(text.replace("StateCodec(PersonState, version=1)", new).replace(
        "PERSON_STATE: Final", f"{UPGRADE}\nPERSON_STATE: Final"
    ))  # fmt: skip
    for name, changes in CHANGED_FACTS.items():
        facts = tree / "udfs" / "facts" / name
        text = facts.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        facts.write_text(text)
    version = tree / "schemas" / "__init__.py"
    version.write_text(version.read_text().replace('CODE_VERSION = "', 'CODE_VERSION = "newer-'))
    return tree


PACKAGES = ("schemas", "log", "models", "udfs", "jobs", "channels", "scripts")
GONE_FEATURE = "session_filters"
CHANGED_FEATURES = ("session_queries", GONE_FEATURE, "session_pace")
CHANGED_FACTS = {
    "search.py": (
        ('feature("session_queries"', 'feature("session_searches"'),
        (
            '    feature("session_filters", "session", "distinct filters", lambda v: len(v.context.filters)),\n',
            '    feature("session_new", "session", "what was not there before", lambda v: 1.0),\n',
        ),
    ),
    "visit.py": (('pace, "session_pace")', 'lambda m: -1.0, "session_pace", version=2)'),),
    "former.py": (
        ("FORMER: Final[tuple[Former, ...]] = ()", "FORMER = (Former('session_pace', 1, lambda v: pace(v.moment), '9.0'),)"),
        ("RENAMED: Final[Mapping[str, str]] = {}", "RENAMED = {'session_queries': 'session_searches'}"),
        ("GONE: Final[tuple[str, ...]] = ()", "GONE = ('session_filters',)"),
        ("from udfs.facts.fact import Compute\n", "from udfs.facts.fact import Compute\nfrom udfs.facts.visit import pace\n"),
    ),
}  # fmt: skip
MARK = 5_000_000_000_000_000
UPGRADE = f"""
def _mark(fields):
    fields[2] += {MARK}
    return fields

"""
