"""docs/metrics.md: what is counted and measured, from the tables that count."""

from collections.abc import Iterator
from typing import Final

from channels.api.measures import COUNTERS, GAUGES, HISTOGRAMS
from jobs.config import PROJECT
from jobs.metrics import MEANINGS
from scripts.pages import cell

PAGE: Final = PROJECT / "docs" / "metrics.md"
HEAD: Final = """\
# Metrics

Written by `kairos docs --write` from `channels/api/measures.py` and `jobs/metrics.py`; do not edit.

## Of the API

At `/metrics` of the API, as Prometheus reads them. A histogram has `_bucket`, `_sum` and `_count` behind its name.

| metric | kind | labels | tells |
| --- | --- | --- | --- |
"""
ENGINE_HEAD: Final = """
## Of the jobs

Counters of the Flink operators, under these names in Flink's REST API and in whatever reporter your Flink has; the console shows their sums.

| counter | tells |
| --- | --- |
"""


def page() -> str:
    """The whole page."""
    jobs = "".join(f"| `{name}` | {cell(meaning)} |\n" for name, meaning in MEANINGS.items())
    return HEAD + "".join(_of_the_api()) + ENGINE_HEAD + jobs


def _of_the_api() -> Iterator[str]:
    for kind, several in (("counter", COUNTERS), ("histogram", HISTOGRAMS)):
        for name, one in several.items():
            labels = ", ".join(f"`{label}`" for label in one.labels)
            yield f"| `{name}` | {kind} | {labels} | {cell(one.meaning)} |\n"
    for name, meaning in GAUGES.items():
        yield f"| `{name}` | gauge |  | {cell(meaning)} |\n"
