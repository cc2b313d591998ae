"""A made-up log of clicks with structure to learn: items have favourite followers and a popularity."""

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.events import Event
from schemas.limits import DAY_MS, SECOND_MS

BEGUN_MS: Final = 1_700_000_000_000
FOLLOWERS: Final = 8
FOLLOW: Final = 0.45
"""Share of the clicks that go to a favourite follower of the item before; RETURN go back to an item of
the session, the others to any item by its popularity."""
RETURN: Final = 0.2
PAUSE_MEAN_S: Final = 45.0
POPULARITY_EXPONENT: Final = 0.8


class Size(NamedTuple):
    """Of a log: sessions come evenly over `days`, each item is clicked at least sometimes."""

    events: int
    items: int
    sessions: int
    days: int = 30


def click_log(size: Size, seed: int = 1) -> Iterator[Event]:
    """About `size.events` views, session by session: not in order of time."""
    chance = random.Random(seed)
    names = list(range(size.items))
    popularity = list(accumulate((n + 1) ** -POPULARITY_EXPONENT for n in names))
    followers = [chance.choices(names, cum_weights=popularity, k=FOLLOWERS) for _ in names]
    favourite = list(accumulate(2.0**-place for place in range(FOLLOWERS)))
    per_session = size.events / size.sessions
    for number in range(size.sessions):
        now_ms = BEGUN_MS + chance.randrange(size.days * DAY_MS)
        seen: list[int] = []
        for step in range(1 + int(chance.expovariate(1.0 / max(1e-9, per_session - 0.5)))):
            draw = chance.random()
            if seen and draw < FOLLOW:
                item = chance.choices(followers[seen[-1]], cum_weights=favourite)[0]
            elif seen and draw < FOLLOW + RETURN:
                item = chance.choice(seen)
            else:
                item = chance.choices(names, cum_weights=popularity)[0]
            seen.append(item)
            yield Event(
                f"{number}-{step}", "product_viewed", now_ms, f"s{number}", f"a{number}",
                item_ids=(f"i{item}",),
            )  # fmt: skip
            now_ms += 1 + int(chance.expovariate(1.0 / PAUSE_MEAN_S) * SECOND_MS)
