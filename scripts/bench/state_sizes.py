"""`kairos bench state --sizes`: how many bytes of state a person is, over made-up people of all kinds."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from jobs.config import Config
from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import PURPOSES, Event, EventType
from schemas.limits import DAY_MS, DEDUP_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE
from schemas.state.session import SESSION_STATE, SessionState
from scripts.bench.setting import as_title, bench_knowledge, describe
from scripts.console import show_json, show_table
from scripts.progress import Watched

BEGUN_MS: Final = 1_700_000_000_000
DAYS: Final = 90
END_MS: Final = BEGUN_MS + DAYS * DAY_MS
VISITS_EXPONENT: Final = 1.3
"""How many visits people make is Pareto's: two in five come once, one in a hundred 35 times and more."""
VISITS_MAX: Final = 300
EVENTS_PER_VISIT: Final = 8.0
PAUSE_MEAN_S: Final = 40.0
SIGNS_IN: Final = 0.3
"""So many have an account; each of their visits may be on another device."""
DEVICES_MAX: Final = 3
TYPES: Final[tuple[tuple[EventType, int], ...]] = (
    ("product_viewed", 40), ("page_viewed", 20), ("search_performed", 8), ("filter_applied", 5),
    ("product_added_to_cart", 5), ("page_scrolled", 8), ("decision_exposed", 8), ("decision_clicked", 2),
    ("decision_dismissed", 1), ("purchase_completed", 2), ("preference_stated", 1),
)  # fmt: skip
_NAMES: Final = tuple(name for name, _ in TYPES)
_WEIGHTS: Final = tuple(accumulate(weight for _, weight in TYPES))
GIB: Final = 2**30


class Sizes(NamedTuple):
    """Bytes of one person's state: the profile, visits not yet forgotten, and what they remember to tell repeats."""

    profile: int
    visits: int
    deduplication: int


class Spread(NamedTuple):
    """Of one part of the state over all people, in bytes; and what a million of them take."""

    part: str
    p50: int
    p99: int
    largest: int
    mean: float
    gib_per_million: str


def bench(config: Config, people: int, items: int, is_json: bool) -> None:
    """Folds the visits of so many people, each up to the same moment, and prints what is kept of them."""
    knowledge = bench_knowledge(items)
    # what is kept of a decision is the same whichever it was: a few are enough
    rules = FoldRules(
        EVENT.decode, config.seed, end_ms=END_MS, decides=lambda event: event.event_id.endswith("1")
    )
    found = []
    for number in Watched("people", range(people), people):
        fold = Fold(knowledge, rules)
        for _ in fold.run(logged(visits_of(number, items))):
            pass
        found.append(sizes_in(fold))
    spreads = spread(found)
    setting = describe() | {"people": people, "items": items, "days": DAYS}
    if is_json:
        show_json(setting | {"sizes": [one._asdict() for one in spreads]})
        return
    columns = ("bytes of a person", "p50", "p99", "largest", "mean", "GiB per million")
    show_table(as_title(setting), columns, spreads)


def sizes_in(fold: Fold) -> Sizes:
    """What a fold of one person's visits holds at its end."""
    kept = [one for one in fold.sessions.values() if one.newest_ms + DEDUP_MS > END_MS]
    seen = sum(len(one.seen) for one in kept)
    profile = sum(len(PERSON_STATE.encode(one)) for one in fold.persons.values())
    return Sizes(profile, sum(map(_bytes_of, kept)) - seen, seen)


def _bytes_of(state: SessionState) -> int:
    return len(SESSION_STATE.encode(state))


def spread(found: Sequence[Sizes]) -> list[Spread]:
    """The distribution of each part, and of all but the memory for repeats."""
    parts: dict[str, list[int]] = {
        "profile": [one.profile for one in found],
        "visits": [one.visits for one in found],
        "both": [one.profile + one.visits for one in found],
        "deduplication of sessions": [one.deduplication for one in found],
    }
    return [_spread(name, sorted(sizes)) for name, sizes in parts.items()]


def _spread(part: str, sizes: list[int]) -> Spread:
    mean = sum(sizes) / len(sizes)
    newest = len(sizes) - 1
    return Spread(
        part,
        sizes[newest // 2],
        sizes[newest * 99 // 100],
        sizes[-1],
        mean,
        f"{mean * 1e6 / GIB:.2f}",
    )


def logged(events: Iterable[Event]) -> Iterator[LogRecord]:
    """Events as records of a log, in the order of time."""
    ordered = sorted(events, key=lambda one: one.event_time_ms)
    for at, event in enumerate(ordered):
        yield LogRecord("events", 0, at, event.event_time_ms, event.session_id, EVENT.encode(event))


def visits_of(number: int, items: int) -> Iterator[Event]:
    """All events of the `number`-th person; the last visit ends before END_MS."""
    chance = random.Random(number)
    visits = min(VISITS_MAX, int(chance.paretovariate(VISITS_EXPONENT)))
    has_account = chance.random() < SIGNS_IN
    devices = chance.randint(1, DEVICES_MAX) if has_account else 1
    for visit in range(visits):
        device = f"p{number}-d{chance.randrange(devices)}"
        session = f"p{number}-v{visit}"
        now_ms = BEGUN_MS + chance.randrange(DAYS * DAY_MS - HOUR_MS)
        count = 1 + int(chance.expovariate(1.0 / (EVENTS_PER_VISIT - 1.0)))
        first = Event(
            f"{session}-0", "page_viewed", now_ms, session, device, channel="web", page="/",
            consent=PURPOSES,
        )  # fmt: skip
        yield first
        for step in range(1, count):
            now_ms = min(
                now_ms + SECOND_MS + int(chance.expovariate(1.0 / PAUSE_MEAN_S) * SECOND_MS),
                END_MS - MINUTE_MS,
            )
            event = replace(first, event_id=f"{session}-{step}", event_time_ms=now_ms, consent=None)
            if has_account and step == count // 2:
                yield replace(event, event_type="identified", person_id=f"p{number}")
            else:
                yield replace(event, **_what(chance, items))


def _what(chance: random.Random, items: int) -> dict[str, Any]:
    kind = chance.choices(_NAMES, cum_weights=_WEIGHTS)[0]
    item = min(int(chance.paretovariate(0.7)), items) - 1
    fields: dict[str, Any] = {"event_type": kind, "page": f"/{chance.randrange(30)}"}
    if kind == "search_performed":
        fields["query"] = chance.choice(("tent", "running shoes", "pan"))
    elif kind == "filter_applied":
        fields |= {"attribute": "size", "value": str(chance.randrange(10))}
    elif kind == "preference_stated":
        fields |= {"attribute": f"topic {chance.randrange(5)}", "value": "yes"}
    elif kind not in ("page_viewed", "page_scrolled"):
        fields |= {"item_ids": (f"item-{item}",), "price": 5.0 + item % 200, "currency": "EUR"}
    return fields
