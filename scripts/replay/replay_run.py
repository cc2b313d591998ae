"""A replay as it is kept on disk: what was asked for, how far it is, and who works on it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

import msgspec
from msgspec import Struct

from jobs.config import Config
from jobs.fold.replay import Plan
from schemas.errors import ConfigError
from schemas.events import ALL_PURPOSES
from schemas.items import Uncatalogued
from schemas.limits import SESSION_BURST, SESSION_EVENTS_PER_S

FOLDER: Final = "replays"
State = Literal["preparing", "replaying", "paused", "live", "done"]


class Asked(Struct, frozen=True):
    """What makes one replay another: it goes on only where the same is asked again.

    `policy` and `model`: the versions to decide with instead of the log's; `archive` stands before what
    Kafka still holds; `mapping` is the digest of the topic's. A run of before `consent` was kept granted everything. The others but `archive` are settings that decisions depend on.
    """

    from_ms: int | None
    to_ms: int | None
    policy: str | None
    model: str | None
    then_live: bool
    source_prefix: str
    source_format: str
    lateness_ms: int
    seed: str
    archive: str | None = None
    session_events_per_s: int = SESSION_EVENTS_PER_S
    session_burst: int = SESSION_BURST
    uncatalogued: Uncatalogued = "when_empty"
    consent: str = ALL_PURPOSES
    mapping: str | None = None
    keeps_raw: bool = False


class Manner(Struct, frozen=True):
    """How it is done, which changes no decision: records a second, at most; the store's prefix, if any;
    the niceness of its processes.
    """

    rate: int | None = None
    store_prefix: str | None = None
    niceness: int = 10


class Progress(Struct, frozen=True):
    """Records taken of `total`, records a second lately, seconds left, and the time of the log reached."""

    taken: int = 0
    total: int = 0
    per_s: float = 0.0
    left_s: float | None = None
    reached_ms: int | None = None


class Run(Struct):
    """One replay. `savepoint`: where it goes on unless a checkpoint is newer; `handover`: that with which
    one range ended and the next, or live, begins: its source begins anew, where the other ended.
    `busy_s`: seconds in which the job ran; `runs`: how often it was started.
    """

    prefix: str
    asked: Asked
    manner: Manner
    state: State = "preparing"
    plan: Plan | None = None
    savepoint: str | None = None
    handover: str | None = None
    progress: Progress = Progress()
    busy_s: float = 0.0
    runs: int = 0


class RunFolder:
    """Where a replay's files lie: `run.json`, `plan.json`, its savepoints, its lock, its pause."""

    def __init__(self, config: Config, prefix: str) -> None:
        self.path = config.home / FOLDER / prefix
        self.plan = self.path / "plan.json"
        self.savepoints = self.path / "savepoints"
        self._pause = self.path / "pause"
        self._run = self.path / "run.json"
        self._lock = self.path / "lock"

    def read(self) -> Run | None:
        """The run, None where there is none; raises ConfigError where it cannot be read."""
        try:
            return msgspec.json.decode(self._run.read_bytes(), type=Run)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self._run} is broken ({error}): `kairos replay drop` removes this replay"
            ) from error

    def read_if_whole(self) -> Run | None:
        """The run; None where there is none that can be read."""
        with suppress(ConfigError):
            return self.read()
        return None

    def write(self, run: Run) -> None:
        """Replaces the run in one step; raises ConfigError where it cannot."""
        fresh = self._run.with_suffix(".new")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
            fresh.replace(self._run)
        except OSError as error:
            raise ConfigError(
                f"{fresh}: {error.strerror}: free some space or set KAIROS_HOME; "
                "the same command goes on"
            ) from error

    def remove(self) -> None:
        """Forgets the run."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def is_paused(self) -> bool:
        """Whether a pause was asked for."""
        return self._pause.exists()

    def pause(self) -> None:
        """Asks for a pause of whoever works on it."""
        self._pause.touch()

    def go_on(self) -> None:
        """Takes the pause back."""
        self._pause.unlink(missing_ok=True)

    def worker(self) -> int | None:
        """The pid of the process that works on it; None = nobody does."""
        if not self._lock.exists():
            return None
        with self._lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Works on it alone; raises ConfigError where another process does."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    f"the prefix {self.path.name} is in use: pid {self.worker()} replays into it; "
                    f"`kairos replay status` shows it, `kairos replay pause {self.path.name}` pauses it"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def all_runs(config: Config) -> list[tuple[RunFolder, Run]]:
    """Every replay of this home, by prefix."""
    places = sorted((config.home / FOLDER).glob("*/run.json"))
    folders = [RunFolder(config, place.parent.name) for place in places]
    return [(folder, run) for folder in folders if (run := folder.read()) is not None]
