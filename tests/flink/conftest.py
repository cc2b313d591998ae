"""One real broker for all tests of this folder; each test has topics under a prefix of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.stack.jars import jar_paths
from jobs.stack.kafka import format_storage, kafka_child
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.process import Process
from tests.flink.replays import Replays
from tests.flink.runs import JARS


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("kafka")
    jars = jar_paths("kafka", JARS, print)
    cluster = format_storage(home / "kafka", jars, home / "logs")
    port = free_port()
    with Process(kafka_child(home / "kafka", jars, port, cluster), home / "logs") as broker:
        broker.wait_until_healthy()
        yield f"{LOOPBACK}:{port}"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("decide")


@pytest.fixture(scope="session")
def replays() -> Iterator[Replays]:
    with Replays() as replays:
        yield replays
