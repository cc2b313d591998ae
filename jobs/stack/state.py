"""What runs in a home folder: the lock, the state file, and stopping it from another process."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from jobs.stack.restarts import Ending
from log.settings import Brokers
from log.store_address import StoreAddress
from schemas.errors import ConfigError

POLL_SECONDS: Final = 0.05
LOCK: Final = "stack.lock"
OWNER_SECONDS_MAX: Final = 60.0
CHILD_SECONDS_MAX: Final = 20.0


class Running(msgspec.Struct, frozen=True):
    """A process, told apart from a later one with the same pid by when it began."""

    pid: int
    began: str


class Service(msgspec.Struct, frozen=True):
    """A server of the stack; one that the user brought has no process.

    `settings_file`: what its clients need beside the address; for Redis, the password. `restarts`: how often it was started again; `ending`: how it ended by itself the last time. One that `is_failing`
    ends each time soon after its start. `log` is the file that a service of ours writes to.
    """

    name: str
    address: str | None = None
    process: Running | None = None
    restarts: int = 0
    ending: Ending | None = None
    is_failing: bool = False
    settings_file: str | None = None
    log: str | None = None


class State(msgspec.Struct, frozen=True):
    """The state file: who holds the stack, what is in it, and how it was left, once its owner has said so."""

    owner: Running
    services: tuple[Service, ...] = ()
    ended: Ending | None = None

    def address_of(self, name: str) -> str | None:
        """The address of a service, with its file."""
        found = next((one for one in self.services if one.name == name), None)
        if found is None or found.address is None:
            return None
        file = Path(found.settings_file) if found.settings_file else None
        known: dict[str, type[Brokers | StoreAddress]] = {"kafka": Brokers, "redis": StoreAddress}
        return known[name](found.address, file) if name in known else found.address

    def embedded_address(self, name: str) -> str | None:
        """The address of a service that was started here."""
        found = (one.address for one in self.services if one.name == name and one.process)
        return next(found, None)


def file_of(address: str | None) -> Path | None:
    """The file with what the clients of a server need beside its address."""
    if isinstance(address, Brokers):
        return address.settings_file
    return address.password_file if isinstance(address, StoreAddress) else None


def kafka_words(kafka: str) -> tuple[str, ...]:
    """A Kafka on the command line of a child: the path of its file is no secret."""
    file = file_of(kafka)
    return ("--kafka", str(kafka), *(("--kafka-settings-file", str(file)) if file else ()))


def redis_words(redis: str) -> tuple[str, ...]:
    """A store on the command line of a child."""
    file = file_of(redis)
    return ("--redis", str(redis), *(("--redis-password-file", str(file)) if file else ()))


def running(pid: int) -> Running:
    """The process with this pid; `began` is empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return Running(pid, "")
    # The name in brackets may hold anything; state and start time are the 1st and 20th after it.
    fields = stat.rpartition(")")[2].split()
    return Running(pid, "" if fields[0] == "Z" else f"{boot}/{fields[19]}")


def is_alive(process: Running) -> bool:
    """Whether exactly this process still runs."""
    return bool(process.began) and running(process.pid) == process


def read_state(home: Path) -> State | None:
    """What the state file says, None where there is none.

    It outlives the stack: the next one takes the same ports, so ask `is_alive` of a process.
    """
    try:
        return msgspec.json.decode((home / "stack.json").read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_state(home: Path, state: State) -> None:
    """Replaces the state file in one step."""
    fresh = home / "stack.json.new"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    fresh.replace(home / "stack.json")


def is_held(state: State) -> bool:
    """Whether its owner still keeps it running."""
    return state.ended is None and is_alive(state.owner)


def beat(home: Path) -> None:
    """Says that the owner lives: where it is killed, this is the last that is known of it."""
    with suppress(OSError):
        os.utime(home / LOCK)


def end_of(home: Path, state: State) -> Ending:
    """When and why the stack of this home, which nobody holds any more, ended."""
    if state.ended is not None:
        return state.ended
    file = home / LOCK
    at_ms = int(file.stat().st_mtime * 1_000) if file.exists() else 0
    boot = running(os.getpid()).began.partition("/")[0]
    if state.owner.began.partition("/")[0] != boot:
        return Ending(at_ms, "the machine was started again")
    return Ending(at_ms, f"its supervisor, pid {state.owner.pid}, was killed, and all with it")


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Holds the home folder; raises ConfigError where another live process does."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_state(home)
            pid = f", pid {state.owner.pid}" if state else ""
            raise ConfigError(f"already running in {home}{pid}: `kairos down` stops it") from None
        yield


def end(process: Running, seconds_max: float) -> None:
    """Asks a process of ours to end, kills it after `seconds_max`, and returns when it is gone."""
    deadline = time.monotonic() + seconds_max
    _signal(process, signal.SIGTERM)
    while is_alive(process):
        if time.monotonic() > deadline:
            _signal(process, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def end_leftovers(home: Path) -> tuple[str, ...]:
    """Ends what a killed owner may have left, and returns the names."""
    state = read_state(home)
    left = [one for one in state.services if one.process and is_alive(one.process)] if state else []
    for service in left:
        assert service.process
        end(service.process, CHILD_SECONDS_MAX)
    return tuple(service.name for service in left)


def down(home: Path) -> tuple[str, ...]:
    """Stops the stack of this home from any process, and returns the names of what ran."""
    state = read_state(home)
    if state is None:
        return ()
    was_up = [one.name for one in state.services if one.process and is_alive(one.process)]
    end(state.owner, OWNER_SECONDS_MAX)
    end_leftovers(home)
    return tuple(was_up)


def _signal(process: Running, number: signal.Signals) -> None:
    if is_alive(process):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
