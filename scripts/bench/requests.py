"""Requests of made-up people through the engine's own steps, in one thread, and a model trained on them."""

import random
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any, Final, TypeVar

from jobs.config import config_from
from models.held_out import without_tail
from models.learning.boosting import Rows, TrainingSettings, boost
from models.learning.calibration import Calibration
from models.learning.example_file import ExampleFile, ExampleWriter
from models.ranker import XgboostRanker
from schemas.decisions import DecisionTrace
from schemas.events import Candidate, Event
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SessionState
from scripts.bench.made_knowledge import NOW_MS, Load, Memory, make_knowledge, walk
from scripts.console import say
from udfs.decide import decide
from udfs.explain.fit_records import Made
from udfs.explain.tracing import WHOLE, Tracing
from udfs.explain.vectors import matrix_of
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.track_session import track_session

SHOPPERS: Final = 500
TOUCHES: Final = 20
TREES: Final = 300
TRAINING_REQUESTS: Final = 300
CALIBRATION: Final = Calibration((-6.0, -2.0, 0.0, 4.0), (0.002, 0.1, 0.4, 0.95))


class Shopper:
    """One person in one session, as the two operators keep it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._session: SessionState | None = None
        self._person: PersonState | None = None

    def take(
        self, event: Event, knowledge: Knowledge, is_wanted: bool = True, tracing: Tracing = WHOLE
    ) -> Made | None:
        """The event through both steps; the decision that it asked for, if it did."""
        record = LogRecord("events", 0, 0, event.event_time_ms, event.session_id, b"")
        told = track_session(self._session, record, lambda _: event, knowledge, 0)
        self._session = told.state
        made: Made | None = None
        for news in told.news:
            result = decide(self._person, news, knowledge, "bench", is_wanted, tracing=tracing)
            self._person = result.state
            made = result.decisions[0] if result.decisions else made
        return made


class Requests:
    """Requests of shoppers who have touched TOUCHES items each; time goes on from one to the next."""

    def __init__(self, knowledge: Knowledge, items: int) -> None:
        self.knowledge, self._items = knowledge, items
        self.tracing = WHOLE
        self._chance = random.Random(2)
        self._numbers = count()
        self._shoppers: list[tuple[Shopper, list[str]]] = []
        for number in range(SHOPPERS):
            shopper, touched = Shopper(f"shopper-{number}"), walk(self._chance, items, TOUCHES)
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
        made = shopper.take(event, self.knowledge, tracing=self.tracing)
        took_ms, cpu_ms = (perf_counter() - begun_s) * 1000, (thread_time() - cpu_s) * 1000
        if made is None:
            raise RuntimeError(f"no decision on {event.event_type}")
        return made[1], took_ms, cpu_ms

    def timed(self, candidates: int | None, load: Load) -> tuple[Sequence[float], Sequence[float]]:
        """The milliseconds that requests took, after the warm-up, and those of the processor."""
        for _ in range(load.warm_up):
            self.decide(candidates)
        took, cpu = zip(*(self.decide(candidates)[1:] for _ in range(load.requests)), strict=True)
        return took, cpu

    def _offered(self, touched: Sequence[str], size: int) -> Iterator[Candidate]:
        """A list as a shop's search gives it: some of it touched, some alike, some just wanted."""
        found = dict.fromkeys(self._chance.sample(touched, min(len(touched), size // 10)))
        while len(found) < size:
            found |= dict.fromkeys(walk(self._chance, self._items, 5))
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


R = TypeVar("R", bound=Requests)


def prepared(load: Load, kind: type[R]) -> tuple[R, Memory]:
    """Requests to an engine that knows as much as is asked and has a model trained on them; what that weighs."""
    say(f"making {load.items:,} items and {load.sessions:,} past sessions")
    knowledge, memory = make_knowledge(load)
    requests = kind(knowledge, load.items)
    say(f"training a model of {TREES} trees")
    with TemporaryDirectory() as folder:
        knowledge.add_model("bench", 0, 0, make_model(requests, Path(folder)))
    requests.tracing = Tracing(config_from().trace_share)
    return requests, memory


def make_model(requests: Requests, folder: Path) -> XgboostRanker:
    """A model of a realistic size, trained on real vectors with made-up answers, without what hardly counts."""
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
        shares = boost(settings, TREES, Rows(file, 0, file.rows), None, say).gain_shares
        kept = without_tail(FEATURE_SPACE.names, shares)
        boosted = boost(settings, TREES, Rows(file, 0, file.rows, kept), None, say)
    return XgboostRanker("bench", boosted.booster, kept, CALIBRATION)
