import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer

from jobs.stack import kafka, valkey
from jobs.stack.ports import LOOPBACK
from jobs.stack.process import Child, StartFailed
from jobs.stack.stack import Stack, StackAddresses
from jobs.stack.state import down, is_alive, read_state
from jobs.stack.status import statuses
from log.kafka import create_topics
from log.settings import client_settings
from log.store_address import open_redis
from schemas.errors import ConfigError
from schemas.topics import TopicSpec
from tests.jobs.stack.conftest import JARS, Running, wait_until

THINGS = TopicSpec("things", 2, {"cleanup.policy": "compact"})
TAKEN = "raise SystemExit('OSError: Address already in use')"
PARENT = """
import pathlib, sys, time
from jobs.stack.stack import Stack
with Stack(pathlib.Path(sys.argv[1]), jars=pathlib.Path(sys.argv[2])) as stack:
    stack.start()
    print("up", flush=True)
    time.sleep(600)
"""


def write(addresses: StackAddresses, value: str) -> None:
    producer = Producer(client_settings(addresses.kafka))
    # An event of 2001: the embedded broker takes the past.
    producer.produce("things", value, key="key", timestamp=1_000_000_000_000)
    assert producer.flush(30) == 0
    client(addresses).set("key", value)


def read(addresses: StackAddresses) -> tuple[str, str]:
    consumer = Consumer(
        client_settings(addresses.kafka)
        | {
            "group.id": "readers",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["things"])
    record = None
    while record is None:
        record = consumer.poll(1)
    consumer.close()
    assert record.error() is None
    return record.value().decode(), client(addresses).get("key").decode()


def client(addresses: StackAddresses) -> redis.Redis:
    return open_redis(addresses.redis)


@pytest.mark.e2e
def test_both_servers_work_and_keep_their_data_over_a_restart(tmp_path: Path) -> None:
    with Stack(tmp_path, jars=JARS) as stack:
        first = stack.start()
        assert create_topics(first.kafka, [THINGS]) == ("things",)
        assert create_topics(first.kafka, [THINGS]) == ()
        write(first, "kept")
        assert {name: one.state for name, one in statuses(tmp_path).items()} == {
            "redis": "up",
            "kafka": "up",
        }
        assert stack.poll() is None
    assert {one.state for one in statuses(tmp_path).values()} == {"down"}
    with Stack(tmp_path, jars=JARS) as stack:
        again = stack.start()
        assert again == first
        assert read(again) == ("kept", "kept")


@pytest.mark.e2e
def test_a_killed_owner_leaves_no_child_and_no_damage(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", PARENT, str(tmp_path), str(JARS))
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    assert parent.stdout.readline() == "up\n"
    state = read_state(tmp_path)
    assert state
    addresses = StackAddresses(*(state.address_of(one) or "" for one in ("kafka", "redis")))
    create_topics(addresses.kafka, [THINGS])
    write(addresses, "kept")
    client(addresses).execute_command("WAITAOF", 1, 0, 0)
    with pytest.raises(ConfigError, match=f"already running in .*, pid {parent.pid}:"):
        Stack(tmp_path, jars=JARS).start()
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    processes = [one.process for one in state.services if one.process]
    assert len(processes) == 2
    wait_until(lambda: not any(is_alive(process) for process in processes))
    with Stack(tmp_path, jars=JARS) as stack:
        assert read(stack.start()) == ("kept", "kept")


@pytest.mark.e2e
def test_down_stops_a_stack_in_order_from_another_process(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", PARENT, str(tmp_path), str(JARS))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "up\n"
        assert down(tmp_path) == ("redis", "kafka")
    assert parent.returncode == 128 + signal.SIGTERM
    assert "bye bye" in (tmp_path / "logs" / "valkey.log").read_text(encoding="utf-8")
    assert (tmp_path / "kafka" / "log" / ".kafka_cleanshutdown").exists()


@pytest.mark.e2e
def test_taken_ports_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [socket.create_server((LOOPBACK, 0)) for _ in range(2)]
    ports = [server.getsockname()[1] for server in taken]
    # As if both were free when we looked and taken when the servers came.
    answers = iter(ports)
    monkeypatch.setattr(Stack, "port", lambda *_: next(answers))
    with Stack(tmp_path, jars=JARS) as stack:
        addresses = stack.start()
        assert client(addresses).ping()
        assert kafka.is_kafka_healthy(addresses.kafka)
    assert not {int(one.rpartition(":")[2]) for one in addresses} & set(ports)
    for server in taken:
        server.close()


@pytest.mark.e2e
def test_added_children_are_watched(stack: Running, tmp_path: Path) -> None:
    owner, told = stack.stack, tmp_path / "told"
    # it lives until it is told, however busy the machine is
    code = f"""import pathlib, time
while not pathlib.Path({str(told)!r}).exists(): time.sleep(0.02)
raise SystemExit('Error: out of ideas')"""
    owner.add(Child("store", (sys.executable, "-c", code), lambda pid: True, address="there:1"))
    told.touch()
    assert statuses(owner.home)["store"].address == "there:1"
    wait_until(owner.poll)
    death = owner.poll()
    assert death
    assert (death.name, death.exit_code, death.cause) == ("store", 1, "Error: out of ideas")
    with pytest.raises(StartFailed, match=r"nowhere\.py"):
        owner.add(Child("job", (sys.executable, "nowhere.py"), lambda pid: False))
    assert sorted(statuses(owner.home)) == ["kafka", "redis", "store"]


@pytest.mark.e2e
def test_given_addresses_replace_the_embedded_servers(stack: Running, tmp_path: Path) -> None:
    given = stack.addresses
    with Stack(tmp_path / "other", kafka=given.kafka, redis=given.redis) as other:
        assert other.start() == given
        found = statuses(tmp_path / "other")
        assert {name: (one.state, one.pid) for name, one in found.items()} == {
            "kafka": ("up", None),
            "redis": ("up", None),
        }
    assert kafka.is_kafka_healthy(given.kafka)
    assert not kafka.is_kafka_healthy(given.kafka, "another cluster")
    assert not valkey.is_valkey_healthy(given.redis, pid=1)


@pytest.mark.e2e
def test_a_refused_topic_is_named(stack: Running) -> None:
    wrong = TopicSpec("things", 1, {"no.such.setting": "1"})
    with pytest.raises(ConfigError, match=r"create topic things: .*no\.such\.setting"):
        create_topics(stack.addresses.kafka, [wrong])


def test_a_given_address_that_is_silent_is_named(tmp_path: Path) -> None:
    for _ in range(2):  # the failed start has given the folder back
        with pytest.raises(ConfigError, match=r"KAIROS_REDIS=127\.0\.0\.1:1 does not answer"):
            Stack(tmp_path, redis="127.0.0.1:1").start()


def test_a_port_that_is_wanted_and_taken_starts_nothing(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} \(redis\) by .*KAIROS_PORTS=redis="):
            Stack(tmp_path, ports={"redis": port}).start()
    assert statuses(tmp_path) == {}


@pytest.mark.e2e
def test_a_port_that_is_taken_since_is_not_exchanged(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        stack = Stack(tmp_path, ports={"redis": port})
        taken = Child("redis", (sys.executable, "-c", TAKEN), lambda pid: False)
        with pytest.raises(ConfigError, match=rf"port {port} \(redis\) by "):
            stack._add_on_port("redis", lambda _: taken)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match="Not a directory"):
        Stack(tmp_path / "file" / "home").start()


def test_a_silent_broker_is_not_healthy() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert not kafka.is_kafka_healthy(f"{LOOPBACK}:{server.getsockname()[1]}")
