"""What it costs to look up where an event came from: user agent, referrer, campaign and, with a database, place."""

import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.enrich.enrich_event import Came, enriched, of_page
from schemas.enrich.places import NOWHERE, Places
from schemas.enrich.user_agents import agent_of
from schemas.events import Context, Event
from scripts.bench.made_records import events
from udfs.policy.compiled_events import origin

AGENTS: Final = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {kind}Safari/537.36"
    for version in range(90, 130)
    for system, kind in (
        ("Windows NT 10.0; Win64; x64", ""),
        ("Macintosh; Intel Mac OS X 10_15_7", ""),
        ("Linux; Android 14; Pixel 8", "Mobile "),
        ("Linux; Android 13; SM-A536B", "Mobile "),
        ("compatible; Googlebot/2.1", ""),
    )
)
"""200 different ones, in turns: a shop's visitors have some thousands."""
REFERRERS: Final = ("https://www.google.com/", "https://www.blog.example/", "https://t.co/x", None)
PAGES: Final = (
    "/shoes",
    "https://shop.example/shoes?utm_source=news&utm_medium=email&utm_campaign=x",
)
ADDRESSES: Final = tuple(f"203.0.{one % 256}.{one % 250}" for one in range(5_000))
TURNS: Final = 5


class Cost(NamedTuple):
    """Microseconds of processor time: an event with what is looked up for it, and a user agent for the first time."""

    event_us: float
    new_agent_us: float


def enriching(count: int, database: Path | None) -> Cost:
    """The median of several turns over so many events."""
    places = Places(database) if database is not None else None
    given = [
        replace(event, page=page, context=Context(referrer=referrer))
        for event, page, referrer in zip(
            events(count), cycle(PAGES), cycle(REFERRERS), strict=False
        )
    ]
    fresh = []
    for turn in range(TURNS):
        new = [f"{one} Turn/{turn}" for one in AGENTS]  # the library remembers them, too
        begun_s = time.process_time()
        for one in new:
            agent_of(one)
        fresh.append((time.process_time() - begun_s) / len(new))
    took = [_seconds(given, places) / count for _ in range(TURNS)]
    return Cost(round(median(took) * 1e6, 2), round(median(fresh[1:]) * 1e6, 2))


def _seconds(given: list[Event], places: Places | None) -> float:
    agents, addresses = islice(cycle(AGENTS), len(given)), islice(cycle(ADDRESSES), len(given))
    begun_s = time.process_time()
    for event, agent, address in zip(given, agents, addresses, strict=True):
        place = places.of(address) if places is not None else NOWHERE
        origin(of_page(enriched(event, Came(agent_of(agent), place))))
    return time.process_time() - begun_s
