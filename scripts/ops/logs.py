"""`kairos logs`: what the services of a home write to their logs, one or all of them, as it comes."""

import time
from pathlib import Path
from typing import Final

from jobs.config import Config
from jobs.stack.causes import tail
from schemas.errors import ConfigError
from scripts.console import show

FILES: Final = {
    "kafka": "kafka.log", "redis": "valkey.log", "flink": "decide.log", "learn": "learn.log",
    "store": "store.log", "api": "api.log", "supervisor": "supervisor.log",
}  # fmt: skip
"""By service; the supervisor is what starts and keeps the others."""
LINES: Final = 50
LINES_OF_EACH: Final = 10
"""Where all are shown."""
POLL_S: Final = 0.3


def show_logs(config: Config, service: str | None, lines: int | None, *, is_followed: bool) -> None:
    """Shows the newest lines, then, if asked, what comes, until Ctrl-C; raises ConfigError where there is no log."""
    logs = _logs_of(config.home / "logs", service)
    for log in logs:
        log.show(log.newest(lines or (LINES if service else LINES_OF_EACH)))
    while is_followed:
        time.sleep(POLL_S)
        for log in logs:
            log.show(log.more())


class Log:
    """One log, read from where the last look ended; a successor under its name is read from its beginning."""

    def __init__(self, path: Path, prefix: str = "") -> None:
        self._path = path
        self._prefix = prefix
        self._inode, self._at = 0, 0
        self._rest = b""

    def newest(self, count: int) -> list[str]:
        """The last lines that are there."""
        if self._path.exists():
            status = self._path.stat()
            self._inode, self._at = status.st_ino, status.st_size
        return tail(self._path).splitlines()[-count:]

    def more(self) -> list[str]:
        """The whole lines that have come since; none while there is no file."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            inode = self._path.stat().st_ino
            if inode != self._inode or file.seek(0, 2) < self._at:
                self._inode, self._at, self._rest = inode, 0, b""
            file.seek(self._at)
            *whole, self._rest = (self._rest + file.read()).split(b"\n")
            self._at = file.tell()
        return [line.decode("utf-8", errors="replace") for line in whole]

    def show(self, lines: list[str]) -> None:
        """Prints them, with the service's name before each where there are several."""
        for line in lines:
            show(f"{self._prefix}{line}")


def _logs_of(folder: Path, service: str | None) -> list[Log]:
    if service is not None and service not in FILES:
        raise ConfigError(f"there is no service {service!r}: name one of {', '.join(FILES)}")
    if service is not None:
        if not (folder / FILES[service]).exists():
            raise ConfigError(f"{service} has not logged anything in {folder} yet")
        return [Log(folder / FILES[service])]
    if not any((folder / name).exists() for name in FILES.values()):
        raise ConfigError(f"nothing has been logged in {folder} yet: `kairos up` starts it")
    return [Log(folder / name, f"{one:10} | ") for one, name in FILES.items()]
