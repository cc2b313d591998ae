"""What is wrong with the experiments of a policy themselves, whatever their arms make of the policy."""

from collections.abc import Iterator
from itertools import combinations
from math import prod
from typing import Final

from models.experiments.metrics import METRICS
from schemas.experiments import SHARES_SUM_MAX, Experiment
from schemas.policy import Policy
from udfs.policy.compiled_policy import Mistake, Path, changed_arms

VARIANTS_MAX: Final = 32
"""Combinations of arms; a policy with more is refused, because each is compiled before it is live."""


def experiment_mistakes(policy: Policy) -> list[Mistake]:
    """Each with its place."""
    mistakes = []
    for at, one in enumerate(policy.experiments):
        path: Path = ("experiments", at)
        mistakes += [*_of_arms(one, path), *_of_setting(one, path)]
    mistakes += _of_groups(policy)
    if policy.holdout.starts_ms >= policy.holdout.ends_ms:
        mistakes.append(Mistake(("holdout", "ends_ms"), "it ends before it starts"))
    if _variants(policy) > VARIANTS_MAX:
        mistakes.append(Mistake(("experiments",), f"more than {VARIANTS_MAX} combinations of arms"))
    return mistakes


def are_apart(one: Experiment, other: Experiment) -> bool:
    """Whether nobody is in both at a time, as of one group."""
    if one.group is None or one.group != other.group:
        return False
    return not _are_at_once(one, other) or not _share_people(one, other)


def _of_arms(one: Experiment, path: Path) -> list[Mistake]:
    mistakes = []
    if sum(one.shares) > SHARES_SUM_MAX:
        mistakes.append(Mistake((*path, "arms"), "the shares sum to more than 1"))
    elif any(
        arm.share is None and not share for arm, share in zip(one.arms, one.shares, strict=True)
    ):
        mistakes.append(Mistake((*path, "arms"), "nothing is left for the arms without a share"))
    for number, arm in enumerate(one.arms):
        mistakes += [
            Mistake((*path, "arms", number, "changes", name), "an arm cannot change this")
            for name in ("experiments", "holdout")
            if name in arm.changes
        ]
    return mistakes


def _of_setting(one: Experiment, path: Path) -> Iterator[Mistake]:
    for group in ("metrics", "guardrails"):
        for number, name in enumerate(getattr(one, group)):
            if name not in METRICS:
                message = f"there is no metric {name!r}: there are {', '.join(METRICS)}"
                yield Mistake((*path, group, number), message)
    names = [arm.name for arm in one.arms]
    if one.control is not None and one.control not in names:
        message = f"there is no arm {one.control!r}: there are {', '.join(names)}"
        yield Mistake((*path, "control"), message)
    if one.starts_ms >= one.ends_ms:
        yield Mistake((*path, "ends_ms"), "it ends before it starts")
    for name in sorted({*one.metrics} & {*one.guardrails}):
        yield Mistake((*path, "guardrails"), f"{name!r} is a metric already")
    if one.group is None and one.offset:
        yield Mistake((*path, "offset"), "only an experiment of a group has an offset")
    elif one.offset and one.offset + sum(one.shares) > SHARES_SUM_MAX:
        yield Mistake((*path, "offset"), "offset and shares sum to more than 1")


def _of_groups(policy: Policy) -> Iterator[Mistake]:
    for (_, one), (at, other) in combinations(enumerate(policy.experiments), 2):
        if one.group is not None and one.group == other.group and not are_apart(one, other):
            begin, end = _part(one)
            yield Mistake(
                ("experiments", at, "group"),
                f"{one.name!r} is in it at the same time, with the people from {begin:g} to {end:g}: another `offset` or smaller shares are wanted",
            )


def _are_at_once(one: Experiment, other: Experiment) -> bool:
    return one.starts_ms < other.ends_ms and other.starts_ms < one.ends_ms


def _share_people(one: Experiment, other: Experiment) -> bool:
    (mine, my_end), (theirs, their_end) = _part(one), _part(other)
    close = SHARES_SUM_MAX - 1.0
    return mine < their_end - close and theirs < my_end - close


def _part(one: Experiment) -> tuple[float, float]:
    return one.offset, one.offset + sum(one.shares)


def _variants(policy: Policy) -> int:
    """Combinations of arms that somebody can be in, the policy as it is among them. Of a group all of whose experiments are apart, one arm at a time."""
    groups: dict[str, list[Experiment]] = {}
    for at, one in enumerate(policy.experiments):
        groups.setdefault(one.group or f" {at}", []).append(one)
    return prod(1 + sum(len(changed_arms(one)) for one in some) for some in groups.values())
