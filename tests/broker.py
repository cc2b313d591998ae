"""A real Kafka and nothing else, for as long as it is wanted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.config import PROJECT
from jobs.stack.jars import jar_paths
from jobs.stack.kafka import format_storage, kafka_child
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.process import Process


@contextmanager
def running_broker(home: Path) -> Iterator[str]:
    """Its address; its data and logs lie in `home`."""
    jars = jar_paths("kafka", PROJECT / ".kairos" / "jars", print)
    cluster = format_storage(home / "kafka", jars, home / "logs")
    port = free_port()
    with Process(kafka_child(home / "kafka", jars, port, cluster), home / "logs") as child:
        child.wait_until_healthy()
        yield f"{LOOPBACK}:{port}"
