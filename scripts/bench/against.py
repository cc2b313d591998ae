"""`kairos bench throughput --against DIR`: this checkout and another, in turns, so that a machine's mood counts for both."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from jobs.config import PROJECT
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table

RUN_S_MAX: Final = 3_600.0
FIGURES: Final = (
    ("job, events per CPU second", ("Flink job", "events_per_cpu_s")),
    ("job, events/s", ("Flink job", "events_per_s")),
    ("loop, events per CPU second", ("bare loop", "events_per_cpu_s")),
)


class Pair(NamedTuple):
    """What one run of each printed."""

    here: dict[str, Any]
    there: dict[str, Any]


def against(words: Sequence[str], folder: Path, pairs: int, is_json: bool) -> None:
    """Runs `kairos WORDS --json` here and in `folder`, `pairs` times, and prints medians and the pairs' ratios."""
    if not (folder / "kairos").is_file():
        raise ConfigError(f"{folder} is no checkout of Kairos: it has no `kairos`")
    found = []
    for number in range(pairs):
        say(f"pair {number + 1} of {pairs}")
        # each goes first in turns: the second finds warmer caches
        first, second = (PROJECT, folder) if number % 2 == 0 else (folder, PROJECT)
        ran = {first: _run(first, words), second: _run(second, words)}
        found.append(Pair(ran[PROJECT], ran[folder]))
    rows = [(name, *_compared(found, place)) for name, place in FIGURES]
    if is_json:
        names = ("here", "there", "ratio", "ratio_min", "ratio_max")
        figures = {name: dict(zip(names, values, strict=True)) for name, *values in rows}
        show_json({"pairs": pairs, "there": str(folder), "figures": figures})
        return
    columns = ("median of pairs", "here", "there", "ratio", "lowest", "highest")
    show_table(f"kairos {' '.join(words)}, {pairs} pairs", columns, _as_text(rows))
    show("ratio: here / there, the median of the pairs' ratios")


def _run(folder: Path, words: Sequence[str]) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if "KAIROS" not in name}
    environment.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(
            [folder / "kairos", *words, "--json"], env=environment, cwd=folder, check=False,
            capture_output=True, text=True, timeout=RUN_S_MAX,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"{folder}: it took more than {RUN_S_MAX:.0f} s") from error
    if done.returncode != 0:
        last = (done.stderr.splitlines() or ["it said nothing"])[-1]
        raise ConfigError(f"{folder}: it ended with code {done.returncode}: {last}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _compared(
    pairs: Sequence[Pair], place: tuple[str, str]
) -> tuple[float, float, float, float, float]:
    """Medians of here and there, and of the ratios with the lowest and the highest."""
    group, name = place
    here = [float(one.here[group][name]) for one in pairs]
    there = [float(one.there[group][name]) for one in pairs]
    ratios = [mine / other for mine, other in zip(here, there, strict=True)]
    return median(here), median(there), median(ratios), min(ratios), max(ratios)


def _as_text(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return [
        (name, f"{here:,.0f}", f"{there:,.0f}", *(f"{ratio:.3f}" for ratio in ratios))
        for name, here, there, *ratios in rows
    ]
