"""`kairos bench optout`: from when consent was to be withdrawn until nothing personal can be read any more."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from typing import Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.publish import Log, now_ms
from schemas.decisions import Decision
from schemas.events import CONSENT_CHANGED, Event
from schemas.topics import DECISIONS
from scripts.bench.pace import moments
from scripts.bench.setting import POLICY, BenchEngine, as_title, bench_config, describe, prepare
from scripts.bench.workload import shoppers
from scripts.console import percentile, say, show_json, show_table
from scripts.demo.feeding import DecisionReader
from scripts.exit_codes import passed
from scripts.ops.engine import Engine
from scripts.ops.stores import store_of

P99_MS_MAX: Final = 100
PLACEMENT: Final = POLICY.placements[0].name
GIVEN_UP_S: Final = 10.0
WATCHED_S: Final = 2.0
"""For so long nothing personal may come back into the store, once it is clean."""
BETWEEN_LOOKS_S: Final = 0.002
JUST_NOW_S: Final = 0.2
"""Who is clean since so long is looked at each time: what was on its way may stand there once more."""
LOOKS_TO_A_WATCH: Final = 25
"""Who is clean already is looked at so much less often: a reader that takes a core for itself measures itself."""
STANDING_MAX: Final = 2_000
TRIES_MAX: Final = 20
"""People who are looked for in the store, where one is to withdraw; a store that is so far behind shows none of them yet."""

NOT_YET: Final = (0, 2**63)
"""Nothing takes back what stands, so far."""

Read = Callable[[str], Decision | None]
"""The person's decision as a reader of the store sees it now."""


class Load(NamedTuple):
    """Events and withdrawals per second, seconds before and while it is measured, size of the catalogue."""

    rate: int
    withdrawals: int
    seconds: int
    warm_up: int
    items: int


class Hop(NamedTuple):
    """Percentiles in milliseconds since the withdrawal was due."""

    hop: str
    samples: int
    p50: float | None
    p99: float | None
    max: float | None


class Found(NamedTuple):
    """`unfinished`: withdrawals after which something personal stayed for GIVEN_UP_S; `came_back`: where it was there again; `decided_late`:
    decisions on what was before a withdrawal that could be read after it had been taken back.
    """

    in_kafka: list[int]
    in_store: list[int]
    unfinished: int
    came_back: int
    decided_late: int

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds."""
        p99 = percentile(self.in_store, 0.99)
        is_clean = not (self.unfinished or self.came_back or self.decided_late)
        return is_clean and p99 is not None and p99 <= P99_MS_MAX


class Withdrawals:
    """Who withdrew, when, and what could be read of them since; told by two threads that read, each of its own source."""

    def __init__(self) -> None:
        self.standing: deque[tuple[str, str]] = deque(maxlen=STANDING_MAX)
        """Person and session of decisions that were read lately."""
        self._asked_ms: dict[str, int] = {}
        self._taken_back: dict[str, tuple[int, int]] = {}
        """After how long that could be read, and its sequence."""
        self._open: dict[str, int] = {}
        self._clean: dict[str, tuple[int, int]] = {}
        self._came_back: set[str] = set()
        self._decided_late = 0

    def next_person(self, read: Read) -> tuple[str, str] | None:
        """Whoever has a decision that a reader of the store sees and has not withdrawn; None = nobody yet."""
        for _ in range(TRIES_MAX):
            if not self.standing:
                break
            person, session_id = self.standing.pop()
            if person not in self._asked_ms and read(person) is not None:
                return person, session_id
        return None

    def ask(self, person: str, at_ms: int) -> None:
        """The person withdraws."""
        self._asked_ms[person] = at_ms
        self._open[person] = at_ms

    def see(self, decision: Decision, at_ms: int) -> None:
        """A decision was read from Kafka."""
        person = decision.person
        asked_ms = self._asked_ms.get(person)
        if asked_ms is None:
            if decision.kind == "decided":
                self.standing.append((person, decision.session_id))
        elif decision.kind == "purged":
            self._taken_back.setdefault(person, (at_ms - asked_ms, decision.sequence))
        elif person in self._taken_back and decision.event_time_ms < asked_ms:
            self._decided_late += 1

    def look(self, read: Read, at_ms: Callable[[], int], *, watches: bool = True) -> None:
        """Reads the store for everybody who withdrew and is not clean, or was not a moment ago; where it `watches`, for who was clean lately.

        A decision may have ended by itself while another one is still on its way: whoever has one again that is older than what
        takes it back was not clean yet.
        """
        for person, asked_ms in [*self._open.items()]:
            if _is_clean(read(person), asked_ms):
                clean_ms = at_ms()
                self._clean[person] = clean_ms, clean_ms - asked_ms
                del self._open[person]
        until_ms = at_ms() - int((WATCHED_S if watches else JUST_NOW_S) * 1_000)
        for person in reversed([*self._clean]):
            if self._clean[person][0] < until_ms:
                break
            stands = read(person)
            if _is_clean(stands, self._asked_ms[person]):
                continue
            _, sequence = self._taken_back.get(person, NOT_YET)
            if stands is not None and stands.sequence > sequence:
                self._came_back.add(person)
            else:
                self._open[person] = self._asked_ms[person]
                del self._clean[person]

    @property
    def is_done(self) -> bool:
        """Whether nothing personal is left of anybody who withdrew."""
        return not self._open

    def found(self, from_ms: int) -> Found:
        """What those came to who withdrew since then."""
        measured = {person for person, asked_ms in self._asked_ms.items() if asked_ms >= from_ms}
        return Found(
            [took for person, (took, _) in self._taken_back.items() if person in measured],
            [took for person, (_, took) in self._clean.items() if person in measured],
            len(measured & self._open.keys()), len(self._came_back), self._decided_late,
        )  # fmt: skip


def _is_clean(decision: Decision | None, asked_ms: int) -> bool:
    """Whether nothing stands there that was decided before the withdrawal."""
    return decision is None or decision.event_time_ms >= asked_ms


class Loop(threading.Thread):
    """Does something again and again until it is ended."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._act, self._is_ending = act, threading.Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._is_ending.is_set():
            self._act()

    def end(self) -> None:
        """Ends it."""
        self._is_ending.set()
        self.join()


def bench(config: Config, load: Load, is_json: bool) -> int:
    """Runs the whole engine under a steady load while people withdraw; exit code 1 where the promise does not hold."""
    config = bench_config(config)
    with BenchEngine(config, say) as engine:
        addresses = engine.start()
        prepare(engine, config, load.items)
        reader = DecisionReader(addresses.kafka, config.topic_prefix + DECISIONS)
        store = store_of(config, addresses.redis)
        withdrawals = Withdrawals()

        def read(person: str) -> Decision | None:
            return store.read(person, PLACEMENT, now_ms())

        looks = count()

        def look() -> None:
            withdrawals.look(read, now_ms, watches=next(looks) % LOOKS_TO_A_WATCH == 0)
            time.sleep(BETWEEN_LOOKS_S)

        def hear() -> None:
            for decision in reader.read(0.001):
                withdrawals.see(decision, now_ms())

        loops = Loop(hear), Loop(look)
        for loop in loops:
            loop.start()
        say(f"{load.rate} events/s, {load.withdrawals} withdrawals/s: {load.warm_up} s of warm-up, {load.seconds} s measured")  # fmt: skip
        events = shoppers(f"bench-{now_ms()}", load.items)
        withdraw = partial(_withdraw, withdrawals, read, engine.log)
        send(engine, events, load, load.warm_up, withdraw)
        from_ms = now_ms()
        behind = send(engine, events, load, load.seconds, withdraw)
        _await(withdrawals)
        for loop in loops:
            loop.end()
    found = withdrawals.found(from_ms)
    _show(found, load, behind, is_json)
    return passed(found.is_kept)


def send(
    engine: Engine, events: Iterator[Event], load: Load, seconds: int, withdraw: Callable[[int], None]
) -> int:  # fmt: skip
    """Sends at the rate; every so many events somebody withdraws. The most it fell behind, in ms."""
    log, worst_ms, every = engine.log, 0, max(1, load.rate // load.withdrawals)
    for number, due_ms in enumerate(islice(moments(load.rate), load.rate * seconds)):
        worst_ms = max(worst_ms, now_ms() - due_ms)
        log.event(msgspec.structs.replace(next(events), event_time_ms=due_ms, sent_at_ms=due_ms))
        if number % every == 0:
            withdraw(due_ms)
        engine.tick()
    log.flush()
    return worst_ms


def _withdraw(withdrawals: Withdrawals, read: Read, log: Log, due_ms: int) -> None:
    """Somebody withdraws, if anybody's decision can be read yet."""
    who = withdrawals.next_person(read)
    if who is not None:
        withdrawals.ask(who[0], due_ms)  # before anybody can read what came of it
        for event in withdrawing(*who, due_ms):
            log.event(event)


def withdrawing(person: str, session_id: str, due_ms: int) -> tuple[Event, Event]:
    """What is asked for just before, so that a decision is in flight, and the withdrawal."""
    asking = Event(
        f"{session_id}-asking", "product_viewed", due_ms - 1, session_id, person, channel="web",
        item_ids=("item-0",), sent_at_ms=due_ms,
    )  # fmt: skip
    withdrawal = Event(
        f"{session_id}-withdrawal", CONSENT_CHANGED, due_ms, session_id, person, channel="web",
        consent=(), sent_at_ms=due_ms,
    )  # fmt: skip
    return asking, withdrawal


def _await(withdrawals: Withdrawals) -> None:
    """Until nothing personal is left, and then as long as it may not come back."""
    deadline_s = time.monotonic() + GIVEN_UP_S
    while not withdrawals.is_done and time.monotonic() < deadline_s:
        time.sleep(0.1)
    time.sleep(WATCHED_S)


def _hop(name: str, samples: Sequence[int]) -> Hop:
    return Hop(
        name, len(samples), percentile(samples, 0.5), percentile(samples, 0.99), max(samples, default=None),
    )  # fmt: skip


def _show(found: Found, load: Load, behind: int, is_json: bool) -> None:
    setting = describe() | {
        "events_per_s": load.rate, "withdrawals_per_s": load.withdrawals, "seconds": load.seconds, "items": load.items,
        "sender_behind_ms_max": behind, "unfinished": found.unfinished, "came_back": found.came_back,
        "decided_late": found.decided_late,
    }  # fmt: skip
    hops = [
        _hop("withdrawal -> taken back in Kafka", found.in_kafka),
        _hop("withdrawal -> nothing personal in the store", found.in_store),
    ]
    if is_json:
        show_json(setting | {"is_kept": found.is_kept, "hops": [hop._asdict() for hop in hops]})
        return
    columns = ("ms since the withdrawal was due", "samples", "p50", "p99", "max")
    show_table(as_title(setting), columns, hops)
