"""One Kafka broker (KRaft, one JVM) whose data survive restarts."""

import base64
import re
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from jobs.stack.class_data import ClassData
from jobs.stack.java import QUICK_COMPILER, java_command
from jobs.stack.ports import LOOPBACK, Ports, free_port
from jobs.stack.private import write_private
from jobs.stack.process import Child, Process
from log.clients import open_admin_of
from log.settings import Brokers, read_settings
from schemas.errors import ConfigError
from schemas.topics import RECORD_AHEAD_MAX_MS

ANSWER_SECONDS_MAX: Final = 2.0
EVER: Final = 2**63 - 1

# The paths are relative to the folder the broker runs in, so no character of one needs escaping.
_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "log",
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 4,
    # Otherwise every consumer waits three seconds for others that never come.
    "group.initial.rebalance.delay.ms": 0,
    # A killed broker's successor waits until its session is over: nine seconds by default.
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    # Old events are welcome; one from the future would move the watermark for all.
    "log.message.timestamp.before.max.ms": EVER,
    "log.message.timestamp.after.max.ms": RECORD_AHEAD_MAX_MS,
    # A topic says itself how long it is kept; a laptop may sleep longer than the usual week.
    "log.retention.ms": -1,
    "offsets.retention.minutes": 525_600,
    "log.segment.bytes": 128 * 2**20,
    # The default takes a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": 16 * 2**20,
    "num.network.threads": 2,
    "num.io.threads": 4,
}
_JVM_OPTIONS: Final = (
    "-Xms128m",
    "-Xmx512m",
    # A broker without memory must end, so that its end is seen.
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    QUICK_COMPILER,
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)
_LOGGING: Final = """status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c{1})%n%ex
"""


def format_storage(folder: Path, jars: Sequence[Path], logs: Path) -> str:
    """The cluster's id; formats the storage in `folder` where that has not been done yet."""
    _write_settings(folder, Ports().kafka)
    found = _cluster_id(folder)
    if found is None:
        # A leading hyphen would be read as an option.
        new = "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        command = ("format", "--ignore-formatted", "-t", new, "-c", "server.properties")
        argv = java_command(jars, "kafka.tools.StorageTool", command, _JVM_OPTIONS)
        child = Child("kafka-format", argv, lambda pid: True, folder=folder)
        with Process(child, logs) as process:
            process.wait_until_done()
        found = _cluster_id(folder)
    if found is None:
        raise ConfigError(f"Kafka's storage in {folder} is damaged: delete that folder")
    return found


def kafka_child(
    folder: Path,
    jars: Sequence[Path],
    port: int,
    cluster_id: str,
    say: Callable[[str], None] = lambda line: None,
    settings_file: Path | None = None,
) -> Child:
    """The broker on `port`, with its data in the formatted `folder`.

    With a file it wants the name and password that stand there, also from itself and of its controller's clients.
    """
    address = Brokers(f"{LOOPBACK}:{port}", settings_file)
    return Child(
        "kafka",
        java_command(
            jars,
            "kafka.Kafka",
            ("server.properties",),
            (*_JVM_OPTIONS, *ClassData("kafka", jars, (), jars[0].parent).at_start(say)),
        ),
        # The id, because another broker may have taken the port in the meantime.
        lambda pid: is_kafka_healthy(address, cluster_id),
        address=address,
        folder=folder,
        # each time, because another process may have taken the controller's port meanwhile
        prepare=lambda: _write_settings(folder, port, settings_file),
    )


def is_kafka_healthy(bootstrap: str, cluster_id: str | None = None) -> bool:
    """Whether a broker (of that cluster, if given) answers within two seconds."""
    if not any(_is_listening(address) for address in bootstrap.split(",")):
        return False
    try:
        found = _admin(bootstrap).list_topics(timeout=ANSWER_SECONDS_MAX)
    except KafkaException:
        return False
    return bool(found.brokers) and cluster_id in (None, found.cluster_id)


def _write_settings(folder: Path, port: int, settings_file: Path | None = None) -> None:
    controller = f"{LOOPBACK}:{free_port()}"
    protocol = "PLAINTEXT" if settings_file is None else "SASL_PLAINTEXT"
    broker = f"{protocol}://{LOOPBACK}:{port}"
    settings = _SETTINGS | {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"{broker},CONTROLLER://{controller}",
        "advertised.listeners": broker,
        "inter.broker.listener.name": protocol,
        "listener.security.protocol.map": f"CONTROLLER:{protocol},{protocol}:{protocol}",
    }
    if settings_file is not None:
        settings |= _who_may(read_settings(settings_file))
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    write_private(folder / "server.properties", lines)
    (folder / "log4j2.properties").write_text(_LOGGING, encoding="ascii")


def _who_may(client: Mapping[str, str]) -> dict[str, str]:
    """One user, for all listeners; the broker is a client of its own controller."""
    user, password = client["sasl.username"], client["sasl.password"]
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{user}" password="{password}" user_{user}="{password}";'
    )
    listeners = ("sasl_plaintext", "controller")
    return {
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
    } | {f"listener.name.{one}.plain.sasl.jaas.config": login for one in listeners}


def _cluster_id(folder: Path) -> str | None:
    written = folder / "log" / "meta.properties"
    if not written.exists():
        return None
    found = re.search(r"^cluster\.id=(\S+)$", written.read_text(encoding="ascii"), re.MULTILINE)
    return found.group(1) if found else None


def _is_listening(address: str) -> bool:
    # Asked first because librdkafka writes every refused connection to stderr.
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS_MAX).close()
    except OSError:
        return False
    return True


def _admin(bootstrap: str) -> AdminClient:
    return open_admin_of(bootstrap)
