"""One real broker for all tests of this folder; each test has topics under a prefix of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import running_broker
from tests.flink.replays import Replays


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("decide")


@pytest.fixture(scope="session")
def replays() -> Iterator[Replays]:
    with Replays() as replays:
        yield replays
