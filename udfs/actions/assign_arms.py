"""Who is in which arm: a salted hash of the person's unit (udfs/actions/draw_unit.py), so for ever the same."""

from collections.abc import Iterable

from schemas.policy import Experiment, Holdout
from udfs.draw import draw


def is_held_out(holdout: Holdout, unit: str) -> bool:
    """Whether the person gets the non-personal default."""
    return draw("holdout", holdout.salt, unit) < holdout.share


def assign_arms(experiments: Iterable[Experiment], unit: str) -> dict[str, str]:
    """The person's arm in each experiment; beyond the arms' shares people are in none."""
    found = {}
    for one in experiments:
        place, reached = draw("experiment", one.salt or one.name, unit), 0.0
        for arm in one.arms:
            reached += arm.share
            if place < reached:
                found[one.name] = arm.name
                break
    return found
