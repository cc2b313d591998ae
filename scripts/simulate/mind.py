"""What a person of a world has in mind from one visit to the next: what they have seen, spent, agreed to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import exp
from typing import Final

from schemas.events import ANALYTICS, PERSONALISATION
from schemas.limits import DAY_MS
from scripts.simulate.world import Effect, Said, World

GRANTED: Final = (PERSONALISATION, ANALYTICS)
DENIED: Final[tuple[str, ...]] = ()
MONTH_MS: Final = 30 * DAY_MS


@dataclass(slots=True)
class Mind:
    """`consent`: what has been said by now, None = nothing; `stored`: the anonymous id that each device keeps, as a browser does with consent alone.

    `signed_in`: the devices that know who they are. `ignored` is what was shown and not clicked, as of `ignored_at_ms`; `known_as`: every anonymous id so far.
    """

    consent: tuple[str, ...] | None = None
    has_answered: bool = False
    stored: dict[int, str] = field(default_factory=dict)
    signed_in: set[int] = field(default_factory=set)
    known_as: dict[str, None] = field(default_factory=dict)
    ignored: float = 0.0
    ignored_at_ms: int = 0
    month: int = 0
    spent: float = 0.0


def freshness(mind: Mind, world: World, now_ms: int) -> float:
    """How willing they still are to look at what is shown, from 1 down to 0."""
    return exp(-world.reactions.fatigue * _ignored(mind, world, now_ms))


def ignore(mind: Mind, world: World, now_ms: int) -> None:
    """Once more something was shown, and not clicked."""
    mind.ignored = _ignored(mind, world, now_ms) + 1.0
    mind.ignored_at_ms = now_ms


def left_to_spend(mind: Mind, world: World, budget: float, now_ms: int) -> float:
    """What is left of the budget of these 30 days, counted from the world's beginning."""
    month = (now_ms - world.begins_ms) // MONTH_MS
    if month != mind.month:
        mind.month, mind.spent = month, 0.0
    return budget - mind.spent


def changed(
    chance: float, of: Said, effects: Iterable[Effect], seen: Collection[str], arms: Collection[str]
) -> float:
    """The chance of something, with what the actions that were seen and the arms really do to it."""
    for one in effects:
        if one.of == of and (one.action in seen or one.arm in arms):
            chance = chance * one.times + one.adds
    return min(1.0, max(0.0, chance))


def _ignored(mind: Mind, world: World, now_ms: int) -> float:
    past = (now_ms - mind.ignored_at_ms) / world.reactions.recovers_ms
    return float(mind.ignored * 0.5 ** max(0.0, past))
