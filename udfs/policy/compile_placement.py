"""A placement made ready to decide: the actions that compete there, and all that a decision of it looks at."""

from collections.abc import Iterable, Mapping, Sequence

from schemas.policy import NOTHING, Placement, Policy
from udfs.policy.compile_action import names_of_items
from udfs.policy.compiled_policy import CompiledAction, CompiledPlacement
from udfs.policy.conditions import Condition
from udfs.policy.gather_parts import Gathered

Segments = Sequence[tuple[str, Condition]]
"""Name and condition, each after those that it uses."""


def compile_placement(
    placement: Placement,
    number: int,
    actions: Mapping[str, CompiledAction],
    segments: Segments,
    gathered: Gathered,
) -> CompiledPlacement:
    """The placement of this number in the policy."""
    path = ("placements", number)
    when = gathered.place(placement.when, (*path, "when"))
    for at, name in enumerate(placement.actions):
        gathered.known(name, actions, "action", (*path, "actions", at))
    if placement.fallback is not None:
        gathered.known(placement.fallback, actions, "action", (*path, "fallback"))
    wanted = {NOTHING, *placement.actions} | ({placement.fallback} - {None})
    competing = tuple(
        actions[name]
        for name in sorted(actions)
        if name in wanted or placement.name in actions[name].action.placements
    )
    needed = _needed(competing, gathered)
    if when is not None:
        needed.add(when)
    reads = {name for at in needed for name in gathered.reads(at)}.union(
        *(names_of_items(one.require, one.boosts, one.pin) for one in competing)
    )
    used = []
    for name, condition in reversed(segments):  # those that others use come before them
        if name in reads:
            used.append((name, condition))
            reads |= condition.reads
    own = sorted(name for name in reads if name in gathered.own_types)
    return CompiledPlacement(
        placement, when, competing, tuple(sorted(needed)), tuple(own), tuple(reversed(used))
    )


def _needed(competing: Iterable[CompiledAction], gathered: Gathered) -> set[int]:
    """The places of the conditions that say whether, how and with which weight actions compete."""
    needed: set[int] = set()
    weights = gathered.policy.context_weights
    for one in competing:
        needed |= one.checks.keys()
        needed |= {treatment.when for treatment in one.treatments if treatment.when is not None}
        places = (gathered.place(weights[at].when, ()) for at in one.weights)
        needed |= {at for at in places if at is not None}
    return needed


def compile_segments(policy: Policy, gathered: Gathered) -> Segments:
    """The segments, each after those that it uses."""
    found: dict[str, Condition] = {}
    for number, one in enumerate(policy.segments):
        condition = gathered.condition(one.when, ("segments", number, "when"), gathered.types)
        if condition is not None:
            found[f"segment.{one.name}"] = condition
    ordered: dict[str, Condition] = {}
    left = dict(found)
    while left:
        free = [name for name, one in left.items() if not one.reads & left.keys()]
        if not free:
            places = {f"segment.{one.name}": at for at, one in enumerate(policy.segments)}
            for name in left:
                gathered.wrong(("segments", places[name], "when"), "it uses itself, by a circle")
            break
        for name in free:
            ordered[name] = left.pop(name)
    return tuple(ordered.items())
