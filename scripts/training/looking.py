"""`--examination`: where it is known from how likely each place of a list is looked at."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jobs.learning.weighing import Looking
from models.learning.examination import PLACES_MAX, Curve
from schemas.errors import ConfigError

WAYS: Final = ("random", "swaps", "none")
GIVEN_BYTES_MAX: Final = 1_000_000
Chance = Annotated[float, Meta(gt=0, le=1)]
Given = dict[str, Annotated[tuple[Chance, ...], Meta(min_length=1, max_length=PLACES_MAX)]]


def looking_from(said: str) -> Looking:
    """One of WAYS, or a JSON file with the chances of each placement's places, the first one's being 1.

    Raises ConfigError for anything else.
    """
    for way in ("random", "swaps", "none"):
        if said == way:
            return Looking(way)
    try:
        with Path(said).open("rb") as file:
            found = msgspec.json.decode(file.read(GIVEN_BYTES_MAX), type=Given)
    except OSError as error:
        raise ConfigError(
            f"--examination {said}: it is none of {', '.join(WAYS)}, and no file that can be read: {error.strerror}"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f'--examination {said}: chances of places are wanted, from above 0 to 1, as {{"home": [1, 0.6, 0.4]}}: {error}'
        ) from error
    curves = tuple(
        Curve(placement=name, source="given", chances=_beside_first(chances))
        for name, chances in sorted(found.items())
    )
    return Looking("given", curves)


def _beside_first(chances: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(one / chances[0] for one in chances)
