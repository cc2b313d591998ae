"""`kairos bench decide`: one decision in the core, by the number of actions that compete and of rules.

From a decoded event to decision and trace through the engine's own steps, in one thread, without Flink; with
24 candidates of our own retrieval, and for a placement without a slate. The policy is made up: conditions over a
dozen attributes, most of them different from one another, and about a third of the actions left to choose from.
"""

import random
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType
from typing import Any, Final, NamedTuple

import msgspec

from jobs.operators import settle_memory
from models.response import ActionWeights, ResponseModel, Responses
from schemas import CODE_VERSION
from schemas.actions import Action, ActionKind, Budget, Limits, Requirement, Rule, Stage, Treatment
from schemas.codec import TRACE
from schemas.decisions import DecisionTrace
from schemas.events import Context, Event
from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    action_key,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import DAY_MS
from schemas.policy import (
    RECOMMEND_ITEMS,
    ContextWeight,
    Exploration,
    Holdout,
    Placement,
    Policy,
    Segment,
)
from scripts.bench import rank as bench_rank
from scripts.bench.rank import NOW_MS, Load, Requests, Shopper, make_knowledge, make_model
from scripts.bench.setting import CANDIDATES, describe
from scripts.bench.workload import CATEGORIES
from scripts.console import percentile, say, show_json, show_table
from udfs import decide as deciding
from udfs.actions import judge_actions as judging
from udfs.actions.respond import RESPONSE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.language.sense_intent import INTENTS
from udfs.policy.compile_policy import compile_policy

ACTIONS: Final = (10, 50, 200, 1_000)
RULES: Final = (0, 20, 100, 1_000)
PLACEMENT: Final = "bench"
CHANNEL: Final = "web"
KINDS: Final[tuple[ActionKind, ...]] = ("content", "offer", "assistance")
STAGES: Final[tuple[Stage, ...]] = ("eligibility", "applicability", "suitability")
COUNTRIES: Final = ("DE", "AT", "CH", "FR", "NL", "BE", "PL")
DEVICES: Final = ("desktop", "mobile", "tablet")
MODEL_EVERY: Final = 5
"""Each fifth action has a model of responses, the others counts."""
BUDGET_EVERY: Final = 10
TRACES: Final = 100
"""Traces of each size that are encoded: as many as one batch may hold."""
PARTS: Final[tuple[tuple[str, ModuleType, str], ...]] = (
    ("session", bench_rank, "track_session"),
    ("attributes", judging, "read_attributes"),
    ("conditions", deciding, "Checked"),
    ("judging", deciding, "_judge"),
    ("ranking", deciding, "rank_items"),
    ("ranking", deciding, "fill_slate"),
    ("arbitration", deciding, "weigh_actions"),
    ("arbitration", deciding, "arbitrate"),
    ("trace", deciding, "trace_actions"),
    ("trace", deciding, "trace_decision"),
)
"""What a decision's time is split into, and the functions (module, name) whose time it is."""
REST: Final = "rest"
"""The remaining part: the person's profile, decoding the context, the decision's texts."""


class Size(NamedTuple):
    """How many actions and rules the policy has, and whether a slate competes too."""

    actions: int
    rules: int
    has_slate: bool


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


class Stopwatch:
    """The time spent in watched functions, by part; time in one within another is only the inner one's."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def watch(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            begun_s = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took_ms = (perf_counter() - begun_s) * 1000
                self.ms[part] += took_ms - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took_ms

        return watched


def bench(load: Load, is_json: bool, sizes: Sequence[Size] = SIZES) -> None:
    """Prints percentiles by size, the shares of the parts, and how large the traces are."""
    say(f"making {load.items:,} items and {load.sessions:,} past sessions")
    knowledge, _ = make_knowledge(load)
    visits = Visits(knowledge, load.items)
    say(f"training a model of {bench_rank.TREES} trees")
    with TemporaryDirectory() as folder:
        knowledge.add_model("bench", 0, 0, make_model(visits, Path(folder)))
    most = max(size.actions for size in sizes)
    _teach_actions(knowledge, most)
    knowledge.add_responses("bench", 0, 0, _responses(most))
    rows = [_measure(visits, knowledge, size, load, at) for at, size in enumerate(sizes, start=1)]
    _show(rows, load, is_json)


def make_policy(size: Size) -> Policy:
    """Actions with two requirements of their own, limits and texts; rules for all of them or those of a kind."""
    return Policy(
        placements=(
            Placement(
                PLACEMENT, event_types=("product_viewed",), candidates=CANDIDATES, channel=CHANNEL,
                actions=(RECOMMEND_ITEMS,) if size.has_slate else (),
            ),
        ),
        actions=tuple(_action(number) for number in range(size.actions)),
        rules=tuple(_rule(number) for number in range(size.rules)),
        segments=(
            Segment("full_cart", "session.cart_value >= 150.0 && person.purchases_30d == 0"),
        ),
        context_weights=(
            ContextWeight("on_a_phone", 'context.device == "mobile"', 0.8),
            ContextWeight("in_the_evening", "context.hour >= 18", 1.2),
        ),
        exploration=Exploration("epsilon_greedy", 0.05),
        holdout=Holdout(share=0.0),
    )  # fmt: skip


def _action(number: int) -> Action:
    budget = Budget(per_day=1e6) if number % BUDGET_EVERY == 0 else None
    return Action(
        f"action-{number}",
        KINDS[number % 3],
        placements=(PLACEMENT,),
        treatments=(
            Treatment("email", channel="email"),
            Treatment(
                "banner", channel=CHANNEL,
                content={
                    "title": {"en": f"Offer {number} for {{session.last_item_name}}"},
                    "text": {"en": "Only today, and only for you: see what goes with it."},
                    "link": {"en": f"/offers/{number}"},
                },
            ),
        ),
        applicability=(Requirement(f"now-{number}", _now(number)),),
        suitability=(Requirement(f"good-{number}", _good(number)),),
        value=1.0 + number % 7,
        limits=Limits(times=3, within_ms=30 * DAY_MS, never_after_dismissal=True),
        budget=budget,
        reason={"en": "Because you looked at {session.last_item_name}"},
    )  # fmt: skip


def _now(number: int) -> str:
    """A condition that holds for about half of the people; each number's is another one."""
    device, sizes = DEVICES[number % 3], ", ".join(f'"{(number + one) % 10}"' for one in range(4))
    return (
        f"session.price_mean > {60 + number / 12.5:.2f}",
        f'session.cart_size >= 1 && session.events > {number / 100:.2f} && context.device != "{device}"',
        f"session.cart_value < {20 + number / 5:.2f} || segment.full_cart",
        f'session.categories.exists(c, c.endsWith("{number % 4}")) || session.price_max > {150 + number / 25:.2f}',
        f'context.device in ["mobile", "{device}"] && session.item_count > {number / 100:.2f}',
        f"session.filters.size in [{sizes}] && session.number < {number + 2}",
    )[number % 6]


def _good(number: int) -> str:
    """A condition that holds for about two in three people; each number's is another one."""
    countries = ", ".join(f'"{COUNTRIES[(number + one) % 7]}"' for one in range(4))
    return (
        f"context.country in [{countries}] && session.struggle < {0.5 + number / 2_000:.4f}",
        f"person.purchases_30d <= {number} && session.price_mean < {90 + number / 20:.2f}",
        f'person.top_category != "Shop/Category {number % CATEGORIES}" && session.cart_value < {100 + number / 5:.2f}',
        f'context.hour >= {number % 8} && context.country != "{COUNTRIES[number % 7]}" && person.days_known < {number + 1}.0',
    )[number % 4]


def _rule(number: int) -> Rule:
    """A rule as it is in life: it hardly ever forbids anything, and is looked at each time."""
    when = (
        f"session.events < {50_000 + number}",
        f"session.cart_value < {20_000 + number}.0 && session.struggle <= 1.0",
        f'!("Shop/Blocked {number}" in session.categories)',
        f'context.country != "X{number}" && context.device != "bot"',
        f"person.purchases_30d < {100 + number}",
        f'!session.help_pages.exists(page, page.contains("complaint-{number}"))',
    )[number % 6]
    kinds = () if number % 2 else (KINDS[number // 2 % 3],)
    return Rule(
        f"rule-{number}", when, STAGES[number % 3], kinds=kinds, is_compliance=number % 5 == 0
    )


def _teach_actions(knowledge: Knowledge, actions: int) -> None:
    """What the stream has counted of each action: everywhere, and in each context of the placement."""
    epoch = epoch_of(NOW_MS - DAY_MS)
    from_ms, at_ms = effective_from_ms(epoch), epoch_end_ms(epoch)
    for number in range(actions):
        name = f"action-{number}"
        for key in (name, *(action_key(name, PLACEMENT, intent) for intent in INTENTS)):
            clicks = 5.0 + number % 40
            knowledge.learn(
                ActionKnowledge("action", key, epoch, from_ms, at_ms, at_ms, at_ms, 500.0, clicks)
            )
    knowledge.learn(EpochEnd("0", epoch, from_ms, actions * (1 + len(INTENTS))))
    knowledge.advance(from_ms)


def _responses(actions: int) -> ResponseModel:
    """A model of responses to some of the actions, with made-up weights."""
    chance = random.Random(6)
    weights = {
        f"action-{number}": ActionWeights(
            -3.0, tuple(chance.gauss(0.0, 0.1) for _ in RESPONSE_SPACE.names), 500, 25
        )
        for number in range(0, actions, MODEL_EVERY)
    }
    responses = Responses(
        feature_set=RESPONSE_SPACE.digest, feature_names=RESPONSE_SPACE.names,
        code_version=CODE_VERSION, from_ms=0, to_ms=0, means=(0.0,) * RESPONSE_SPACE.count,
        scales=(10.0,) * RESPONSE_SPACE.count, actions=weights,
    )  # fmt: skip
    return ResponseModel("bench", responses)


def _measure(visits: Visits, knowledge: Knowledge, size: Size, load: Load, position: int) -> Row:
    """Puts a policy of this size in force and measures decisions by it; a later position wins."""
    compiled = compile_policy(make_policy(size))
    knowledge.add_policy(f"bench-{position}", 0, position, compiled)
    settle_memory()  # as the operators do
    for _ in range(load.warm_up):
        visits.decide(None)
    took, cpu = zip(*(visits.decide(None)[1:] for _ in range(load.requests)), strict=True)
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
        with _watched_parts(stopwatch):
            took_ms = visits.decide(None)[1]
        stopwatch.ms[REST] = took_ms - sum(stopwatch.ms.values())
        for part, times in found.items():
            times.append(stopwatch.ms[part])
    middle = {part: median(times) for part, times in found.items()}
    total = sum(middle.values())
    return {part: round(ms / total, 4) for part, ms in middle.items()}


@contextmanager
def _watched_parts(stopwatch: Stopwatch) -> Iterator[None]:
    """Within it the functions of PARTS are watched."""
    originals = [getattr(module, name) for _, module, name in PARTS]
    for (part, module, name), original in zip(PARTS, originals, strict=True):
        setattr(module, name, stopwatch.watch(part, original))
    try:
        yield
    finally:
        for (_, module, name), original in zip(PARTS, originals, strict=True):
            setattr(module, name, original)


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
    title = "  ".join(f"{name} {value}" for name, value in setting.items())
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
