"""Progress of a long run on standard error: a bar where it is a terminal, else a line per step."""

import time
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.console import STDERR, say

T = TypeVar("T")
EVERY: Final = 1_000


class Watched(Generic[T]):
    """Something countable; each time it is gone through, its progress is shown."""

    def __init__(self, name: str, things: Iterable[T], total: int | None = None) -> None:
        self._name, self._things, self._total = name, things, total

    def __iter__(self) -> Iterator[T]:
        begun_s = time.monotonic()
        count = 0
        with _bar() as progress:
            task = progress.add_task(self._name, total=self._total, rate="")
            for count, thing in enumerate(self._things, start=1):
                yield thing
                if count % EVERY == 0:
                    rate = f"{count / max(1e-3, time.monotonic() - begun_s):,.0f}/s"
                    progress.update(task, completed=count, rate=rate)
        say(f"{self._name}: {count:,} in {time.monotonic() - begun_s:.1f} s")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        console=STDERR, transient=True, disable=not STDERR.is_terminal,
    )  # fmt: skip
