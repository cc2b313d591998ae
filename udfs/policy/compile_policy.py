"""A policy made ready to decide by: names resolved, conditions compiled, each experiment's variants made.

Everything that is wrong with a policy is found here, before it is live, each mistake with its place.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from math import prod
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from schemas.actions import Action, Requirement, Rule, Sentence, Stage, Treatment
from schemas.errors import ConfigError
from schemas.links import is_link_name
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Contact, Placement, Policy
from udfs.facts.attributes import ATTRIBUTE_TYPES, ITEM_ATTRIBUTE_TYPES
from udfs.language.render_texts import Template, TextError, link_template_fault, parse_text
from udfs.policy.compile_condition import compile_condition
from udfs.policy.compiled_policy import (
    Arms,
    Check,
    CompiledAction,
    CompiledBoost,
    CompiledPlacement,
    CompiledPolicy,
    CompiledTreatment,
    CompiledWeight,
    Mistake,
    Path,
    changed_arms,
)
from udfs.policy.conditions import BOOL, STRING, Condition, ConditionError, Type

VARIANTS_MAX: Final = 32
"""Combinations of arms; a policy with more is refused, because each is compiled before it is live."""
STAGES: Final[tuple[Stage, ...]] = ("eligibility", "applicability", "suitability")
BUILT_IN: Final = (
    Action(RECOMMEND_ITEMS, "slate", treatments=(Treatment("slate"),)),
    Action(NOTHING, "nothing", treatments=(Treatment("none"),)),
)
RESERVED: Final = ("not_yet", "over", "consent", "holdout")
"""Rules of eligibility that are the engine's own (udfs/actions/judge_actions.py)."""
SHARES_SUM_MAX: Final = 1.0 + 1e-9


class PolicyError(ConfigError):
    """A policy that cannot be in force, with all its mistakes."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("policy: " + "; ".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


def compile_policy(policy: Policy) -> CompiledPolicy:
    """The policy, ready to decide by; raises PolicyError with every mistake in it."""
    compiled, mistakes = _compile(policy)
    mistakes += _experiment_mistakes(policy)
    variants: dict[Arms, CompiledPolicy] = {}
    if not mistakes:
        for arms, at in _combinations(policy):
            variant, wrong = _compile_variant(policy, arms)
            mistakes += [Mistake((*at, "changes"), str(one)) for one in wrong]
            variants[arms] = variant
    if mistakes:
        raise PolicyError(mistakes)
    return compiled._replace(variants=variants)


# --- one policy ---------------------------------------------------------------------------------------


class _Compiler:
    """Collects distinct conditions and all mistakes of one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.mistakes: list[Mistake] = []
        self._conditions: list[Condition | None] = []
        self._places: dict[tuple[str, str], int] = {}
        segments = {f"segment.{one.name}": BOOL for one in policy.segments}
        self.types: dict[str, Type] = {**ATTRIBUTE_TYPES, **segments}
        self.item_types: dict[str, Type] = {**self.types, **ITEM_ATTRIBUTE_TYPES}

    def wrong(self, path: Path, message: str) -> None:
        self.mistakes.append(Mistake(path, message))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The distinct ones of each stage, in the order of their places."""
        return tuple(one for one in self._conditions if one is not None)

    def reads(self, at: int) -> frozenset[str]:
        """The attributes that a condition names; none of a wrong one."""
        condition = self._conditions[at]
        return condition.reads if condition else frozenset()

    def reserve(self, text: str, stage: str = "") -> int:
        """The place of a condition, the next one where it has none yet."""
        if (stage, text) not in self._places:
            self._places[stage, text] = len(self._conditions)
            self._conditions.append(None)
        return self._places[stage, text]

    def place(self, text: str | None, path: Path, stage: str = "") -> int | None:
        """Where the condition stands, compiled; None where there is none, or a wrong one."""
        if text is None:
            return None
        at = self.reserve(text, stage)
        if self._conditions[at] is None:
            self._conditions[at] = self.condition(text, path, self.types)
        return at if self._conditions[at] is not None else None

    def condition(
        self, text: str | None, path: Path, types: Mapping[str, Type]
    ) -> Condition | None:
        if text is None:
            return None
        try:
            return compile_condition(text, types)
        except ConditionError as error:
            place = f"line {error.line}, column {error.column}"
            self.wrong(path, f"{place}: {error.message}")
            return None

    def texts(self, sentence: Sentence, path: Path, has_item: bool) -> dict[str, Template]:
        types = self.item_types if has_item else self.types
        found: dict[str, Template] = {}
        for language, text in sentence.items():
            try:
                found[language] = parse_text(text, types)
            except TextError as error:
                self.wrong((*path, language), str(error))
        if sentence and self.policy.language not in sentence:
            self.wrong(path, f"there is no text in the policy's language {self.policy.language!r}")
        return found

    def content(
        self, name: str, sentence: Sentence, path: Path, has_item: bool
    ) -> dict[str, Template]:
        """A text under a name of the channel's; where that is a link's, it may be followed."""
        found = self.texts(sentence, path, has_item)
        for language, template in found.items():
            if is_link_name(name) and (fault := link_template_fault(template)):
                self.wrong((*path, language), fault)
        return found

    def known(self, name: str, names: Iterable[str], what: str, path: Path) -> None:
        """Notes a mistake where `name` is not among `names`."""
        names = set(names)
        if name not in names:
            self.wrong(path, f"there is no {what} {name!r}{_suggestion(name, names)}")


def _compile(policy: Policy) -> tuple[CompiledPolicy, list[Mistake]]:
    compiler = _Compiler(policy)
    _check_names(policy, compiler)
    # so that the lowest bit of those that fail is the first check, whatever the action
    for stage in STAGES:
        for rule in policy.rules:
            if rule.stage == stage:
                compiler.reserve(rule.when, stage)
        for action in policy.actions:
            for need in _requirements(action, stage):
                compiler.reserve(need.when, stage)
    segments = _segments(policy, compiler)
    weights = tuple(
        CompiledWeight(one.name, at, one.weight)
        for number, one in enumerate(policy.context_weights)
        if (at := compiler.place(one.when, ("context_weights", number, "when"))) is not None
    )
    rules = [
        (rule, Check(rule.stage, rule.name, at, rule.is_compliance))
        for number, rule in enumerate(policy.rules)
        if (at := compiler.place(rule.when, ("rules", number, "when"), rule.stage)) is not None
    ]
    listed = {action.id: number for number, action in enumerate(policy.actions)}
    actions = {
        action.id: _action(action, listed.get(action.id), rules, compiler)
        for action in (*BUILT_IN, *policy.actions)
    }
    placements = tuple(
        _placement(placement, number, actions, segments, compiler)
        for number, placement in enumerate(policy.placements)
    )
    _check_setting(policy, compiler)
    compiled = CompiledPolicy(
        policy, compiler.conditions, placements, weights, {}, _changing(policy), _warnings(policy)
    )
    return compiled, compiler.mistakes


def _action(
    action: Action,
    number: int | None,
    rules: Sequence[tuple[Rule, Check]],
    compiler: _Compiler,
) -> CompiledAction:
    path: Path = ("actions", number) if number is not None else ()
    own = [
        Check(stage, one.name, at, False)
        for stage in STAGES
        for place, one in enumerate(_requirements(action, stage))
        if (at := compiler.place(one.when, (*path, stage, place, "when"), stage)) is not None
    ]
    of_rules = [check for rule, check in rules if _is_meant(rule, action)]
    checks = {check.at: check for check in reversed((*of_rules, *own))}  # the first of each place
    has_item = action.item is not None
    treatments = tuple(
        CompiledTreatment(
            one,
            compiler.place(one.when, (*path, "treatments", at, "when")),
            tuple(
                (
                    name,
                    compiler.content(
                        name, text, (*path, "treatments", at, "content", name), has_item
                    ),
                )
                for name, text in one.content.items()
            ),
        )
        for at, one in enumerate(action.treatments)
    )
    items = action.items
    boosts = tuple(
        CompiledBoost(
            one.name,
            condition,
            one.weight,
            compiler.texts(one.reason, (*path, "items", "boosts", at, "reason"), True),
        )
        for at, one in enumerate(items.boosts)
        if (
            condition := compiler.condition(
                one.when, (*path, "items", "boosts", at, "when"), compiler.item_types
            )
        )
    )
    weights = frozenset(
        place
        for place, one in enumerate(compiler.policy.context_weights)
        if action.id in one.actions or (not one.actions and action.kind != "nothing")
    )
    _check_action(action, path, compiler)
    require = compiler.condition(items.require, (*path, "items", "require"), compiler.item_types)
    pin = compiler.condition(items.pin, (*path, "items", "pin"), compiler.item_types)
    conditions = [one for one in (require, pin, *(boost.condition for boost in boosts)) if one]
    texts = [text for boost in boosts for text in boost.reason.values()]
    reads = {name for one in conditions for name in one.reads}
    reads |= {name for text in texts for name in text.names}
    return CompiledAction(
        action,
        checks,
        sum(1 << at for at in checks),
        weights,
        treatments,
        require,
        boosts,
        pin,
        frozenset(name for name in reads if name not in compiler.types),
        compiler.texts(action.reason, (*path, "reason"), has_item),
    )


def _requirements(action: Action, stage: Stage) -> tuple[Requirement, ...]:
    found: tuple[Requirement, ...] = getattr(action, stage)
    return found


def _is_meant(rule: Rule, action: Action) -> bool:
    if not rule.actions and not rule.kinds:
        return action.kind != "nothing"
    return action.id in rule.actions or action.kind in rule.kinds


def _placement(
    placement: Placement,
    number: int,
    actions: Mapping[str, CompiledAction],
    segments: Sequence[tuple[str, Condition]],
    compiler: _Compiler,
) -> CompiledPlacement:
    path = ("placements", number)
    when = compiler.place(placement.when, (*path, "when"))
    for at, name in enumerate(placement.actions):
        compiler.known(name, actions, "action", (*path, "actions", at))
    if placement.fallback is not None:
        compiler.known(placement.fallback, actions, "action", (*path, "fallback"))
    wanted = {NOTHING, *placement.actions} | ({placement.fallback} - {None})
    competing = tuple(
        actions[name]
        for name in sorted(actions)
        if name in wanted or placement.name in actions[name].action.placements
    )
    needed = {when} if when is not None else set()
    for one in competing:
        needed |= one.checks.keys()
        needed |= {treatment.when for treatment in one.treatments if treatment.when is not None}
        weights = compiler.policy.context_weights
        places = (compiler.place(weights[at].when, ()) for at in one.weights)
        needed |= {at for at in places if at is not None}
    reads = {name for at in needed for name in compiler.reads(at)}
    for one in competing:
        of_items = (one.require, one.pin, *(boost.condition for boost in one.boosts))
        reads |= {name for condition in of_items if condition for name in condition.reads}
        texts = [text for boost in one.boosts for text in boost.reason.values()]
        reads |= {name for text in texts for name in text.names}
    used = []
    for name, condition in reversed(segments):  # those that others use come before them
        if name in reads:
            used.append((name, condition))
            reads |= condition.reads
    own = sorted(name for name in reads if name in ATTRIBUTE_TYPES)
    return CompiledPlacement(
        placement, when, competing, tuple(sorted(needed)), tuple(own), tuple(reversed(used))
    )


def _segments(policy: Policy, compiler: _Compiler) -> tuple[tuple[str, Condition], ...]:
    """Name and condition, each after those that it uses."""
    found: dict[str, Condition] = {}
    for number, one in enumerate(policy.segments):
        condition = compiler.condition(one.when, ("segments", number, "when"), compiler.types)
        if condition is not None:
            found[f"segment.{one.name}"] = condition
    ordered: dict[str, Condition] = {}
    left = dict(found)
    while left:
        free = [name for name, one in left.items() if not one.reads & left.keys()]
        if not free:
            places = {f"segment.{one.name}": at for at, one in enumerate(policy.segments)}
            for name in left:
                compiler.wrong(("segments", places[name], "when"), "it uses itself, by a circle")
            break
        for name in free:
            ordered[name] = left.pop(name)
    return tuple(ordered.items())


# --- what does not show in the type of a field ----------------------------------------------------------


def _check_names(policy: Policy, compiler: _Compiler) -> None:
    """No two things of one kind have one name, and what is named exists."""
    for group, key in (
        ("placements", "name"), ("actions", "id"), ("segments", "name"), ("rules", "name"),
        ("context_weights", "name"), ("experiments", "name"),
    ):  # fmt: skip
        _check_unique(
            [getattr(one, key) for one in getattr(policy, group)], (group,), key, compiler
        )
    for at, action in enumerate(policy.actions):
        _check_unique(
            [one.id for one in action.treatments], ("actions", at, "treatments"), "id", compiler
        )
    for at, experiment in enumerate(policy.experiments):
        _check_unique(
            [one.name for one in experiment.arms], ("experiments", at, "arms"), "name", compiler
        )
    ids = {one.id for one in (*BUILT_IN, *policy.actions)}
    places = {one.name for one in policy.placements}
    for at, action in enumerate(policy.actions):
        for number, name in enumerate(action.placements):
            compiler.known(name, places, "placement", ("actions", at, "placements", number))
    for group in ("rules", "context_weights"):
        for at, one in enumerate(getattr(policy, group)):
            for number, name in enumerate(one.actions):
                compiler.known(name, ids, "action", (group, at, "actions", number))
    for at, action in enumerate(policy.actions):
        for number, need in enumerate(action.eligibility):
            _check_reserved(need.name, ("actions", at, "eligibility", number, "name"), compiler)
    for at, rule in enumerate(policy.rules):
        if rule.stage == "eligibility":
            _check_reserved(rule.name, ("rules", at, "name"), compiler)
        if NOTHING in rule.actions or "nothing" in rule.kinds:
            compiler.wrong(("rules", at), "no rule can forbid doing nothing")


def _check_reserved(name: str, path: Path, compiler: _Compiler) -> None:
    if name in RESERVED:
        compiler.wrong(path, f"{name!r} is what the engine calls a verdict of its own")


def _check_unique(names: Sequence[str], path: Path, key: str, compiler: _Compiler) -> None:
    counted = Counter(names)
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            compiler.wrong((*path, at, key), f"{name!r} is there {counted[name]} times")
        seen.add(name)


def _check_action(action: Action, path: Path, compiler: _Compiler) -> None:
    if action.id in (RECOMMEND_ITEMS, NOTHING):
        wanted = "slate" if action.id == RECOMMEND_ITEMS else "nothing"
        if action.kind != wanted:
            compiler.wrong((*path, "kind"), f"{action.id} is of kind {wanted}")
    elif action.kind == "nothing":
        compiler.wrong((*path, "kind"), f"only the action {NOTHING!r} is of this kind")
    if not action.treatments:
        compiler.wrong(path, "an action needs at least one treatment")
    if action.starts_ms >= action.ends_ms:
        compiler.wrong((*path, "ends_ms"), "it ends before it starts")
    if action.kind != "slate" and action.items != type(action.items)():
        compiler.wrong((*path, "items"), "only a slate has rules for items")
    if action.item is not None and compiler.types.get(action.item) != STRING:
        texts = {name for name, kind in compiler.types.items() if kind == STRING}
        compiler.known(action.item, texts, "attribute of one item's id called", (*path, "item"))
    budget = action.budget
    if budget is not None and budget.total is None and budget.per_day is None:
        compiler.wrong((*path, "budget"), "it needs `total` or `per_day`")


def _check_setting(policy: Policy, compiler: _Compiler) -> None:
    try:
        ZoneInfo(policy.time_zone)
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of names
        compiler.wrong(("time_zone",), f"there is no time zone {policy.time_zone!r}")


def _warnings(policy: Policy) -> tuple[Mistake, ...]:
    """What is allowed and looks wrong."""
    asked = [
        Mistake(("placements", at), "no event type asks for it: only events that name it do")
        for at, one in enumerate(policy.placements)
        if not one.event_types
    ]
    placed = {name for one in policy.placements for name in one.actions}
    idle = [
        Mistake(("actions", at), f"{one.id!r} competes in no placement")
        for at, one in enumerate(policy.actions)
        if not one.placements and one.id not in placed and one.id not in (NOTHING, RECOMMEND_ITEMS)
    ]
    unkept = [
        Mistake(("contact", name), "nothing is held back by this yet: it is kept and not enforced")
        for name in Contact.__struct_fields__
        if getattr(policy.contact, name)
    ]
    return (*asked, *idle, *unkept)


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f": did you mean {' or '.join(map(repr, near))}?" if near else ""


# --- experiments ----------------------------------------------------------------------------------------


def _experiment_mistakes(policy: Policy) -> list[Mistake]:
    mistakes = []
    for at, one in enumerate(policy.experiments):
        if sum(arm.share for arm in one.arms) > SHARES_SUM_MAX:
            mistakes.append(Mistake(("experiments", at, "arms"), "the shares sum to more than 1"))
        for number, arm in enumerate(one.arms):
            path: Path = ("experiments", at, "arms", number, "changes")
            mistakes += [
                Mistake((*path, name), "an arm cannot change this")
                for name in ("experiments", "holdout")
                if name in arm.changes
            ]
    if prod(1 + len(changed_arms(one)) for one in policy.experiments) > VARIANTS_MAX:
        mistakes.append(Mistake(("experiments",), f"more than {VARIANTS_MAX} combinations of arms"))
    return mistakes


def _changing(policy: Policy) -> frozenset[tuple[str, str]]:
    return frozenset((one.name, arm) for one in policy.experiments for arm in changed_arms(one))


def _combinations(policy: Policy) -> Iterator[tuple[Arms, Path]]:
    """Every combination of arms that changes the policy, with the place of (one of) its arms."""
    choices = [
        [None, *((one.name, arm) for arm in changed_arms(one))] for one in policy.experiments
    ]
    places: dict[tuple[str, str], Path] = {
        (one.name, arm.name): ("experiments", at, "arms", number)
        for at, one in enumerate(policy.experiments)
        for number, arm in enumerate(one.arms)
    }
    for chosen in product(*choices):
        arms = tuple(one for one in chosen if one is not None)
        if arms:
            yield arms, places[arms[-1]]


def _compile_variant(policy: Policy, arms: Arms) -> tuple[CompiledPolicy, list[Mistake]]:
    document = msgspec.to_builtins(policy)
    for name, arm in arms:
        experiment = next(one for one in policy.experiments if one.name == name)
        changes = next(one.changes for one in experiment.arms if one.name == arm)
        document = merge(document, changes)
    try:
        variant = msgspec.convert(document, Policy)
    except msgspec.ValidationError as error:
        return _compile(policy)[0], [Mistake((), str(error))]
    compiled, mistakes = _compile(variant)
    if _compliance(variant) != _compliance(policy):
        mistakes.append(Mistake((), "an arm cannot change compliance rules"))
    return compiled, mistakes


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
