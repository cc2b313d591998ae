"""How long each hop takes, beside what it may take: what the console shows of latencies."""

from typing import Final, NamedTuple

from redis import RedisError

from channels.api.measures import BOUNDS_S, Measures
from channels.console.traffic import LATENCIES_MAX, SHARES, percentiles
from channels.store.store import Store

BUDGETS_MS: Final = {"p50": 5, "p99": 50}
"""From an event to its decision in Kafka and in the store."""
API_BUDGET_MS: Final = {"p50": 15, "p99": 50}


class Hop(NamedTuple):
    """Latencies of one way through the system; without samples `latency_ms` is None."""

    hop: str
    latency_ms: dict[str, int] | None
    budget_ms: dict[str, int]


def api_hops(measures: Measures) -> list[Hop]:
    """How long the API took to answer since it was started, by any rung; to the bounds it counts by."""
    counts = measures.times("kairos_api_answer_seconds")
    total = sum(counts)
    found: dict[str, int] | None = None
    if total:
        found = {f"p{share * 100:.0f}": _bound_ms(counts, share * total) for share in SHARES}
        found["samples"] = total
    return [Hop("API: request → answer", found, API_BUDGET_MS)]


def _bound_ms(counts: list[int], wanted: float) -> int:
    """The bound below which so many lie, in ms; beyond the last one, that."""
    seen = 0
    for bound_s, count in zip(BOUNDS_S, counts, strict=False):
        seen += count
        if seen >= wanted:
            return max(1, round(bound_s * 1000))
    return round(BOUNDS_S[-1] * 1000)


def stored_ms(store: Store) -> dict[str, int] | None:
    """From event to store, of the newest decisions; None where the store does not answer."""
    try:
        return percentiles(store.latencies_ms(LATENCIES_MAX))
    except RedisError:
        return None
