"""The people of a world: what each likes and can spend, where and when they come. The same world and seed give the same ones."""

from math import exp, log
from random import Random
from typing import Final, NamedTuple

from schemas.limits import DAY_MS, HOUR_MS
from scripts.simulate.goods import Goods, Thing
from scripts.simulate.world import VISITS_MAX, Around, World

HOURS: Final = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 11, 10, 9, 9, 10, 11, 13, 15, 16, 14, 9, 5)
"""How many come in each hour of the day (UTC), in proportion."""
AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
)
BOT_AGENTS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)


class Coming(NamedTuple):
    """When a visit begins, and on which device of the person (from 0)."""

    time_ms: int
    device: int


class Person(NamedTuple):
    """What is true of one of them, as nobody else knows it.

    `tastes` are shares over the shelves. `is_granting`: what they answer when they are asked for consent, None = nothing;
    `withdraws_in`: the visit (from 0) at whose end they take it back. `account`: the id with which they may sign in.
    """

    number: int
    is_bot: bool
    is_declared: bool
    tastes: tuple[float, ...]
    level: float
    sensitivity: float
    budget: float
    is_granting: bool | None
    withdraws_in: int | None
    account: str | None
    devices: tuple[str, ...]
    visits: tuple[Coming, ...]


def make_person(world: World, goods: Goods, number: int) -> Person:
    """The person of this number, whoever else there is."""
    chance = Random(f"{world.seed}/person/{number}")
    tastes, consent = world.tastes, world.consent
    is_bot = chance.random() < world.bots.share
    is_declared = is_bot and chance.random() < world.bots.declared
    answer = chance.random()
    is_granting = None if answer >= consent.granted + consent.denied else answer < consent.granted
    visits = _visits(world, chance)
    withdraws = bool(is_granting) and chance.random() < consent.withdrawn
    device_count = chance.choices(range(1, len(world.devices) + 1), world.devices)[0]
    agents = BOT_AGENTS if is_declared else AGENTS
    is_member = chance.random() < world.members.share and not is_bot
    return Person(
        number=number,
        is_bot=is_bot,
        is_declared=is_declared,
        tastes=_dirichlet(chance, tastes.concentration, len(goods.shelves)),
        level=_around(chance, tastes.level),
        sensitivity=_around(chance, tastes.sensitivity),
        budget=_around(chance, tastes.budget),
        is_granting=None if is_bot else is_granting,
        withdraws_in=chance.randrange(len(visits)) if withdraws and not is_bot else None,
        account=f"customer-{number}" if is_member else None,
        devices=tuple(chance.choice(agents) for _ in range(device_count)),
        visits=tuple(Coming(time_ms, chance.randrange(device_count)) for time_ms in visits),
    )


def appeal(person: Person, thing: Thing) -> float:
    """How much a thing pleases, from 0 to 1: 1 is the best there is of what they like most, at a price that is none to them."""
    liked = person.tastes[thing.shelf] / max(person.tastes)
    too_dear = max(0.0, log(thing.price / person.level))
    return liked * thing.quality * exp(-person.sensitivity * too_dear)


def own_choice(person: Person, goods: Goods, chance: Random) -> Thing:
    """What they look at when nobody shows them anything: of a shelf that they like, what draws."""
    return chance.choices(goods.shelves, person.tastes)[0].take(chance)


def geometric(chance: Random, mean: float) -> int:
    """A number from 1 on with this mean."""
    count, more = 1, 1.0 - 1.0 / mean
    while count < VISITS_MAX and chance.random() < more:
        count += 1
    return count


def _visits(world: World, chance: Random) -> list[int]:
    """When the visits begin, in order, each in its own millisecond of the world's days."""
    found = set()
    for _ in range(geometric(chance, world.visits.mean)):
        hour = chance.choices(range(24), HOURS)[0]
        day_ms = chance.randrange(world.days) * DAY_MS
        found.add(world.begins_ms + day_ms + hour * HOUR_MS + chance.randrange(HOUR_MS))
    return sorted(found)


def _around(chance: Random, around: Around) -> float:
    return around.median * exp(chance.gauss(0.0, around.spread))


def _dirichlet(chance: Random, concentration: float, count: int) -> tuple[float, ...]:
    drawn = [max(1e-9, chance.gammavariate(concentration, 1.0)) for _ in range(count)]
    total = sum(drawn)
    return tuple(one / total for one in drawn)
