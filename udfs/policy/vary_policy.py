"""A policy's experiments: what their arms may change, in which combinations, and what a policy is then."""

from collections.abc import Iterator
from itertools import combinations as pairs_of
from itertools import product
from typing import Any

import msgspec

from schemas.actions import Rule
from schemas.policy import Policy
from udfs.policy.check_experiments import are_apart
from udfs.policy.compiled_policy import Arms, Path, changed_arms


def changing(policy: Policy) -> frozenset[tuple[str, str]]:
    """The pairs of experiment and arm that change the policy."""
    return frozenset((one.name, arm) for one in policy.experiments for arm in changed_arms(one))


def combinations(policy: Policy) -> Iterator[tuple[Arms, Path]]:
    """Every combination of arms that changes the policy and that somebody can be in, with the place of what (one of) its arms changes."""
    experiments = {one.name: one for one in policy.experiments}
    choices = [
        [None, *((one.name, arm) for arm in changed_arms(one))] for one in policy.experiments
    ]
    places: dict[tuple[str, str], Path] = {
        (one.name, arm.name): ("experiments", at, "arms", number, "changes")
        for at, one in enumerate(policy.experiments)
        for number, arm in enumerate(one.arms)
    }
    for chosen in product(*choices):
        arms = tuple(one for one in chosen if one is not None)
        exclude = (
            are_apart(experiments[one], experiments[other])
            for (one, _), (other, _) in pairs_of(arms, 2)
        )
        if arms and not any(exclude):
            yield arms, places[arms[-1]]


def varied(policy: Policy, arms: Arms) -> Policy:
    """The policy with what these arms change; raises msgspec.ValidationError where that is none."""
    document = msgspec.to_builtins(policy)
    for name, arm in arms:
        experiment = next(one for one in policy.experiments if one.name == name)
        changes = next(one.changes for one in experiment.arms if one.name == arm)
        document = merge(document, changes)
    return msgspec.convert(document, Policy)


def has_other_compliance(variant: Policy, policy: Policy) -> bool:
    """Whether an arm would change compliance rules, what is sensitive, who is linked with whom, what counts as an outcome, or what events mean, which it cannot."""
    mine, others = (
        (
            _compliance(one), one.sensitive_attributes, one.identity, one.outcomes, one.events, one.facts, one.strict_events, one.ignored,
        )
        for one in (variant, policy)
    )  # fmt: skip
    return mine != others


def _compliance(policy: Policy) -> list[Rule]:
    return sorted((one for one in policy.rules if one.is_compliance), key=lambda one: one.name)


def merge(document: Any, changes: Any, key: str = "name") -> Any:
    """The document with the changes merged in (RFC 7396): objects by field, None removes, else replaces.

    A list of objects that have an id or a name is changed by that, as if it were an object.
    """
    if not isinstance(changes, dict):
        return changes
    if isinstance(document, (list, tuple)) and all(isinstance(one, dict) for one in document):
        named = {one[_key_of(one)]: one for one in document}
        new = _key_of(document[0]) if document else key
        for name, change in changes.items():
            if change is None:
                named.pop(name, None)
            else:
                named[name] = merge(named.get(name, {new: name}), change)
        return list(named.values())
    merged = dict(document) if isinstance(document, dict) else {}
    for name, change in changes.items():
        if change is None:
            merged.pop(name, None)
        else:
            of_list = "id" if name in ("actions", "treatments") else "name"
            merged[name] = merge(merged.get(name), change, of_list)
    return merged


def _key_of(one: Any) -> str:
    return "id" if isinstance(one, dict) and "id" in one else "name"
