"""`kairos bench decide`: one decision in the core, by the number of actions that compete and of rules.

From a decoded event to decision and trace through the engine's own steps, in one thread, without Flink; with
24 candidates of our own retrieval, and for a placement without a slate. The policy is made up: conditions over a
dozen attributes, most of them different from one another, and about a third of the actions left to choose from.
"""

import zlib
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

import msgspec

from jobs.flink.task import settle_memory
from schemas.codec import TRACE
from schemas.decisions import DecisionTrace
from schemas.events import Context, Event
from scripts.bench.made_knowledge import Load
from scripts.bench.made_policy import (
    COUNTRIES,
    DEVICES,
    Size,
    make_policy,
    responses_to,
    teach_actions,
)
from scripts.bench.requests import Requests, Shopper, prepared
from scripts.bench.setting import as_title, describe
from scripts.bench.stopwatch import PARTS, REST, Stopwatch, watched_parts
from scripts.console import percentile, say, show_json, show_table
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

ACTIONS: Final = (10, 50, 200, 1_000)
RULES: Final = (0, 20, 100, 1_000)
TRACES: Final = 100
"""Traces of each size that are encoded: as many as one batch may hold."""
SIZES: Final = tuple(
    Size(actions, rules, has_slate)
    for has_slate in (True, False)
    for actions in ACTIONS
    for rules in RULES
)


class TraceBytes(NamedTuple):
    """Median bytes of a trace: encoded, compressed by itself (zlib), and its share of a compressed batch.

    `features`, `candidates` and `actions` say by how much the second would be smaller without them.
    """

    encoded: float
    compressed: float
    in_batch: float
    features: float
    candidates: float
    actions: float


class Row(NamedTuple):
    """Milliseconds of decisions of one size; `cpu`: of the processor, whoever else is on it.

    `conditions` are the distinct ones of the policy, `competing` the actions that were left to choose from,
    `parts` the shares of the time.
    """

    actions: int
    rules: int
    candidates: int
    conditions: int
    competing: int
    requests: int
    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float
    parts: dict[str, float]
    trace: TraceBytes


class Visits(Requests):
    """Views of people who have done something of everything that conditions look at."""

    def __init__(self, knowledge: Knowledge, items: int) -> None:
        super().__init__(knowledge, items)
        for shopper, touched in self._shoppers:
            for event in self._before(shopper, touched):
                shopper.take(event, knowledge, is_wanted=False)

    def _before(self, shopper: Shopper, touched: Sequence[str]) -> Iterator[Event]:
        chance = self._chance
        yield self._event(shopper, "search_performed", query=chance.choice(("tent", "red pan")))
        size = str(chance.randrange(10))
        yield self._event(shopper, "filter_applied", attribute="size", value=size)
        yield self._event(shopper, "help_viewed", page="/help/shipping")
        for item_id in chance.sample(touched, chance.randrange(min(3, len(touched)))):
            yield self._event(
                shopper, "product_added_to_cart", item_ids=(item_id,), quantity=1,
                price=5.0 + int(item_id[5:]) % 200,
            )  # fmt: skip

    def _event(self, shopper: Shopper, event_type: str, **fields: Any) -> Event:
        number = int(shopper.name.rpartition("-")[2])
        context = Context(
            DEVICES[number % 3], country=COUNTRIES[number % 7], utc_offset_min=60 * (number % 4)
        )
        event = super()._event(shopper, event_type, **fields)
        consent = ("personalisation", "analytics")
        return msgspec.structs.replace(event, context=context, consent=consent)


def bench(load: Load, is_json: bool, sizes: Sequence[Size] = SIZES) -> None:
    """Prints percentiles by size, the shares of the parts, and how large the traces are."""
    visits, _ = prepared(load, Visits)
    most = max(size.actions for size in sizes)
    teach_actions(visits.knowledge, most)
    visits.knowledge.add_responses("bench", 0, 0, responses_to(most))
    rows = [_measure(visits, size, load, at) for at, size in enumerate(sizes, start=1)]
    _show(rows, load, is_json)


def _measure(visits: Visits, size: Size, load: Load, position: int) -> Row:
    """Puts a policy of this size in force and measures decisions by it; a later position wins."""
    compiled = compile_policy(make_policy(size))
    visits.knowledge.add_policy(f"bench-{position}", 0, position, compiled)
    settle_memory()  # as the operators do
    took, cpu = visits.timed(None, load)
    parts = _parts(visits, max(1, load.requests // 4))
    traces = [visits.decide(None)[0] for _ in range(TRACES)]
    competing = [sum(one.verdict != "excluded" for one in trace.actions) for trace in traces]
    row = Row(
        actions=size.actions,
        rules=size.rules,
        candidates=len(traces[0].candidates),
        conditions=len(compiled.conditions),
        competing=round(median(competing)),
        requests=load.requests,
        p50=_ms(took, 0.5),
        p99=_ms(took, 0.99),
        cpu_p50=_ms(cpu, 0.5),
        cpu_p99=_ms(cpu, 0.99),
        parts=parts,
        trace=_trace_bytes(traces),
    )
    say(
        f"{size.actions} actions, {size.rules} rules, {row.candidates} candidates: "
        f"p50 {row.p50:.2f} ms, p99 {row.p99:.2f} ms"
    )
    return row


def _ms(times: Sequence[float], share: float) -> float:
    return round(percentile(times, share) or 0.0, 3)


def _parts(visits: Visits, requests: int) -> dict[str, float]:
    """The share of each part in the time of a decision; medians, so that what interrupts does not count."""
    names = dict.fromkeys([*(part for part, _, _ in PARTS), REST])
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(requests):
        stopwatch = Stopwatch()
        with watched_parts(stopwatch):
            took_ms = visits.decide(None)[1]
        stopwatch.ms[REST] = took_ms - sum(stopwatch.ms.values())
        for part, times in found.items():
            times.append(stopwatch.ms[part])
    middle = {part: median(times) for part, times in found.items()}
    total = sum(middle.values())
    return {part: round(ms / total, 4) for part, ms in middle.items()}


def _trace_bytes(traces: Sequence[DecisionTrace]) -> TraceBytes:
    encoded = [TRACE.encode(one) for one in traces]
    compressed = _compressed(traces)
    less = (
        compressed
        - _compressed([msgspec.structs.replace(one, **{part: nothing}) for one in traces])
        for part, nothing in (("features", b""), ("candidates", ()), ("actions", ()))
    )
    return TraceBytes(
        median(map(len, encoded)), compressed, len(zlib.compress(b"".join(encoded))) / len(encoded),
        *less,
    )  # fmt: skip


def _compressed(traces: Sequence[DecisionTrace]) -> float:
    return float(median(len(zlib.compress(TRACE.encode(one))) for one in traces))


def _show(rows: Sequence[Row], load: Load, is_json: bool) -> None:
    setting = describe() | load._asdict()
    if is_json:
        found = [row._asdict() | {"trace": row.trace._asdict()} for row in rows]
        show_json(setting | {"decisions": found})
        return
    title = as_title(setting)
    times = [(*row[:5], *(f"{one:.2f}" for one in row[6:10])) for row in rows]
    columns = ("actions", "rules", "candidates", "conditions", "competing")
    figures = ("p50 ms", "p99 ms", "processor p50 ms", "p99 ms")
    show_table(title, (*columns, *figures), times)
    parts = list(rows[0].parts)
    shares = [(*row[:3], *(f"{row.parts[part]:.0%}" for part in parts)) for row in rows]
    show_table("share of the time", (*columns[:3], *parts), shares)
    sizes = [(*row[:3], *(round(one) for one in row.trace)) for row in rows]
    named = (
        "trace bytes",
        "compressed",
        "in a batch",
        "of features",
        "of candidates",
        "of actions",
    )
    show_table("median size of a trace", (*columns[:3], *named), sizes)
