"""Counting over a log in a child process, beside the API's process, which answers meanwhile: both ends of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from jobs.config import PROJECT
from log.settings import Brokers, settings_file_of

WAITED_S: Final = 18.0
"""Longer than a child takes by itself, shorter than the console waits for any answer."""
NICENESS: Final = 10
"""Deciding comes first."""

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Place(Struct, frozen=True):
    """A Kafka, the file with what its clients need, and the prefix of the topics."""

    kafka: str
    settings_file: str | None
    prefix: str

    @property
    def brokers(self) -> Brokers:
        """The Kafka, as clients want it."""
        return Brokers(self.kafka, Path(self.settings_file) if self.settings_file else None)


class NotCounted(Exception):
    """Nothing was counted; the message says why."""


def place_of(kafka: str, prefix: str) -> Place:
    """What a child is told of a Kafka."""
    file = settings_file_of(kafka)
    return Place(str(kafka), str(file) if file else None, prefix)


def command_of(module: str) -> tuple[str, ...]:
    """What starts a child."""
    return (sys.executable, "-P", "-m", module)


def ask(
    command: tuple[str, ...], wanted: Struct, kind: type[Told], waited_s: float = WAITED_S
) -> Told:
    """What a child tells that gets `wanted` by stdin; raises NotCounted, also after `waited_s`."""
    try:
        ended = subprocess.run(
            command, input=msgspec.json.encode(wanted), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)}, timeout=waited_s, check=True,
        )  # fmt: skip
        return msgspec.json.decode(ended.stdout, type=kind)
    except subprocess.TimeoutExpired as error:
        raise NotCounted(f"counting takes longer than {waited_s:.0f} s") from error
    except (OSError, subprocess.CalledProcessError, msgspec.MsgspecError) as error:
        raise NotCounted("the process that counts has ended by itself") from error


def answer(kind: type[Asked], tell: Callable[[Asked], Struct]) -> None:
    """The child's end: reads what is wanted and writes what it tells."""
    os.nice(NICENESS)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=kind)
    sys.stdout.buffer.write(msgspec.json.encode(tell(asked)))
