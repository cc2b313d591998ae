"""Clients of Kafka and the store come from `log/` alone: one that is opened elsewhere knows no password and no TLS."""

import ast
from pathlib import Path
from typing import Final

from tests.test_layers import ALLOWED, ROOT

LIBRARIES: Final = ("confluent_kafka", "redis")
CLIENTS: Final = {
    "Consumer", "DeserializingConsumer", "AvroConsumer", "AIOConsumer",
    "Producer", "SerializingProducer", "AvroProducer", "AIOProducer",
    "AdminClient", "Redis", "StrictRedis", "RedisCluster", "from_url",
}  # fmt: skip


def opened_in(source: str) -> list[str]:
    """The clients that a module opens itself, under whatever name it has imported them."""
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES
        for alias in node.names
    }
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and names.get(node.func.id) in CLIENTS:
            found.append(names[node.func.id])
        elif isinstance(node.func, ast.Attribute) and node.func.attr in CLIENTS:
            found.append(node.func.attr)
    return found


def opened(folder: Path) -> dict[str, list[str]]:
    found = {
        str(path.relative_to(ROOT)): opened_in(path.read_text()) for path in folder.rglob("*.py")
    }
    return {path: clients for path, clients in found.items() if clients}


def test_no_client_is_opened_outside_log() -> None:
    for layer in set(ALLOWED) - {"log"}:
        assert opened(ROOT / layer) == {}


def test_there_is_one_way_to_open_each() -> None:
    assert opened(ROOT / "log") == {
        "log/clients.py": ["Consumer", "Producer", "AdminClient"],
        "log/store_address.py": ["Redis", "RedisCluster"],
    }


def test_one_that_is_opened_under_another_name_is_found() -> None:
    assert opened_in("from confluent_kafka import Consumer as C\nC({})") == ["Consumer"]
    assert opened_in("import confluent_kafka as k\nk.admin.AdminClient({})") == ["AdminClient"]
    assert opened_in("from confluent_kafka.aio import AIOProducer\nAIOProducer({})") == [
        "AIOProducer"
    ]
    assert opened_in("from redis import Redis\nRedis.from_url('')") == ["from_url"]
    assert not opened_in("from confluent_kafka import Consumer\ndef f(one: Consumer): one.poll()")
    assert not opened_in("class Consumer: pass\nConsumer()")
