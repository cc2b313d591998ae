"""An action made ready to compete: what it must meet, its weights, treatments, and rules for items."""

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.actions import Action, ItemRules, Requirement, Rule, Stage, Treatment
from udfs.policy.check_policy import check_action
from udfs.policy.compiled_policy import (
    Check,
    CompiledAction,
    CompiledBoost,
    CompiledTreatment,
    Path,
)
from udfs.policy.conditions import Condition
from udfs.policy.gather_parts import Gathered

STAGES: Final[tuple[Stage, ...]] = ("eligibility", "applicability", "suitability")


def compile_action(
    action: Action, path: Path, rules: Sequence[tuple[Rule, Check]], gathered: Gathered
) -> CompiledAction:
    """The action at a path of the policy (empty: it is not listed), with the rules that are meant for it."""
    has_item = action.item is not None
    checks = _checks(action, path, rules, gathered)
    treatments = tuple(
        _treatment(one, (*path, "treatments", at), has_item, gathered)
        for at, one in enumerate(action.treatments)
    )
    items, items_path = action.items, (*path, "items")
    boosts = tuple(_boosts(items, items_path, gathered))
    check_action(action, path, gathered)
    require = gathered.condition(items.require, (*items_path, "require"), gathered.item_types)
    pin = gathered.condition(items.pin, (*items_path, "pin"), gathered.item_types)
    return CompiledAction(
        action,
        checks,
        sum(1 << at for at in checks),
        _weights(action, gathered),
        treatments,
        require,
        boosts,
        pin,
        frozenset(names_of_items(require, boosts, pin) - gathered.types.keys()),
        gathered.texts(action.reason, (*path, "reason"), has_item),
    )


def requirements(action: Action, stage: Stage) -> tuple[Requirement, ...]:
    """What the action itself asks for at a stage."""
    found: tuple[Requirement, ...] = getattr(action, stage)
    return found


def names_of_items(
    require: Condition | None, boosts: Iterable[CompiledBoost], pin: Condition | None
) -> set[str]:
    """The attributes that rules for items and their reasons name."""
    conditions = (require, pin, *(boost.condition for boost in boosts))
    texts = (text for boost in boosts for text in boost.reason.values())
    return {name for one in conditions if one for name in one.reads}.union(
        *(text.names for text in texts)
    )


def _checks(
    action: Action, path: Path, rules: Sequence[tuple[Rule, Check]], gathered: Gathered
) -> dict[int, Check]:
    """By the place of the condition: the first that asks for it, rules before the action's own."""
    own = [
        Check(stage, one.name, at, False)
        for stage in STAGES
        for place, one in enumerate(requirements(action, stage))
        if (at := gathered.place(one.when, (*path, stage, place, "when"), stage)) is not None
    ]
    of_rules = [check for rule, check in rules if _is_meant(rule, action)]
    return {check.at: check for check in reversed((*of_rules, *own))}


def _is_meant(rule: Rule, action: Action) -> bool:
    if not rule.actions and not rule.kinds:
        return action.kind != "nothing"
    return action.id in rule.actions or action.kind in rule.kinds


def _treatment(one: Treatment, path: Path, has_item: bool, gathered: Gathered) -> CompiledTreatment:
    when = gathered.place(one.when, (*path, "when"))
    content = tuple(
        (name, gathered.content(name, text, (*path, "content", name), has_item))
        for name, text in one.content.items()
    )
    return CompiledTreatment(one, when, content)


def _boosts(items: ItemRules, path: Path, gathered: Gathered) -> Iterable[CompiledBoost]:
    for at, one in enumerate(items.boosts):
        of_boost = (*path, "boosts", at)
        condition = gathered.condition(one.when, (*of_boost, "when"), gathered.item_types)
        if condition:
            reason = gathered.texts(one.reason, (*of_boost, "reason"), True)
            yield CompiledBoost(one.name, condition, one.weight, reason)


def _weights(action: Action, gathered: Gathered) -> frozenset[int]:
    return frozenset(
        place
        for place, one in enumerate(gathered.policy.context_weights)
        if action.id in one.actions or (not one.actions and action.kind != "nothing")
    )
