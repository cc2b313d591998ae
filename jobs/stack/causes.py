"""From a server's log to one line that says why it died, and to what the reader can do about it."""

import re
from pathlib import Path
from typing import Final

TAIL_BYTES: Final = 65_536
LINE_CHARS_MAX: Final = 300

_PREFIX: Final = re.compile(
    r"^(\d{4}-\d\d-\d\d[T ][\d:,.]+ |\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [#*.-] |Caused by: )"
)
_ERROR: Final = re.compile(
    r"^Caused by: |\b\w*(Error|Exception)\b|\b(ERROR|FATAL|Fatal|Failed|Could not|Cannot|Can't|"
    r"cannot|insufficient memory|No space left)\b"
)
_REMEDIES: Final = (
    ("No space left on device", "free some disk space"),
    ("Address already in use", "stop what listens there, or choose another port: KAIROS_PORTS"),
    ("insufficient memory", "close other programs: about 3 GiB of free memory are needed"),
    ("Cannot allocate memory", "close other programs: about 3 GiB of free memory are needed"),
    ("Could not reserve enough space", "close other programs: about 3 GiB of memory are needed"),
    ("OutOfMemoryError", "close other programs: about 3 GiB of free memory are needed"),
    ("Permission denied", "give your user the right to write there, or set KAIROS_HOME"),
    ("Read-only file system", "set KAIROS_HOME to a folder that can be written"),
    ("Failed to acquire lock", "stop the other Kafka that uses this folder, or set KAIROS_HOME"),
    ("Too many open files", "raise the limit: `ulimit -n 65536`"),
)


def tail(log: Path) -> str:
    """The last 64 KiB of a log; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")


def root_cause(text: str) -> str:
    """The last line of a log that names an error, else its last line; without its time stamp.

    Java and Python both print the innermost cause last and indent everything below it.
    """
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and line[0] not in " \t"]
    errors = [line for line in lines if _ERROR.search(line)]
    last = (errors or lines or ["nothing was logged"])[-1]
    return _PREFIX.sub("", last)[:LINE_CHARS_MAX]


def is_port_taken(text: str) -> bool:
    """Whether the log says that another process listens on the wanted port."""
    return "Address already in use" in text


def remedy(cause: str) -> str:
    """What to do about a cause, as the end of a sentence; `read the log` where it is unknown."""
    return next((advice for sign, advice in _REMEDIES if sign in cause), "read the log")
