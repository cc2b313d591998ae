"""Runs of `kairos evaluate` that were kept, and how two of them differ."""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from models.evaluation import Outcome, compare
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import show_table

SAVED: Final = pa.schema(
    [
        ("session_id", pa.string()), ("event_id", pa.string()), ("item_id", pa.string()),
        ("rank", pa.int32()),
    ]
)  # fmt: skip


class Saved(NamedTuple):
    """A run as `--save` keeps it."""

    placement: str
    k: int
    outcomes: list[Outcome]


def write_saved(saved: Saved, path: Path) -> None:
    """Writes a run's ranks as Parquet; raises ConfigError where it cannot."""
    named = msgspec.json.encode({"placement": saved.placement, "k": saved.k})
    columns = list(zip(*saved.outcomes, strict=True)) or [()] * len(SAVED)
    schema = SAVED.with_metadata({b"kairos": named})
    table = pa.table(
        [pa.array(one, kind.type) for one, kind in zip(columns, SAVED, strict=True)], schema=schema
    )
    try:
        pq.write_table(table, path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def check_writable(path: Path) -> None:
    """Raises ConfigError where no file can be written at `path`: before the work, not after it."""
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise ConfigError(f"{path} cannot be written: {what}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{path} cannot be written: it is not allowed to")


def read_saved(path: Path) -> Saved:
    """A run that `--save` wrote; raises ConfigError for anything else."""
    try:
        table = pq.read_table(path)
        named = msgspec.json.decode(
            (table.schema.metadata or {})[b"kairos"], type=dict[str, str | int]
        )
        columns = [table.column(name).to_pylist() for name in SAVED.names]
    except (OSError, pa.ArrowException, KeyError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} is no file that `evaluate --save` wrote: {error}") from error
    outcomes = [Outcome(*row) for row in zip(*columns, strict=True)]
    return Saved(str(named["placement"]), int(named["k"]), outcomes)


def compare_files(first: Path, second: Path) -> dict[str, Any]:
    """How the second run differs from the first; raises ConfigError where they do not pair."""
    one, other = read_saved(first), read_saved(second)
    if (one.placement, one.k) != (other.placement, other.k):
        raise ConfigError(
            f"{first} is {one.placement} at {one.k}, {second} is {other.placement} at {other.k}: "
            "only runs of one placement and k can be compared"
        )
    found = compare(one.outcomes, other.outcomes, one.k)
    return {
        "placement": one.placement,
        "decisions": len(one.outcomes),
        "differences": {name: interval._asdict() for name, interval in found.items()},
    }


def show_comparison(found: dict[str, Any]) -> None:
    """The differences, second minus first, with their intervals of 95 %."""
    rows = [
        (name, *(f"{one[part]:+.4f}" for part in ("difference", "low", "high")))
        for name, one in found["differences"].items()
    ]
    title = f"second less first, {counted(found['decisions'], 'decision')} of {found['placement']}"
    show_table(title, ("figure", "difference", "from", "to"), rows)
