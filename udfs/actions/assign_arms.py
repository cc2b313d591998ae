"""Who is in which arm: a salted hash of the unit, so for ever the same.

The unit is the person's (udfs/actions/draw_unit.py) or, of an experiment by session, the session's id.
"""

from collections.abc import Iterable

from schemas.experiments import Experiment
from schemas.policy import Holdout
from udfs.draw import draw


def is_held_out(holdout: Holdout, unit: str, at_ms: int) -> bool:
    """Whether the person gets the non-personal default at this time."""
    return holdout.runs(at_ms) and draw("holdout", holdout.salt, unit) < holdout.share


def assign_arms(
    experiments: Iterable[Experiment], unit: str, session_id: str, at_ms: int
) -> dict[str, str]:
    """The arm in each experiment that runs at this time; beyond the arms' shares people, or sessions, are in none."""
    found = {}
    for one in experiments:
        if one.runs(at_ms):
            arm = _arm(one, session_id if one.unit == "session" else unit)
            if arm is not None:
                found[one.name] = arm
    return found


def _arm(one: Experiment, unit: str) -> str | None:
    """Of a group everybody has one place, of which each experiment takes a part; within that the arms are drawn anew, so that two experiments that follow
    one another split the same people in different ways.
    """
    place, reached = draw("experiment", one.salt or one.name, unit), 0.0
    if one.group is not None:
        wide = min(sum(one.shares), 1.0)
        if not one.offset <= draw("experiment group", one.group, unit) < one.offset + wide:
            return None
        place *= wide
    for arm in one.arms:
        reached += one.left if arm.share is None else arm.share
        if place < reached:
            return arm.name
    return None
