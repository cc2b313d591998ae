"""What is seen of a replay while it runs: a bar on a terminal, else a line every few seconds."""

import time
from typing import Final, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scripts.console import say, stderr
from scripts.replay.replay_run import Run
from scripts.times import utc

LINE_S: Final = 5.0


class View:
    """Shows how far a run is; `say` prints a line above."""

    def __init__(self, run: Run) -> None:
        self._bar = Progress(
            TextColumn("replaying"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=stderr(), transient=True, disable=not stderr().is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=run.progress.total, pace="starting")
        self._next_line_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """One line of progress."""
        say(line)

    def see(self, run: Run) -> None:
        """Takes the newest progress."""
        now = run.progress
        pace = pace_of(run)
        self._bar.update(self._task, completed=now.taken, total=now.total, pace=pace)
        if not stderr().is_terminal and now.per_s and time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + LINE_S
            say(f"{now.taken:,} of {now.total:,} records, {pace}")


def pace_of(run: Run) -> str:
    """The rate, when it will be done, and the time of the log that it has come to."""
    now = run.progress
    words = [f"{now.per_s:,.0f}/s"] if now.per_s else ["starting"]
    if now.left_s is not None:
        words.append(f"{duration(now.left_s)} left")
    if now.reached_ms is not None:
        words.append(f"at {utc(now.reached_ms)}")
    return ", ".join(words)


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds; nothing of nothing."""
    if seconds is None:
        return ""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"
