"""`kairos bench rank`: from a decoded event to decision and trace, by the number of candidates.

The protocol of the published benchmark of a ranking service (Metarank): 1,000 requests to warm up, then
5,000 for each of 25 to 300 candidates; and for 24, a page of them. The steps are the engine's own, in one
thread, without Flink.
"""

import gc
import random
from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any, Final, NamedTuple

import msgspec
import psutil

from jobs.learning.examples import matrix_of
from jobs.operators import settle_memory
from models.learning.boosting import Rows, TrainingSettings, boost
from models.learning.calibration import Calibration
from models.learning.example_file import ExampleFile, ExampleWriter
from models.ranker import XgboostRanker
from schemas.decisions import DecisionTrace
from schemas.events import Candidate, Event
from schemas.items import Item
from schemas.knowledge import (
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    EpochEnd,
    ItemKnowledge,
    PastSession,
    effective_from_ms,
    epoch_of,
)
from schemas.limits import DAY_MS, SECOND_MS
from schemas.policy import DEFAULT_POLICY
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SessionState
from scripts.bench.setting import describe
from scripts.bench.workload import CATEGORIES, catalogue
from scripts.console import percentile, say, show, show_json, show_table
from udfs.decide import decide
from udfs.explain.fit_records import Made
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.track_session import track_session

SIZES: Final = (24, 25, 50, 75, 100, 150, 200, 250, 300)
RETRIEVED: Final = "retrieved"
"""The row of a decision whose candidates the engine finds by itself."""
SHARES: Final = (0.5, 0.9, 0.95, 0.99)
SHOPPERS: Final = 500
TOUCHES: Final = 20
RECORDS_PER_EPOCH: Final = 1_000
STEPS_MAX: Final = 20
"""Neighbours are 40 numbers apart: of 1,000 items 25 can be reached."""
TREES: Final = 300
TRAINING_REQUESTS: Final = 300
NOW_MS: Final = 1_700_000_000_000
Learnt = PastSession | ItemKnowledge
CALIBRATION: Final = Calibration((-6.0, -2.0, 0.0, 4.0), (0.002, 0.1, 0.4, 0.95))


class Load(NamedTuple):
    """How much is measured, and how much the engine knows: items and past sessions."""

    warm_up: int = 1_000
    requests: int = 5_000
    items: int = 100_000
    sessions: int = 200_000


class Row(NamedTuple):
    """Milliseconds of one number of candidates; `cpu_p50`: of the processor, whoever else is on it."""

    candidates: str
    requests: int
    p50: float
    p90: float
    p95: float
    p99: float
    cpu_p50: float


class Memory(NamedTuple):
    """Bytes that one of each adds to the process."""

    catalogue_item: float
    statistics_item: float
    past_session: float


class Shopper:
    """One person in one session, as the two operators keep it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._session: SessionState | None = None
        self._person: PersonState | None = None

    def take(self, event: Event, knowledge: Knowledge, is_wanted: bool = True) -> Made | None:
        """The event through both steps; the decision that it asked for, if it did."""
        record = LogRecord("events", 0, 0, event.event_time_ms, event.session_id, b"")
        told = track_session(self._session, record, lambda _: event, knowledge, 0)
        self._session = told.state
        made: Made | None = None
        for news in told.news:
            result = decide(self._person, news, knowledge, "bench", is_wanted)
            self._person = result.state
            made = result.decisions[0] if result.decisions else made
        return made


class Requests:
    """Requests of shoppers who have touched TOUCHES items each; time goes on from one to the next."""

    def __init__(self, knowledge: Knowledge, items: int) -> None:
        self._knowledge, self._items = knowledge, items
        self._chance = random.Random(2)
        self._numbers = count()
        self._shoppers: list[tuple[Shopper, list[str]]] = []
        for number in range(SHOPPERS):
            shopper, touched = Shopper(f"shopper-{number}"), _walk(self._chance, items, TOUCHES)
            for item_id in touched:
                event = self._event(shopper, "product_viewed", item_ids=(item_id,))
                shopper.take(event, knowledge, is_wanted=False)
            self._shoppers.append((shopper, touched))
        self._turns = cycle(self._shoppers)

    def decide(self, candidates: int | None) -> tuple[DecisionTrace, float, float]:
        """One request: its trace, the milliseconds it took, and those of the processor.

        None: the engine finds candidates itself.
        """
        shopper, touched = next(self._turns)
        if candidates is None:
            event = self._event(shopper, "product_viewed", item_ids=(self._chance.choice(touched),))
        else:
            offered = tuple(self._offered(touched, candidates))
            event = self._event(shopper, "ranking_requested", candidates=offered)
        begun_s, cpu_s = perf_counter(), thread_time()
        made = shopper.take(event, self._knowledge)
        took_ms, cpu_ms = (perf_counter() - begun_s) * 1000, (thread_time() - cpu_s) * 1000
        if made is None:
            raise RuntimeError(f"no decision on {event.event_type}")
        return made[1], took_ms, cpu_ms

    def _offered(self, touched: Sequence[str], size: int) -> Iterator[Candidate]:
        """A list as a shop's search gives it: some of it touched, some alike, some just wanted."""
        found = dict.fromkeys(self._chance.sample(touched, min(len(touched), size // 10)))
        while len(found) < size:
            found |= dict.fromkeys(_walk(self._chance, self._items, 5))
        ids = list(found)[:size]
        self._chance.shuffle(ids)
        for position, item_id in enumerate(ids):
            yield Candidate(item_id, 5.0 + int(item_id[5:]) % 200, position)

    def _event(self, shopper: Shopper, event_type: str, **fields: Any) -> Event:
        number = next(self._numbers)
        return Event(
            f"e{number}", event_type, NOW_MS + number * 10, f"s-{shopper.name}", shopper.name,
            channel="web", **fields,
        )  # fmt: skip


def bench(load: Load, is_json: bool) -> None:
    """Prints the percentiles of each number of candidates, and the memory per item and session."""
    say(f"making {load.items:,} items and {load.sessions:,} past sessions")
    knowledge, memory = make_knowledge(load)
    requests = Requests(knowledge, load.items)
    say(f"training a model of {TREES} trees")
    with TemporaryDirectory() as folder:
        knowledge.add_model("bench", 0, 0, make_model(requests, Path(folder)))
    settle_memory()  # as the operators do
    rows = [_measure(requests, size, load) for size in (*SIZES, None)]
    _show(rows, memory, load, is_json)


def make_knowledge(load: Load) -> tuple[Knowledge, Memory]:
    """A catalogue, statistics of all its items with their links, past sessions; and what they weigh."""
    knowledge = Knowledge()
    knowledge.add_policy("bench", 0, 0, compile_policy(DEFAULT_POLICY))
    before = _resident()
    epoch = epoch_of(NOW_MS - DAY_MS)
    _teach(knowledge, _past_sessions(load), epoch)
    with_sessions = _resident()
    _teach(knowledge, _statistics(load.items), epoch + 1 + load.sessions // RECORDS_PER_EPOCH)
    with_statistics = _resident()
    for position, item in enumerate(_catalogue(load.items)):
        knowledge.add_item(item, position)
    memory = Memory(
        (_resident() - with_statistics) / load.items,
        (with_statistics - with_sessions) / load.items,
        (with_sessions - before) / load.sessions,
    )
    return knowledge, memory


def make_model(requests: Requests, folder: Path) -> XgboostRanker:
    """A model of a realistic size, trained on real vectors with made-up answers."""
    path, chance = folder / "examples.parquet", random.Random(3)
    with ExampleWriter(path, FEATURE_SPACE) as writer:
        for number in range(TRAINING_REQUESTS):
            trace = requests.decide(100)[0]
            # the more so the further up: something that can be learnt, and noise
            answer = min(int(chance.expovariate(0.1)), len(trace.candidates) - 1)
            vectors = matrix_of(trace)
            writer.add(trace.event_time_ms, trace.session_id, str(number), vectors, answer)
    with ExampleFile(path, FEATURE_SPACE) as file:
        settings = TrainingSettings(child_weight_min=0.1)
        boosted = boost(settings, TREES, Rows(file, 0, file.rows), None, say)
    return XgboostRanker("bench", boosted.booster, FEATURE_SPACE.count, CALIBRATION)


def _measure(requests: Requests, size: int | None, load: Load) -> Row:
    for _ in range(load.warm_up):
        requests.decide(size)
    took, cpu = zip(*(requests.decide(size)[1:] for _ in range(load.requests)), strict=True)
    found = [percentile(took, share) or 0.0 for share in SHARES]
    found.append(percentile(cpu, 0.5) or 0.0)
    name = f"{len(requests.decide(size)[0].candidates)} {RETRIEVED}" if size is None else str(size)
    say(f"{name}: p50 {found[0]:.2f} ms, p99 {found[3]:.2f} ms, processor {found[4]:.2f} ms")
    return Row(name, load.requests, *(round(one, 3) for one in found))


def _walk(chance: random.Random, items: int, steps: int) -> list[str]:
    """Distinct items that go together: few are wanted by many, and one leads to its neighbours."""
    number = int(chance.paretovariate(0.5)) % items
    found = {f"item-{number}": None}
    while len(found) < min(steps, STEPS_MAX):
        far = CATEGORIES * int(chance.paretovariate(1.0)) * chance.choice((-1, 1))
        number = (number + far) % items
        found[f"item-{number}"] = None
    return list(found)


def _teach(knowledge: Knowledge, records: Iterator[Learnt], epoch: int) -> None:
    """Lets the records come into force, some in each epoch from this one on, as the stream does it."""
    while some := list(islice(records, RECORDS_PER_EPOCH)):
        for record in some:
            told = msgspec.structs.replace(
                record, epoch=epoch, effective_from_ms=effective_from_ms(epoch)
            )
            knowledge.learn(told)
        knowledge.learn(EpochEnd("0", epoch, effective_from_ms(epoch), len(some)))
        knowledge.advance(effective_from_ms(epoch))
        epoch += 1


def _past_sessions(load: Load) -> Iterator[PastSession]:
    chance = random.Random(4)
    for number in range(load.sessions):
        ended_ms = NOW_MS - 30 * DAY_MS + number * 30 * DAY_MS // load.sessions
        items = tuple(_walk(chance, load.items, 1 + int(chance.expovariate(0.25))))
        made = PastSession(f"{number:012x}", 0, 0, ended_ms, items)
        yield PAST_SESSION.decode(PAST_SESSION.encode(made))


def _statistics(items: int) -> Iterator[ItemKnowledge]:
    """What the stream has learnt of each item; as it comes from the topic, so that it weighs the same."""
    chance = random.Random(5)
    end_ms = NOW_MS - DAY_MS
    for number in range(items):
        views = 2_000.0 / (1 + number) ** 0.5
        links = min(32, 2 + int(views / 4))
        made = ItemKnowledge(
            "item", f"item-{number}", 0, 0, end_ms,
            end_ms - 90 * DAY_MS, end_ms - chance.randrange(DAY_MS), views, views / 3, views / 10,
            views / 30, views * 5, views * 2, views / 4, views * 1.5, views / 20,
            f"Shop/Category {number % CATEGORIES}", 5.0 + number % 200,
            _links(chance, number, items, links), _links(chance, number, items, links),
            _links(chance, number, items, links // 4),
        )  # fmt: skip
        yield ITEM_KNOWLEDGE.decode(ITEM_KNOWLEDGE.encode(made))
    for number in range(CATEGORIES):
        yield ItemKnowledge(
            "category", f"Shop/Category {number}", 0, 0, end_ms,
            end_ms - 90 * DAY_MS, end_ms, 1e5, 3e4, 1e4, 3e3, 5e5, 2e5, 2e4, 1e5, 5e3,
        )  # fmt: skip


def _links(chance: random.Random, number: int, items: int, wanted: int) -> dict[str, float]:
    steps = (CATEGORIES * int(chance.paretovariate(0.7)) for _ in range(wanted))
    return {f"item-{(number + step) % items}": 10.0 / (1 + at) for at, step in enumerate(steps)}


def _catalogue(items: int) -> Iterator[Item]:
    for number, item in enumerate(catalogue(items)):
        yield msgspec.structs.replace(
            item,
            effective_from_ms=NOW_MS - 60 * DAY_MS + number * SECOND_MS,
            created_ms=NOW_MS - 60 * DAY_MS + number * SECOND_MS,
            tags=(f"tag-{number % 31}", f"season-{number % 4}"),
            attributes={"size": str(number % 7), "colour": f"colour-{number % 11}"},
        )


def _resident() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss)


def _show(rows: Sequence[Row], memory: Memory, load: Load, is_json: bool) -> None:
    setting = describe() | load._asdict() | {"features": FEATURE_SPACE.count, "trees": TREES}
    bytes_per = {name: round(value) for name, value in memory._asdict().items()}
    if is_json:
        show_json(setting | {"ms": [row._asdict() for row in rows], "bytes_per": bytes_per})
        return
    title = "  ".join(f"{name} {value}" for name, value in setting.items())
    texts = [(row[0], row[1], *(f"{one:.2f}" for one in row[2:])) for row in rows]
    columns = ("candidates", "requests", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "processor p50 ms")
    show_table(title, columns, texts)
    show("  ".join(f"bytes per {name.replace('_', ' ')}: {n:,}" for name, n in bytes_per.items()))
