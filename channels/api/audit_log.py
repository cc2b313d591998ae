"""The audit log: who changed what, or looked at whom, when, from where. JSON Lines, only ever appended to.

Each line holds the hash of the line before it, so a line that was altered, taken out or put in is
found. What was cut off at the end is found by whoever noted a hash before (`verify(path, noted)`).
"""

import contextlib
import errno
import fcntl
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError

NO_HASH: Final = "0" * 64
"""What the first line names as the hash before it."""
TEXT_LENGTH_MAX: Final = 1_000
LINE_BYTES_MAX: Final = 1 << 17
FAULTS_MAX: Final = 100
READ: Final = "read"
"""The outcome of a look, which changes nothing (channels/api/read_log.py)."""


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One change or look. `what` is `policy publish`, `sign in`, `read person` …; `outcome` is `begun`, `done`, `read` or why not."""

    at_ms: int
    who: str
    role: str
    address: str
    what: str
    outcome: str
    details: dict[str, str]
    previous: str
    hash: str = ""


_ENTRY: Final = msgspec.json.Decoder(Entry)


class Actor(NamedTuple):
    """Who changes something: the name of a key or of a user of this machine, a role, an address."""

    who: str
    role: str
    address: str


class Verified(NamedTuple):
    """What a check has found: `head` is the hash of the last line; no faults = nothing was altered."""

    entries: int
    head: str
    faults: list[str]


class AuditLog:
    """One file. Several processes may append to it; each entry is on the disk when `append` returns."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def append(self, actor: Actor, what: str, outcome: str, details: Mapping[str, str]) -> Entry:
        """Adds an entry; raises ConfigError where it cannot be written: then nothing may be changed."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(number, "rb+", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                last = _last_line(number)
                entry = Entry(
                    at_ms=int(self._clock() * 1000),
                    who=_cut(actor.who),
                    role=actor.role,
                    address=_cut(actor.address),
                    what=_cut(what),
                    outcome=_cut(outcome),
                    details={_cut(name): _cut(text) for name, text in details.items()},
                    previous=_hash_in(last),
                )
                entry = msgspec.structs.replace(entry, hash=_hash_of(entry))
                # a line that a crash has torn stays as it is, and is found
                begin = b"" if not last or last.endswith(b"\n") else b"\n"
                _write(number, begin + msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            raise ConfigError(
                f"the audit log {self.path} cannot be written ({error.strerror}): "
                "nothing is changed until it can"
            ) from error
        return entry

    @contextlib.contextmanager
    def recording(
        self, actor: Actor, what: str, details: dict[str, str]
    ) -> Iterator[dict[str, str]]:
        """Says before a change that it begins, and after it how it ended; raises ConfigError before it.

        What the change adds to the yielded details stands in the second entry.
        """
        self.append(actor, what, "begun", details)
        try:
            yield details
        except BaseException as error:
            self.append(actor, what, str(error) or type(error).__name__, details)
            raise
        self.append(actor, what, "done", details)

    def newest(
        self, count: int, is_wanted: Callable[[Entry], bool] = lambda _: True
    ) -> list[Entry]:
        """The last entries that are wanted, the newest first; what cannot be read is left out."""
        found: deque[Entry] = deque(maxlen=count)
        for line in _lines(self.path):
            try:
                entry = _ENTRY.decode(line)
            except msgspec.MsgspecError:
                continue
            if is_wanted(entry):
                found.append(entry)
        return list(reversed(found))


def is_change(entry: Entry) -> bool:
    """Whether something was changed, or was to be."""
    return entry.outcome != READ


def is_look(entry: Entry) -> bool:
    """Whether somebody has only looked."""
    return entry.outcome == READ


def verify(path: Path, noted: str = "") -> Verified:
    """Checks the chain; `noted` is a hash that has to be in it. Raises ConfigError without a file."""
    if not path.is_file():
        raise ConfigError(f"there is no audit log {path}")
    faults: list[str] = []
    previous, count, is_noted = NO_HASH, 0, noted in ("", NO_HASH)
    for count, line in enumerate(_lines(path), start=1):
        try:
            entry = _ENTRY.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            faults.append(f"line {count} cannot be read: it was altered, or torn by a crash")
            continue
        if entry.hash != _hash_of(entry):
            faults.append(f"line {count} was altered")
        elif entry.previous != previous:
            faults.append(f"before line {count} a line was altered, taken out or put in")
        previous = entry.hash
        is_noted = is_noted or entry.hash == noted
    if not is_noted:
        faults.append(f"no line has the hash {noted}: lines were cut off, or the log was replaced")
    return Verified(count, previous, faults[:FAULTS_MAX])


def _hash_of(entry: Entry) -> str:
    return sha256(
        msgspec.json.encode(msgspec.structs.replace(entry, hash=""), order="sorted")
    ).hexdigest()


def _hash_in(line: bytes) -> str:
    """The hash of a line; of one that cannot be read, that of its bytes: the chain shows the break."""
    if not line:
        return NO_HASH
    try:
        return _ENTRY.decode(line).hash
    except msgspec.MsgspecError:
        return sha256(line).hexdigest()


def _last_line(number: int) -> bytes:
    """The last line with its end, as far as it is there; empty of an empty file."""
    size = os.fstat(number).st_size
    begin = max(0, size - LINE_BYTES_MAX)
    data = os.pread(number, size - begin, begin)
    return data[data.rfind(b"\n", 0, len(data) - 1) + 1 :]


def _write(number: int, data: bytes) -> None:
    """Writes all of it or nothing."""
    size = os.fstat(number).st_size
    try:
        if os.write(number, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(number)
    except OSError:
        os.ftruncate(number, size)
        raise


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"the audit log {path} cannot be read: {error.strerror}") from error


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH_MAX else text[: TEXT_LENGTH_MAX - 1] + "…"
