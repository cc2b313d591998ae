"""The embedded servers want a password, which lies in files of the home and nowhere else."""

import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest
from confluent_kafka import KafkaException
from redis import AuthenticationError, Redis

from jobs.config import config_from
from jobs.stack.jars import jar_paths
from jobs.stack.kafka import format_storage, kafka_child
from jobs.stack.passwords import Passwords, passwords_of
from jobs.stack.ports import free_port
from jobs.stack.process import Process
from jobs.stack.stack import Stack, StackAddresses
from jobs.stack.state import read_state
from jobs.stack.valkey import valkey_child
from log.clients import open_admin_of
from log.kafka import create_topics, topics_of
from log.settings import Brokers, read_settings, settings_file_of
from log.store_address import StoreAddress, open_redis, read_password
from schemas.topics import TopicSpec
from scripts.ops.status import status, ways_in
from tests.jobs.stack.conftest import JARS

THINGS: Final = TopicSpec("things", 1, {})
SILENCE_S: Final = 3.0


def test_passwords_are_made_once_and_are_their_users_alone(tmp_path: Path) -> None:
    first = passwords_of(tmp_path)
    texts = [one.read_text() for one in first]
    assert [stat.S_IMODE(one.stat().st_mode) for one in first] == [0o600, 0o600]
    first.redis.chmod(0o644)
    assert passwords_of(tmp_path) == first
    assert [one.read_text() for one in first] == texts
    assert stat.S_IMODE(first.redis.stat().st_mode) == 0o600, "a file that was opened is closed"
    secrets = {read_settings(first.kafka)["sasl.password"], read_password(first.redis)}
    other = passwords_of(make_folder(tmp_path / "other"))
    secrets |= {read_settings(other.kafka)["sasl.password"], read_password(other.redis)}
    assert len(secrets) == 4, "no two servers or homes have the same"
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in secrets)


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of before: its servers asked nobody who they are, and hold data."""
    home = tmp_path_factory.mktemp("before")
    jars = jar_paths("kafka", JARS, print)
    cluster = format_storage(home / "kafka", jars, home / "logs")
    broker = kafka_child(home / "kafka", jars, free_port(), cluster)
    store = valkey_child(home / "valkey", free_port())
    with Process(broker, home / "logs") as kafka, Process(store, home / "logs") as valkey:
        kafka.wait_until_healthy()
        valkey.wait_until_healthy()
        assert broker.address
        assert store.address
        create_topics(broker.address, [THINGS])
        open_redis(store.address).set("kept", "1")
    return home


@pytest.fixture(scope="module")
def upgraded(home: Path) -> Iterator[tuple[Stack, StackAddresses]]:
    """The same home under today's code."""
    with Stack(home, jars=JARS) as stack:
        yield stack, stack.start()


def can_ask(kafka: str) -> bool:
    try:
        return bool(open_admin_of(kafka).list_topics(timeout=SILENCE_S).brokers)
    except KafkaException:
        return False


@pytest.mark.e2e
def test_a_home_of_before_keeps_its_data_and_gets_passwords(
    upgraded: tuple[Stack, StackAddresses],
) -> None:
    _, at = upgraded
    assert THINGS.name in topics_of(at.kafka)
    assert open_redis(at.redis).get("kept") == b"1"


@pytest.mark.e2e
def test_who_has_no_password_or_a_wrong_one_gets_in_nowhere(
    upgraded: tuple[Stack, StackAddresses], tmp_path: Path
) -> None:
    stack, at = upgraded
    assert can_ask(at.kafka)
    assert not can_ask(str(at.kafka))
    other = passwords_of(tmp_path)
    assert not can_ask(Brokers(str(at.kafka), other.kafka))
    text = (stack.home / "kafka" / "server.properties").read_text()
    controller = re.search(r"CONTROLLER://([\d.:]+)", text)
    assert controller is not None
    assert not can_ask(controller[1])
    for address in (str(at.redis), StoreAddress(str(at.redis), other.redis)):
        with pytest.raises(AuthenticationError):
            open_redis(address).get("kept")
    host, _, port = at.redis.rpartition(":")
    with pytest.raises(AuthenticationError):
        Redis(host, int(port)).flushall()


@pytest.mark.e2e
def test_no_command_line_environment_log_or_status_shows_a_password(
    upgraded: tuple[Stack, StackAddresses],
) -> None:
    stack, _ = upgraded
    found = read_state(stack.home)
    assert found is not None
    passwords = passwords_of(stack.home)
    secrets = secrets_of(passwords)
    shown = [str(status(config_from({"KAIROS_HOME": str(stack.home)})))]
    shown.append((stack.home / "stack.json").read_text())
    shown += [one.read_text(errors="replace") for one in (stack.home / "logs").iterdir()]
    for service in found.services:
        assert service.process
        process = psutil.Process(service.process.pid)
        shown += [" ".join(process.cmdline()), str(process.environ())]
    assert len(shown) > 6
    assert [text for text in shown if any(one in text for one in secrets)] == []
    holding = {
        path.relative_to(stack.home)
        for path in stack.home.rglob("*")
        if path.is_file() and any(one.encode() in path.read_bytes() for one in secrets)
    }
    assert holding == {
        Path("secrets/kafka.properties"),
        Path("secrets/redis.password"),
        Path("kafka/server.properties"),
        Path("valkey/valkey.conf"),
    }
    modes = {stat.S_IMODE((stack.home / path).stat().st_mode) for path in holding}
    assert modes == {0o600}


def secrets_of(passwords: Passwords) -> tuple[str, str]:
    return read_settings(passwords.kafka)["sasl.password"], read_password(passwords.redis)


@pytest.mark.e2e
def test_status_names_the_files_and_the_lines_that_connect(
    upgraded: tuple[Stack, StackAddresses],
) -> None:
    stack, at = upgraded
    found = status(config_from({"KAIROS_HOME": str(stack.home)}))
    files = passwords_of(stack.home)
    assert found["kafka"] == {
        "state": "up",
        "address": str(at.kafka),
        "settings_file": str(files.kafka),
        "log": str(stack.home / "logs" / "kafka.log"),
    }
    assert found["redis"] == {
        "state": "up",
        "address": str(at.redis),
        "settings_file": str(files.redis),
        "log": str(stack.home / "logs" / "valkey.log"),
    }
    host, _, port = at.redis.rpartition(":")
    assert ways_in(found) == [
        f"kcat -F {files.kafka} -b {at.kafka} -L",
        f'REDISCLI_AUTH="$(cat {files.redis})" valkey-cli -h {host} -p {port} ping',
    ]
    assert settings_file_of(at.kafka) == files.kafka


def test_servers_of_ones_own_are_left_alone(tmp_path: Path) -> None:
    home = make_folder(tmp_path / "home")
    config = config_from({"KAIROS_HOME": str(home), "KAIROS_KAFKA": "k:1", "KAIROS_REDIS": "r:1"})
    assert (config.kafka, settings_file_of(config.kafka or "")) == ("k:1", None)
    assert config.redis is not None
    assert getattr(config.redis, "password_file", "") is None
    shutil.rmtree(home)
