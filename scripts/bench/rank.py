"""`kairos bench rank`: from a decoded event to decision and trace, by the number of candidates.

The protocol of the published benchmark of a ranking service (Metarank): 1,000 requests to warm up, then
5,000 for each of 25 to 300 candidates; and for 24, a page of them. The steps are the engine's own, in one
thread, without Flink.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from jobs.flink.task import settle_memory
from scripts.bench.made_knowledge import Load, Memory
from scripts.bench.requests import TREES, Requests, prepared
from scripts.bench.setting import as_title, describe
from scripts.console import percentile, say, show, show_json, show_table
from udfs.facts.features import FEATURE_SPACE

SIZES: Final = (24, 25, 50, 75, 100, 150, 200, 250, 300)
RETRIEVED: Final = "retrieved"
"""The row of a decision whose candidates the engine finds by itself."""
SHARES: Final = (0.5, 0.9, 0.95, 0.99)


class Row(NamedTuple):
    """Milliseconds of one number of candidates; `cpu_p50`: of the processor, whoever else is on it."""

    candidates: str
    requests: int
    p50: float
    p90: float
    p95: float
    p99: float
    cpu_p50: float


def bench(load: Load, is_json: bool) -> None:
    """Prints the percentiles of each number of candidates, and the memory per item and session."""
    requests, memory = prepared(load, Requests)
    settle_memory()  # as the operators do
    rows = [_measure(requests, size, load) for size in (*SIZES, None)]
    _show(rows, memory, load, is_json)


def _measure(requests: Requests, size: int | None, load: Load) -> Row:
    took, cpu = requests.timed(size, load)
    found = [percentile(took, share) or 0.0 for share in SHARES]
    found.append(percentile(cpu, 0.5) or 0.0)
    name = f"{len(requests.decide(size)[0].candidates)} {RETRIEVED}" if size is None else str(size)
    say(f"{name}: p50 {found[0]:.2f} ms, p99 {found[3]:.2f} ms, processor {found[4]:.2f} ms")
    return Row(name, load.requests, *(round(one, 3) for one in found))


def _show(rows: Sequence[Row], memory: Memory, load: Load, is_json: bool) -> None:
    setting = describe() | load._asdict() | {"features": FEATURE_SPACE.count, "trees": TREES}
    bytes_per = {name: round(value) for name, value in memory._asdict().items()}
    if is_json:
        show_json(setting | {"ms": [row._asdict() for row in rows], "bytes_per": bytes_per})
        return
    title = as_title(setting)
    texts = [(row[0], row[1], *(f"{one:.2f}" for one in row[2:])) for row in rows]
    columns = ("candidates", "requests", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "processor p50 ms")
    show_table(title, columns, texts)
    show("  ".join(f"bytes per {name.replace('_', ' ')}: {n:,}" for name, n in bytes_per.items()))
