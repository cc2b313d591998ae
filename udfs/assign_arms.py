"""Who is in which arm: a salted hash of the person, so for ever the same, whatever happens before."""

from collections.abc import Iterable

from schemas.policy import Experiment, Holdout
from udfs.draw import draw


def is_held_out(holdout: Holdout, person: str) -> bool:
    """Whether the person gets the non-personal default."""
    return draw("holdout", holdout.salt, person) < holdout.share


def assign_arms(experiments: Iterable[Experiment], person: str) -> dict[str, str]:
    """The person's arm in each experiment; beyond the arms' shares people are in none."""
    found = {}
    for one in experiments:
        place, reached = draw("experiment", one.salt or one.name, person), 0.0
        for arm in one.arms:
            reached += arm.share
            if place < reached:
                found[one.name] = arm.name
                break
    return found
