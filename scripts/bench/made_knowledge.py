"""What an engine may know, made up: a catalogue, statistics of its items and their links, past sessions."""

import gc
import random
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import psutil

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
from scripts.bench.workload import CATEGORIES, catalogue
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

NOW_MS: Final = 1_700_000_000_000
RECORDS_PER_EPOCH: Final = 1_000
STEPS_MAX: Final = 20
"""Neighbours are 40 numbers apart: of 1,000 items 25 can be reached."""
Learnt = PastSession | ItemKnowledge


class Load(NamedTuple):
    """How much is measured, and how much the engine knows: items and past sessions."""

    warm_up: int = 1_000
    requests: int = 5_000
    items: int = 100_000
    sessions: int = 200_000


class Memory(NamedTuple):
    """Bytes that one of each adds to the process."""

    catalogue_item: float
    statistics_item: float
    past_session: float


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


def walk(chance: random.Random, items: int, steps: int) -> list[str]:
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
        items = tuple(walk(chance, load.items, 1 + int(chance.expovariate(0.25))))
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
