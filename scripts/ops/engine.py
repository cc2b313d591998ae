"""The engine on this machine: servers, topics, policy, the two jobs, the store writer, the clock."""

import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final, NamedTuple, Self

from redis import RedisError

from jobs.config import PROJECT, Config, own_ports
from jobs.flink.counted import is_running, read_counts
from jobs.flink.keys import home_keys, keys_for
from jobs.flink.rest import FlinkRest, rest_of
from jobs.kept_days import days_of
from jobs.learning.trust import signer_of, trust_of
from jobs.publish import Log, now_ms
from jobs.stack.environment import api_environment, job_environment, store_environment
from jobs.stack.ports import API, LOOPBACK
from jobs.stack.process import Child, Process
from jobs.stack.stack import Stack
from jobs.stack.state import file_of, kafka_words, redis_words
from log.kafka import create_topics, ends_of, partition_count
from log.topic_settings import bring_to
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.policy import DEFAULT_CONTROL
from schemas.topics import CONTROL, EVENTS, topics
from scripts.ops.local_audit import audit_key_of, audit_log_of
from scripts.ops.signed_records import refused_in_force
from scripts.ops.stores import store_of

JOBS: Final = ("flink", "learn")
"""The services that are jobs."""
LEARN_NICENESS: Final = "10"
"""Deciding comes first where the processors do not suffice for both."""
TICK_S: Final = 1.0
DRAIN_S_MAX: Final = 600.0
ALIVE_S: Final = 1.0
REST_S: Final = 0.7
"""Longer than Flink takes to refresh the counts it shows."""
JOB_SECONDS_MAX: Final = 120.0


class Addresses(NamedTuple):
    """Where the engine answers, as HOST:PORT."""

    kafka: str
    redis: str
    flink: str
    learn: str


class Engine:
    """Everything that `kairos up` and `kairos demo` run; stops all of it when it is left.

    Without `has_jobs` the two Flink jobs run elsewhere: `kairos decide --cluster`. The Decision API runs
    only where `has_api`: a benchmark of the engine has no use for it.
    `prepare` puts into the log, at Kafka's address, what shall be there before the jobs begin.
    Use it from the main thread (the children die with the thread that started them).
    """

    def __init__(
        self,
        config: Config,
        say: Callable[[str], None],
        has_jobs: bool = True,
        has_api: bool = False,
        prepare: Callable[[Log, str], None] | None = None,
    ) -> None:
        self._config = config
        self._has_jobs = has_jobs
        self._has_api = has_api
        self._prepare = prepare
        self._api: Process | None = None
        self._say = say
        left_out = {*(() if has_jobs else JOBS), *(() if has_api else (API,))}
        ports = {name: port for name, port in own_ports(config).items() if name not in left_out}
        self._stack = Stack(
            config.home, kafka=config.kafka, redis=config.redis, ports=ports, say=say
        )
        self._next_tick_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._stack.stop(error)

    def start(self) -> Addresses:
        """Starts what is not given by an address; raises ConfigError with nothing left running.

        It decides then; the learn job is still starting: see `await_learn`.
        """
        servers = self._stack.start()
        prefix = self._config.topic_prefix
        self._create_topics(servers.kafka)
        self.log = self._open_log(servers.kafka)
        self._publish_policy(servers.kafka)
        if self._prepare is not None:
            self._prepare(self.log, servers.kafka)
        for line in refused_in_force(servers.kafka, prefix, trust_of(self._config)):
            self._say(line)
        self._partitions = partition_count(servers.kafka, prefix + EVENTS)
        flink = self._config.flink or self._address("flink")
        self.addresses = Addresses(servers.kafka, servers.redis, flink, flink)
        if self._has_jobs:
            self._stack.add(decide_child(self._config, self.addresses))
        self._stack.add(store_child(self._config, self.addresses))
        if self._has_jobs:
            # a port is looked for when it is wanted: it may be taken meanwhile
            learn = self._config.flink or self._address("learn")
            self.addresses = self.addresses._replace(learn=learn)
            self._learn = self._stack.launch(learn_child(self._config, self.addresses))
        if self._has_api:
            config = self._config._replace(api_port=self._stack.port(API))
            self._api = self._stack.launch(api_child(config, self.addresses))
        return self.addresses

    def await_api(self) -> str | None:
        """The address of the Decision API once it answers, None without one; ConfigError if it does not."""
        if self._api is None:
            return None
        self._api.wait_until_healthy()
        return self._api.child.address

    def await_learn(self) -> None:
        """Returns when the learn job takes events; raises ConfigError if it does not."""
        if self._has_jobs:
            self._learn.wait_until_healthy()

    def keep(self) -> None:
        """Starts again what has died, and puts the time into the log; to be called several times a second."""
        self._stack.keep()
        try:
            self.tick()
        except ConfigError:  # a producer that has given up for good, and says so at each record
            self.log = self._open_log(self.addresses.kafka)

    def check(self) -> None:
        """Raises ConfigError if a child has died, for a run that is worth nothing then; several times a second."""
        death = self._stack.poll()
        if death is not None:
            raise ConfigError(
                f"{death.name} ended with code {death.exit_code}: {death.cause} ({death.log})"
            )

    def tick(self) -> None:
        """Puts the time into the log, once a second, so that a quiet site's timers fire too."""
        now_s = time.monotonic()
        if now_s < self._next_tick_s:
            return
        self._next_tick_s = now_s + TICK_S
        for partition in range(self._partitions):
            self.log.tick(clock_tick(partition, now_ms()), partition)

    def counts_now(self) -> dict[str, int]:
        """The job's counts once it has taken every event that is in the log by now.

        A clock tick goes to the end of each partition; when all have been counted, what lay before
        them has been taken. Decisions follow within moments, so their count must come to rest.
        """
        flink = rest_of(self._config, self.addresses.flink)
        wanted = read_counts(flink)["clock_ticks"] + self._partitions
        self._next_tick_s = 0.0
        self.tick()
        self.log.flush()
        deadline_s = time.monotonic() + DRAIN_S_MAX
        counts: dict[str, int] = {}
        while True:
            before, counts = counts, read_counts(flink)
            if counts["clock_ticks"] >= wanted and counts == before:
                return counts
            self.check()
            if time.monotonic() > deadline_s:
                raise ConfigError("the decide job does not work off its log; see its log file")
            time.sleep(REST_S)

    def _address(self, service: str) -> str:
        return f"{LOOPBACK}:{self._stack.port(service)}"

    def _open_log(self, kafka: str) -> Log:
        config = self._config
        sign = signer_of(config)
        return Log(kafka, config.topic_prefix, config.written_format, sign=sign)

    def _create_topics(self, kafka: str) -> None:
        config = self._config
        specs = topics(config.topic_prefix, days_of(config))
        create_topics(kafka, specs)
        if (
            config.kafka is None
        ):  # another's topics are its own business: `kairos doctor` compares them
            for one in bring_to(kafka, specs, now_ms()):
                self._say(f"topic {one.topic}: {one.setting} is {one.wanted} now, was {one.found}")

    def _publish_policy(self, kafka: str) -> None:
        topic = self._config.topic_prefix + CONTROL
        if not any(ends_of(kafka, [topic])[topic].values()):
            self.log.control(DEFAULT_CONTROL)
            self.log.flush()


def clock_tick(partition: int, time_ms: int) -> Event:
    """The event that says what time it is."""
    clock = f"clock-{partition}"
    return Event(f"{clock}-{time_ms}", "clock_ticked", time_ms, clock, clock)


def decide_child(config: Config, addresses: Addresses) -> Child:
    """The decide job as a child process; healthy when every task runs."""
    return _job_child(config, "decide", addresses.kafka, addresses.flink)._replace(service="flink")


def learn_child(config: Config, addresses: Addresses) -> Child:
    """The learn job as a child process; healthy when every task runs."""
    child = _job_child(config, "learn", addresses.kafka, addresses.learn)
    return child._replace(argv=("nice", "-n", LEARN_NICENESS, *child.argv))


def _job_child(config: Config, job: str, kafka: str, flink: str) -> Child:
    rest = FlinkRest(flink, home_keys(config.home))
    port = flink.rpartition(":")[2]
    return Child(
        name=job,
        argv=(sys.executable, "-m", f"jobs.run_{job}", *kafka_words(kafka), "--rest-port", port),
        is_healthy=lambda _: is_running(rest, job),
        address=flink,
        folder=PROJECT,
        environment=job_environment(config),
        healthy_seconds_max=JOB_SECONDS_MAX,
    )


def store_child(config: Config, addresses: Addresses) -> Child:
    """The store writer as a child process; healthy when it has its partitions."""
    store = store_of(config, addresses.redis)
    key_file = config.pseudonym_key_file

    def is_healthy(_: int) -> bool:
        try:
            return store.has_writer()
        except RedisError:
            return False

    return Child(
        name="store",
        argv=(
            sys.executable, "-m", "channels.store.writer", *kafka_words(addresses.kafka),
            *redis_words(addresses.redis), "--topic-prefix", config.topic_prefix,
            "--store-prefix", config.store_prefix,
            *(("--pseudonym-key-file", str(key_file)) if key_file else ()),
            "--audit-log-file", str(audit_log_of(config).path), "--audit-key-file", str(audit_key_of(config)),
        ),
        is_healthy=is_healthy,
        folder=PROJECT,
        environment=store_environment(config),
    )  # fmt: skip


def api_child(config: Config, addresses: Addresses) -> Child:
    """The Decision API as a child process; healthy when it answers."""
    port = config.api_port
    # told by their folder: to the API this Flink is one that the settings name
    keys = keys_for(config, addresses.flink)
    own = config._replace(
        flink_keys=keys.folder if keys else None, kafka=addresses.kafka, kafka_settings_file=file_of(addresses.kafka),
        redis=addresses.redis, redis_password_file=file_of(addresses.redis), flink=addresses.flink,
    )  # fmt: skip
    return Child(
        name="api",
        argv=(
            sys.executable, "-m", "scripts", "api", "--host", config.api_host, "--port", str(port),
        ),
        is_healthy=lambda _: is_api_alive(f"127.0.0.1:{port}"),
        address=f"127.0.0.1:{port}",
        folder=PROJECT,
        environment=api_environment(own),
    )  # fmt: skip


def is_api_alive(address: str) -> bool:
    """Whether a Decision API answers at HOST:PORT."""
    host, _, port = address.rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=ALIVE_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
