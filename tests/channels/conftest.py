"""The real servers: one Valkey for all store tests, one Kafka for those of the store writer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from channels.store.store import Store
from jobs.stack.ports import free_port
from jobs.stack.process import Process
from jobs.stack.stack import Stack
from jobs.stack.valkey import valkey_child

JARS = Path(__file__).resolve().parents[2] / ".kairos" / "jars"


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Valkey."""
    folder = tmp_path_factory.mktemp("valkey")
    child = valkey_child(folder / "data", free_port())
    with Process(child, folder) as process:
        process.wait_until_healthy()
        assert child.address
        yield child.address


@pytest.fixture(scope="session")
def kafka(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Kafka."""
    home = tmp_path_factory.mktemp("stack")
    with Stack(home, redis=valkey, jars=JARS) as stack:
        yield stack.start().kafka


@pytest.fixture
def redis(valkey: str) -> Iterator["Redis[bytes]"]:
    """A client of an empty Valkey."""
    host, _, port = valkey.rpartition(":")
    client = Redis(host=host, port=int(port))
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def store(redis: "Redis[bytes]") -> Store:
    return Store(redis, "test")
