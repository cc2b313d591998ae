"""docs/metrics.md: what is counted and measured, from the tables that count."""

from collections.abc import Iterator
from typing import Final

from channels.api import engine_measures
from channels.api.measures import COUNTERS, GAUGES, HISTOGRAMS, Meant
from jobs.config import PROJECT
from jobs.metrics import MEANINGS
from scripts.pages import cell

PAGE: Final = PROJECT / "docs" / "metrics.md"
HEAD: Final = """\
# Metrics

Written by `kairos docs --write` from `channels/api/measures.py` and `jobs/metrics.py`; do not edit.

## Of the API

At `/metrics` of the API, as Prometheus reads them. A histogram has `_bucket`, `_sum` and `_count` behind its name. What is of the engine is asked for every
10 seconds; what did not answer is left out, so nothing old is told. Alert rules and a Grafana board over them: `docker/prometheus-rules.yaml` and
`docker/grafana-board.json`.

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
            yield _row(name, kind, one)
    for name, meaning in GAUGES.items():
        yield f"| `{name}` | gauge |  | {cell(meaning)} |\n"
    for kind, several in (("counter", engine_measures.COUNTS), ("gauge", engine_measures.GAUGES)):
        for name, one in several.items():
            yield _row(name, kind, one)


def _row(name: str, kind: str, one: Meant) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    return f"| `{name}` | {kind} | {labels} | {cell(one.meaning)} |\n"
