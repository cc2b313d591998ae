"""A made-up shop under load, for the benchmarks: people who view, search, click and fill carts."""

import random
from collections.abc import Iterator
from typing import Any, Final

from schemas.events import Event
from schemas.items import Item

DECISION_SHARE: Final = 0.3
"""Of the events ask for a decision: a product view does, under the default policy."""
OTHERS: Final[tuple[tuple[str, int], ...]] = (
    ("page_viewed", 30),
    ("page_scrolled", 15),
    ("element_clicked", 10),
    ("search_performed", 10),
    ("filter_applied", 5),
)
EVENTS_PER_SESSION: Final = 12
CATEGORIES: Final = 40
BRANDS: Final = 25


def catalogue(count: int) -> Iterator[Item]:
    """`count` items of 40 categories and 25 brands."""
    for n in range(count):
        yield Item(
            item_id=f"item-{n}",
            effective_from_ms=0,
            name=f"Item {n}",
            category=f"Shop/Category {n % CATEGORIES}",
            brand=f"Brand {n % BRANDS}",
            price=5.0 + n % 200,
            currency="EUR",
            stock=n % 50,
            created_ms=1_700_000_000_000,
        )


def shoppers(run: str, items: int, seed: int = 1) -> Iterator[Event]:
    """Endless events of some hundred simultaneous sessions, without times: set them when sending."""
    chance = random.Random(seed)
    sessions = [f"{run}-{n}" for n in range(400)]
    newest = len(sessions)
    number = 0
    while True:
        number += 1
        place = chance.randrange(len(sessions))
        yield _event(chance, f"{run}-e{number}", sessions[place], items)
        if chance.random() < 1 / EVENTS_PER_SESSION:
            sessions[place] = f"{run}-{newest}"
            newest += 1


def _event(chance: random.Random, event_id: str, session: str, items: int) -> Event:
    fields: dict[str, Any] = {"channel": "web", "page": f"/{chance.randrange(30)}"}
    if chance.random() < DECISION_SHARE:
        item = min(int(chance.paretovariate(0.7)), items) - 1
        event_type = "product_viewed"
        fields |= {"item_ids": (f"item-{item}",), "price": 5.0 + item % 200, "currency": "EUR"}
    else:
        event_type = chance.choices([n for n, _ in OTHERS], [weight for _, weight in OTHERS])[0]
        if event_type == "search_performed":
            fields["query"] = chance.choice(("tent", "running shoes", "pan"))
        elif event_type == "filter_applied":
            fields |= {"attribute": "size", "value": str(chance.randrange(10))}
    return Event(event_id, event_type, 0, session, f"visitor-{session}", **fields)
