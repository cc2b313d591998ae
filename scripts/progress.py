"""Progress of a long run on standard error: a bar where it is a terminal, else a line now and then.

What is done in a moment says nothing.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.console import say, stderr

T = TypeVar("T")
EVERY_S: Final = 0.2
"""How often a bar moves."""
LINE_EVERY_S: Final = 20.0
"""How often a line is written where there is no terminal."""
TOLD_FROM_S: Final = 2.0
"""What took less is over without a word."""
BARS: Final[list[Progress]] = []


class Watched(Generic[T]):
    """Something that can be gone through; each time it is, its progress is shown."""

    def __init__(self, name: str, things: Iterable[T], total: int | None = None) -> None:
        self._name, self._things, self._total = name, things, total

    def __iter__(self) -> Iterator[T]:
        begun_s = shown_s = told_s = time.monotonic()
        count = 0
        with _bar() as progress:
            task = progress.add_task(self._name, total=self._total, rate="")
            for count, thing in enumerate(self._things, start=1):
                yield thing
                now_s = time.monotonic()
                if now_s - shown_s >= EVERY_S:
                    shown_s = now_s
                    rate = f"{count / (now_s - begun_s):,.0f}/s"
                    progress.update(task, completed=count, rate=rate)
                    if now_s - told_s >= LINE_EVERY_S and not stderr().is_terminal:
                        told_s = now_s
                        say(f"{self._name}: {self._so_far(count)}, {rate}")
        took_s = time.monotonic() - begun_s
        if took_s >= TOLD_FROM_S:
            say(f"{self._name}: {count:,} in {took_s:.1f} s")

    def _so_far(self, count: int) -> str:
        return f"{count:,} of {self._total:,}" if self._total else f"{count:,}"


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar where it is a terminal and none is shown already: of things within things the outer ones are seen."""
    is_shown = stderr().is_terminal and not BARS
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        console=stderr(), transient=True, disable=not is_shown,
    )  # fmt: skip
    BARS.append(bar)
    try:
        with bar:
            yield bar
    finally:
        BARS.remove(bar)
