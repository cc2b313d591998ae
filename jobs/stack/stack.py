"""The stack: Kafka, Valkey and whatever is added, started in order, kept running and stopped in reverse."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from os import getpid
from pathlib import Path
from typing import Final, NamedTuple, Self

from jobs.stack import kafka, state, valkey
from jobs.stack.causes import remedy
from jobs.stack.jars import jar_paths
from jobs.stack.passwords import passwords_of
from jobs.stack.ports import claim_ports, port_of
from jobs.stack.private import make_private, written_privately
from jobs.stack.process import Child, PortTaken, Process, ended_by_sigterm
from jobs.stack.restarts import Ending, ending_now
from jobs.stack.supervised import Supervised
from schemas.errors import ConfigError, NotUp

PORT_ATTEMPTS_MAX: Final = 3
BEAT_S: Final = 1.0


class StackAddresses(NamedTuple):
    """Where the two servers answer, as HOST:PORT, with the files that their clients need."""

    kafka: str
    redis: str


class Death(NamedTuple):
    """A child that ended by itself: how, why in one line, and where it logged."""

    name: str
    exit_code: int
    cause: str
    log: Path


class Stack:
    """Owns the servers of one home folder for as long as this process lives.

    A `kafka` or `redis` address replaces the embedded server. `ports` are those of what is started, by service;
    0, or none, is any free one. `say` gets progress, line by line.
    Use it from the main thread: the children die with the thread that started them. SIGTERM ends
    the owner through `stop`, unless it has a handler of its own.
    """

    def __init__(
        self,
        home: Path,
        *,
        kafka: str | None = None,
        redis: str | None = None,
        ports: Mapping[str, int] = {},
        jars: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.home = home.absolute()
        self.jars = jars or self.home / "jars"
        self._kafka = kafka
        self._redis = redis
        self._ports = ports
        self._say = say
        self._children: list[Supervised] = []
        self._servers = 0
        self._external: list[state.Service] = []
        self._last: state.State | None = None
        self._is_recorded = True
        self._is_held = False
        self._next_beat_s = 0.0
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.stop(error)

    def start(self) -> StackAddresses:
        """Starts or checks both servers; raises ConfigError, with nothing left running."""
        try:
            self._cleanup.enter_context(written_privately())
            make_private(self.home)
            self._cleanup.enter_context(state.lock(self.home))
            self._is_held = True
            self._cleanup.enter_context(ended_by_sigterm())
            state.end_leftovers(self.home)
            self._last = state.read_state(self.home)
            claim_ports(self._ports)
            self._record()
            redis = self._start_redis()
            kafka_address = self._start_kafka()
            self._servers = len(self._children)
            return StackAddresses(kafka=kafka_address, redis=redis)
        except OSError as error:
            self.stop(error)
            raise ConfigError(f"{self.home}: {error}; {remedy(str(error))}") from error
        except BaseException as error:
            self.stop(error)
            raise

    def add(self, child: Child) -> None:
        """Starts one more child and returns when it is healthy; raises StartFailed."""
        process = self.launch(child)
        try:
            process.wait_until_healthy()
        except BaseException:
            process.stop()
            self._children.pop()
            self._record()
            raise

    def launch(self, child: Child) -> Process:
        """Starts one more child and does not wait for it; `poll` says if it dies, `keep` starts it again."""
        self._say(f"starting {child.name}")
        self._children.append(Supervised(child, self.home / "logs"))
        # Recorded before it answers, so that `kairos down` finds it even now.
        self._record()
        return self._children[-1].process

    def poll(self) -> Death | None:
        """A child that has ended by itself, if any; also keeps the logs bounded."""
        self._beat()
        for process in (one.process for one in self._children):
            process.bound_log()
            if (code := process.exit_code()) is not None:
                return Death(process.child.name, code, process.root_cause(), process.log)
        return None

    def keep(self) -> None:
        """Starts again what has ended by itself, each child by itself; to be called several times a second.

        How often stands in jobs/stack/restarts.py. `keep` and `poll` are not for the same stack at the same time.
        """
        self._beat()
        news = [child.keep(self._say) for child in self._children]
        if any(news) or not self._is_recorded:
            self._is_recorded = False
            with suppress(OSError):  # a full disk: written once there is room
                self._record()

    def port(self, service: str) -> int:
        """Where a service shall answer; raises ConfigError if that port was wanted and is taken."""
        last = self._last.embedded_address(service) if self._last else None
        port = int(last.rpartition(":")[2]) if last is not None else None
        return port_of(service, self._ports.get(service, 0), port)

    def stop(self, error: BaseException | None = None) -> None:
        """Stops everything in reverse order and gives the home folder back; the state file keeps why, once."""
        left = self._state(ending_now(_reason(error)))
        self._stop_down_to(0)
        if self._is_held:
            self._is_held = False
            with suppress(OSError):  # a full disk: then it is not known when and why
                state.write_state(self.home, left)
        self._cleanup.close()

    def stop_children(self) -> None:
        """Stops all but the servers."""
        self._stop_down_to(self._servers)

    def _stop_down_to(self, count: int) -> None:
        while len(self._children) > count:
            self._children[-1].stop()
            self._children.pop()

    def _start_redis(self) -> str:
        if self._redis is not None:
            return self._given("redis", self._redis, valkey.is_valkey_healthy)
        folder, passwords = self.home / "valkey", passwords_of(self.home)
        return self._add_on_port(
            "redis", lambda port: valkey.valkey_child(folder, port, passwords.redis)
        )

    def _start_kafka(self) -> str:
        if self._kafka is not None:
            return self._given("kafka", self._kafka, kafka.is_kafka_healthy)
        folder, passwords = self.home / "kafka", passwords_of(self.home)
        jars = jar_paths("kafka", self.jars, self._say)
        cluster = kafka.format_storage(folder, jars, self.home / "logs")
        return self._add_on_port(
            "kafka",
            lambda port: kafka.kafka_child(folder, jars, port, cluster, self._say, passwords.kafka),
        )

    def _given(self, name: str, address: str, is_healthy: Callable[[str], bool]) -> str:
        if not is_healthy(address):
            raise NotUp(
                f"KAIROS_{name.upper()}={address} does not answer: "
                "start that server, or unset the variable to get an embedded one"
            )
        file = state.file_of(address)
        shown = str(file) if file is not None else None
        self._external.append(state.Service(name, str(address), settings_file=shown))
        self._record()
        return address

    def _add_on_port(self, service: str, child_on: Callable[[int], Child]) -> str:
        child = child_on(self.port(service))
        for attempt in range(1, PORT_ATTEMPTS_MAX + 1):
            try:
                self.add(child)
                break
            except PortTaken:
                # Free when we looked, taken since.
                if attempt == PORT_ATTEMPTS_MAX:
                    raise
                child = child_on(port_of(service, self._ports.get(service, 0)))
        assert child.address
        return child.address

    def _record(self) -> None:
        state.write_state(self.home, self._state(None))
        self._is_recorded = True

    def _state(self, ended: Ending | None) -> state.State:
        started = (child.service() for child in self._children)
        return state.State(state.running(getpid()), (*self._external, *started), ended)

    def _beat(self) -> None:
        if time.monotonic() >= self._next_beat_s:
            self._next_beat_s = time.monotonic() + BEAT_S
            state.beat(self.home)


def _reason(error: BaseException | None) -> str:
    if error is None or isinstance(error, KeyboardInterrupt | SystemExit):
        return "it was stopped"
    return f"it ended by an error: {error}"
