"""A policy made ready to decide by: names resolved, conditions compiled, each experiment's variants made.

Everything that is wrong with a policy is found here, before it is live, each mistake with its place.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.errors import ConfigError
from schemas.policy import Policy
from udfs.policy.check_experiments import experiment_mistakes
from udfs.policy.check_policy import BUILT_IN, check_names, check_setting, pointless, warnings_of
from udfs.policy.compile_action import STAGES, compile_action, requirements
from udfs.policy.compile_events import compile_events, doubtful_names
from udfs.policy.compile_placement import compile_placement, compile_segments
from udfs.policy.compiled_policy import Arms, Check, CompiledPolicy, CompiledWeight, Mistake
from udfs.policy.contact_rules import contact_rules
from udfs.policy.gather_parts import Gathered
from udfs.policy.vary_policy import (
    changing,
    combinations,
    has_other_compliance,
    varied,
)

NEW_THING: Final = "what is not there to be changed is new, and needs all of its fields"


class PolicyError(ConfigError):
    """A policy that cannot be in force, with all its mistakes."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("policy: " + "; ".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


def compile_policy(policy: Policy) -> CompiledPolicy:
    """The policy, ready to decide by; raises PolicyError with every mistake in it."""
    compiled, mistakes = compile_all(policy)
    if mistakes:
        raise PolicyError(mistakes)
    return compiled


def compile_all(policy: Policy, *, is_whole: bool = True) -> tuple[CompiledPolicy, list[Mistake]]:
    """The policy and every mistake in it and in what the arms of its experiments make of it.

    With mistakes it is good for looking on, not for deciding. `is_whole` is false where parts of it could not be read: then an
    arm that makes no policy of the rest is none of its mistakes.
    """
    compiled, mistakes = _compile(policy)
    known = {one.message for one in mistakes}
    of_experiments = experiment_mistakes(policy)
    mistakes += of_experiments
    variants: dict[Arms, CompiledPolicy] = {}
    warnings = list(compiled.warnings)
    for arms, changes in () if of_experiments else combinations(policy):
        variant, wrong = _compile_variant(policy, arms, is_whole)
        mistakes += [Mistake(changes, str(one)) for one in wrong if one.message not in known]
        variants[arms] = variant
        if len(arms) == 1:
            own = (one for one in pointless(variant.policy) if one not in compiled.warnings)
            warnings += [Mistake(changes, str(one)) for one in own]
    asked_by = compiled.asked_by.union(*(one.asked_by for one in variants.values()))
    found = compiled._replace(variants=variants, warnings=tuple(warnings), asked_by=asked_by)
    return found, mistakes


def _compile_variant(
    policy: Policy, arms: Arms, is_whole: bool
) -> tuple[CompiledPolicy, list[Mistake]]:
    try:
        variant = varied(policy, arms)
    except msgspec.ValidationError as error:
        return _compile(policy)[0], [Mistake((), _no_policy(str(error)))] if is_whole else []
    compiled, mistakes = _compile(variant)
    if has_other_compliance(variant, policy):
        mistakes.append(
            Mistake(
                (),
                "an arm cannot change compliance rules, what is sensitive, who is linked with whom, what counts as an outcome, or what events mean",
            )
        )
    return compiled, mistakes


def _no_policy(error: str) -> str:
    """Why what an arm makes is no policy; most often a name is written wrong, which then is a new thing."""
    is_new = "missing required field" in error
    return f"{NEW_THING}: {error}" if is_new else error


def _compile(policy: Policy) -> tuple[CompiledPolicy, list[Mistake]]:
    """One policy without regard to its experiments, and the mistakes in it."""
    gathered = Gathered(policy)
    check_names(policy, gathered)
    _reserve_places(policy, gathered)
    segments = compile_segments(policy, gathered)
    weights = tuple(
        CompiledWeight(one.name, at, one.weight)
        for number, one in enumerate(policy.context_weights)
        if (at := gathered.place(one.when, ("context_weights", number, "when"))) is not None
    )
    rules = [
        (rule, Check(rule.stage, rule.name, at, rule.is_compliance))
        for number, rule in enumerate(policy.rules)
        if (at := gathered.place(rule.when, ("rules", number, "when"), rule.stage)) is not None
    ]
    actions = {one.id: compile_action(one, (), rules, gathered) for one in BUILT_IN} | {
        one.id: compile_action(one, ("actions", number), rules, gathered)
        for number, one in enumerate(policy.actions)
    }
    placements = tuple(
        compile_placement(placement, number, actions, segments, gathered)
        for number, placement in enumerate(policy.placements)
    )
    check_setting(policy, gathered)
    own = compile_events(policy, gathered)
    compiled = CompiledPolicy(
        policy, gathered.conditions, placements, weights, {}, changing(policy),
        (*warnings_of(policy), *doubtful_names(policy)),
        frozenset(event_type for one in policy.placements for event_type in one.event_types),
        contact_rules(policy), own,
    )  # fmt: skip
    return compiled, gathered.mistakes


def _reserve_places(policy: Policy, gathered: Gathered) -> None:
    """So that the lowest bit of those that fail is the first check, whatever the action."""
    for stage in STAGES:
        for rule in policy.rules:
            if rule.stage == stage:
                gathered.reserve(rule.when, stage)
        for action in policy.actions:
            for need in requirements(action, stage):
                gathered.reserve(need.when, stage)
