"""A Kafka and a Valkey as others run them: TLS, a user for each part of Kairos, and just the rights that docs/security.md shows.

The servers are the real ones. The packaged Valkey is built without TLS, so a small front of this file speaks TLS for it;
its users and their rights are its own.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
import trustme
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from redis import RedisError
from redis.exceptions import NoPermissionError

from channels.store.store import Store, open_store
from jobs.config import Config, config_from
from jobs.publish import Log, now_ms
from jobs.stack.jars import jar_paths
from jobs.stack.java import java_command
from jobs.stack.kafka import _JVM_OPTIONS, _LOGGING, _SETTINGS, is_kafka_healthy
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.private import write_private
from jobs.stack.process import Child, Process
from jobs.stack.valkey import SETTINGS_FILE, valkey_child
from log.clients import NO_GROUP, open_admin_of, open_producer_of
from log.kafka import create_topics
from log.roles import ROLES, Role
from log.settings import Brokers
from log.store_address import StoreAddress, open_redis
from schemas.policy import DEFAULT_CONTROL
from schemas.topics import DECISIONS, EVENTS, topics
from scripts.ops.engine import Addresses, api_child, decide_child, learn_child, store_child
from tests.builders import make_catalogue
from tests.e2e.homes import JARS, Decisions, fresh_home, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.stack]
ADMIN: Final = "admin"
USERS: Final = {
    "decide": "decide job",
    "learn": "learn job",
    "store": "store writer",
    "api": "Decision API and console",
    "up": "`kairos up`, its clock and its set-up",
    "import": "import and shop",
    "reader": "explain, why-not, verify, train, evaluate, kpi, outcomes, archive, compare",
}
"""Each part of the table has a user of its own."""
CLUSTER: Final = "kTestOfSecuredServers1"
LOGINS: Final = "org.apache.kafka.common.security"
PREFIX: Final = "kairos"


def role_of(user: str) -> Role:
    return next(one for one in ROLES if one.name == USERS[user])


def password_of(user: str) -> str:
    return f"the-secret-of-{user}"


class Certificates(NamedTuple):
    """Of an authority of the test's own: what clients trust, and a server's key with its chain."""

    ca: Path
    server: Path


def make_certificates(folder: Path) -> Certificates:
    authority = trustme.CA()
    found = Certificates(folder / "ca.pem", folder / "server.pem")
    authority.cert_pem.write_to_path(str(found.ca))
    issued = authority.issue_cert(LOOPBACK, "localhost")
    # Java reads PKCS#8 only
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    write_private(found.server, (text + chain).decode())
    return found


def kafka_settings(port: int, certificates: Certificates) -> dict[str, object]:
    controller = f"{LOOPBACK}:{free_port()}"
    admin = f'username="{ADMIN}" password="{password_of(ADMIN)}"'
    return _SETTINGS | {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"SASL_SSL://{LOOPBACK}:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"SASL_SSL://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "CONTROLLER:SASL_SSL,SASL_SSL:SASL_SSL",
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            f"{LOGINS}.scram.ScramLoginModule required {admin};"
        ),
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{LOGINS}.plain.PlainLoginModule required {admin} user_{ADMIN}="{password_of(ADMIN)}";'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.server,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.ca,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
    }


def secured_kafka(folder: Path, admin: Brokers, certificates: Certificates, logs: Path) -> Child:
    """The broker, with its users made when its storage was formatted."""
    folder.mkdir()
    port = int(admin.rpartition(":")[2])
    lines = "".join(
        f"{name}={value}\n" for name, value in kafka_settings(port, certificates).items()
    )
    write_private(folder / "server.properties", lines)
    (folder / "log4j2.properties").write_text(_LOGGING)
    jars = jar_paths("kafka", JARS, print)
    users = [
        word
        for user in (ADMIN, *USERS)
        for word in (
            "--add-scram",
            f"SCRAM-SHA-512=[name={user},password={password_of(user)}]",
        )
    ]
    words = ("format", "-t", CLUSTER, "-c", "server.properties", *users)
    command = java_command(jars, "kafka.tools.StorageTool", words, _JVM_OPTIONS)
    with Process(Child("kafka-format", command, lambda _: True, folder=folder), logs) as process:
        process.wait_until_done()
    return Child(
        "kafka",
        java_command(jars, "kafka.Kafka", ("server.properties",), _JVM_OPTIONS),
        lambda _: is_kafka_healthy(admin),
        folder=folder,
    )


def brokers_of(user: str, port: int, certificates: Certificates, folder: Path) -> Brokers:
    """The same Kafka for one user: what a settings file of a managed one looks like."""
    file = folder / f"{user}.properties"
    write_private(
        file,
        "security.protocol=SASL_SSL\n"
        "sasl.mechanisms=SCRAM-SHA-512\n"
        f"sasl.username={user}\n"
        f"sasl.password={password_of(user)}\n"
        f"ssl.ca.location={certificates.ca}\n",
    )
    return Brokers(f"{LOOPBACK}:{port}", file)


def rights_of(user: str) -> Iterator[AclBinding]:
    """The lines of the table for one user, and no others."""
    role = role_of(user)

    def may(
        kind: ResourceType, name: str, operation: AclOperation, pattern: Any = None
    ) -> AclBinding:
        return AclBinding(
            kind, name, pattern or ResourcePatternType.LITERAL, f"User:{user}", "*", operation,
            AclPermissionType.ALLOW,
        )  # fmt: skip

    for name in role.reads:
        yield may(ResourceType.TOPIC, name, AclOperation.READ)
    for name in role.writes:
        yield may(ResourceType.TOPIC, name, AclOperation.WRITE)
    for name in (spec.name for spec in topics()):
        if role.creates_topics:
            yield may(ResourceType.TOPIC, name, AclOperation.CREATE)
        yield may(ResourceType.TOPIC, name, AclOperation.DESCRIBE)
    yield may(ResourceType.GROUP, NO_GROUP, AclOperation.DESCRIBE)
    for group in role.groups:
        yield may(ResourceType.GROUP, group, AclOperation.READ, ResourcePatternType.PREFIXED)


def secured_valkey(folder: Path, port: int) -> Child:
    """The server with the users of the table; its `default` is the test's."""
    file = folder.parent / "valkey-admin"
    write_private(file, password_of(ADMIN))
    child = valkey_child(folder, port, file)

    def prepare() -> None:
        child.prepare()
        settings = folder / SETTINGS_FILE
        users = "".join(valkey_user(one) for one in USERS if role_of(one).keys)
        write_private(settings, settings.read_text() + users)

    return child._replace(prepare=prepare)


def valkey_user(user: str) -> str:
    role = role_of(user)
    keys = " ".join(f"~{PREFIX}:{one}" for one in role.keys)
    commands = " ".join(f"+{one}" for one in role.commands)
    return f"user {user} on >{password_of(user)} {keys} {commands}\n"


class TlsFront(threading.Thread):
    """Speaks TLS for a server that does not."""

    def __init__(self, port: int, server_port: int, certificate: Path) -> None:
        super().__init__(daemon=True)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._port, self._server_port = port, server_port
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()
        self.is_ready = threading.Event()

    def run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self.join()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, LOOPBACK, self._port, ssl=self._context
        )
        self.is_ready.set()
        await self._is_over.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.1)  # the loop closes what was told to close

    async def _connected(self, reader: Any, writer: Any) -> None:
        there, back = await asyncio.open_connection(LOOPBACK, self._server_port)
        try:
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        except asyncio.CancelledError:
            pass  # the end of the test
        finally:
            writer.transport.abort()
            back.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side is gone: so is the connection
    finally:
        writer.close()


class Secured(NamedTuple):
    """What runs, and who may ask it."""

    kafka: dict[str, Brokers]
    redis: dict[str, StoreAddress]
    store: Store
    api: str


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with fresh_home(tmp_path_factory.mktemp("secured") / "kairos") as home, ExitStack() as stack:
        folder, logs = home.path, home.path / "logs"
        ports = {name: free_port() for name in ("kafka", "valkey", "front", "api")}
        certificates = make_certificates(folder)
        kafka = {
            user: brokers_of(user, ports["kafka"], certificates, folder) for user in (ADMIN, *USERS)
        }
        start = partial(_start, stack, logs)
        start(secured_kafka(folder / "kafka", kafka[ADMIN], certificates, logs))
        admin = open_admin_of(kafka[ADMIN])
        rights = [one for user in USERS for one in rights_of(user)]
        for answer in admin.create_acls(rights).values():
            answer.result(30)
        start(secured_valkey(folder / "valkey", ports["valkey"]))
        front = TlsFront(ports["front"], ports["valkey"], certificates.server)
        front.start()
        stack.callback(front.stop)
        front.is_ready.wait()
        redis = {
            user: store_address(user, ports["front"], certificates, folder)
            for user in ("store", "api", "up")
        }
        settings = {"KAIROS_HOME": str(folder), "KAIROS_API_PORT": str(ports["api"])}
        config = config_from(settings | {"KAIROS_CONSENT": "all"})
        set_up(kafka)
        store = open_store(redis["api"], PREFIX)
        start_parts(start, config, kafka, redis, store)
        yield Secured(kafka, redis, store, f"http://{LOOPBACK}:{ports['api']}")


def store_address(user: str, port: int, certificates: Certificates, folder: Path) -> StoreAddress:
    """The same Valkey for one user: what the address of a managed Redis looks like."""
    file = folder / f"{user}.password"
    write_private(file, password_of(user) + "\n")
    return StoreAddress(f"rediss://{user}@{LOOPBACK}:{port}?ssl_ca_certs={certificates.ca}", file)


def set_up(kafka: dict[str, Brokers]) -> None:
    """What `kairos up` and an import do, as their users."""
    create_topics(kafka["up"], topics())
    log = Log(kafka["up"])
    log.control(DEFAULT_CONTROL)
    log.flush()
    log = Log(kafka["import"])
    for item in make_catalogue():
        log.item(item)
    log.flush()


def start_parts(
    start: Any,
    config: Config,
    kafka: dict[str, Brokers],
    redis: dict[str, StoreAddress],
    store: Store,
) -> None:
    """The jobs, the store writer and the API, each with its own user."""

    def at(user: str) -> Addresses:
        rest = f"{LOOPBACK}:{free_port()}"
        return Addresses(kafka[user], redis.get(user, redis["up"]), rest, rest)

    def has_writer(_: int) -> bool:
        try:
            return store.has_writer()
        except RedisError:
            return False

    waiting = [start(decide_child(config, decide := at("decide")), is_waiting=False)]
    waiting.append(start(learn_child(config, at("learn")), is_waiting=False))
    start(store_child(config, at("store"))._replace(is_healthy=has_writer))
    for process in waiting:
        process.wait_until_healthy()
    start(api_child(config, at("api")._replace(flink=decide.flink)))


def _start(stack: ExitStack, logs: Path, child: Child, is_waiting: bool = True) -> Process:
    process = stack.enter_context(Process(child, logs))
    if is_waiting:
        process.wait_until_healthy()
    return process


def test_an_event_becomes_a_decision_in_kafka_and_the_store_and_an_answer(secured: Secured) -> None:
    with httpx.Client(base_url=secured.api, timeout=30) as client:
        event = {
            "event_id": "first", "event_type": "product_viewed", "session_id": "visitor",
            "anonymous_id": "visitor", "item_ids": ["i1"], "event_time_ms": now_ms(),
        }  # fmt: skip
        assert client.post("/v1/events", json=event).status_code == 202
        with Decisions(secured.kafka["reader"]) as decisions:
            decision = decisions.of("first")
        wait_for(lambda: secured.store.stored_at_ms(decision))
        body = {"session_id": "visitor", "anonymous_id": "visitor", "events_in_session": []}
        shown = client.post("/api/recommendations", json=body)
        assert shown.status_code == 200
        today = client.get(
            "/console/api/today"
        )  # a child of the API's process reads with its rights
        assert today.json()["decisions"] >= 1, today.text
        wait_for(lambda: is_ready(client))  # a store that answers late counts as down for a moment


def is_ready(client: httpx.Client) -> bool:
    found = client.get("/readyz").json()
    return bool((found["kafka"], found["store"]) == ("up", "up"))


def test_each_part_may_do_what_is_its_own_and_nothing_else(secured: Secured) -> None:
    for user, topic in (("store", EVENTS), ("api", DECISIONS), ("reader", EVENTS)):
        failed: list[Any] = []
        producer = open_producer_of(secured.kafka[user], is_idempotent=False)
        producer.produce(
            topic, b"not mine", b"k", on_delivery=lambda error, _, seen=failed: seen.append(error)
        )
        producer.flush(30)
        assert ["AUTHORIZATION_FAILED" in one.name() for one in failed] == [True], user
    store = open_redis(secured.redis["api"])
    for key in (f"{PREFIX}:decision:a:b", "another:key"):
        with pytest.raises(NoPermissionError):
            store.set(key, b"1")
    with pytest.raises(NoPermissionError):
        open_redis(secured.redis["store"]).get("another:key")


def test_who_speaks_no_tls_or_does_not_know_the_authority_gets_nothing(
    secured: Secured, tmp_path: Path
) -> None:
    plain = secured.kafka["api"]
    stranger = brokers_of(
        "api", int(plain.rpartition(":")[2]), make_certificates(tmp_path), tmp_path
    )
    for kafka in (str(plain), stranger):
        with pytest.raises(KafkaException):
            open_admin_of(kafka).list_topics(timeout=3)
    address = secured.redis["api"]
    foreign = str(address).partition("?")[0] + f"?ssl_ca_certs={tmp_path / 'ca.pem'}"
    for url in (foreign, str(address).replace("rediss:", "redis:").partition("?")[0]):
        with pytest.raises((RedisError, OSError)):
            open_redis(StoreAddress(url, address.password_file)).ping()
