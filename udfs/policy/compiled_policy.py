"""A policy as it is decided by: conditions compiled, names resolved (see udfs/policy/compile_policy.py)."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.actions import Action, Stage, Treatment
from schemas.events import Event
from schemas.experiments import Experiment
from schemas.policy import Placement, Policy
from udfs.language.render_texts import Template
from udfs.policy.compiled_events import NO_OWN_EVENTS, OwnEvents
from udfs.policy.conditions import Condition
from udfs.policy.contact_rules import ContactRules

Path = tuple[str | int, ...]
Arms = tuple[tuple[str, str], ...]
"""Experiment and arm, in the order of the experiments, of those whose arm changes anything."""


class Mistake(NamedTuple):
    """`path` leads to the value at fault: names of fields, places in lists."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.message}" if self.path else self.message


class Check(NamedTuple):
    """One requirement of an action; `at` is the place of its condition in `CompiledPolicy.conditions`."""

    stage: Stage
    name: str
    at: int
    is_compliance: bool


class CompiledTreatment(NamedTuple):
    """`when` is the place of its condition; `content` holds templates by language under the channel's names."""

    treatment: Treatment
    when: int | None
    content: tuple[tuple[str, Mapping[str, Template]], ...]


class CompiledBoost(NamedTuple):
    """An item's weight where its condition holds, and what to tell the person then."""

    name: str
    condition: Condition
    weight: float
    reason: Mapping[str, Template]


class CompiledAction(NamedTuple):
    """`checks` by the place of the condition that must hold: places are in the order of the stages, so the lowest bit
    of `mask` (the bits of these places) that fails is the first check. `item_reads` are the attributes of items that
    its rules for items and their reasons name.
    """

    action: Action
    checks: Mapping[int, Check]
    mask: int
    weights: frozenset[int]
    treatments: tuple[CompiledTreatment, ...]
    require: Condition | None
    boosts: tuple[CompiledBoost, ...]
    pin: Condition | None
    item_reads: frozenset[str]
    reason: Mapping[str, Template]


class CompiledWeight(NamedTuple):
    """A context weight; `at` is the place of its condition."""

    name: str
    at: int
    weight: float


class CompiledPlacement(NamedTuple):
    """`needed` are the places of the conditions that a decision of it looks at, `reads` the attributes that these
    and the rules for items read, `segments` those of the policy's among them; actions are ordered by id.
    """

    placement: Placement
    when: int | None
    actions: tuple[CompiledAction, ...]
    needed: tuple[int, ...]
    reads: tuple[str, ...]
    segments: tuple[tuple[str, Condition], ...]


class CompiledPolicy(NamedTuple):
    """`variants` holds the policy of each combination of arms that changes it, `changing` the pairs of experiment
    and arm that do; `warnings` are what is allowed and looks wrong. `asked_by`: the types of events that ask for a placement, in any arm.
    """

    policy: Policy
    conditions: tuple[Condition, ...]
    placements: tuple[CompiledPlacement, ...]
    weights: tuple[CompiledWeight, ...]
    variants: Mapping[Arms, "CompiledPolicy"]
    changing: frozenset[tuple[str, str]]
    warnings: tuple[Mistake, ...]
    asked_by: frozenset[str]
    contact: ContactRules
    own: OwnEvents = NO_OWN_EVENTS

    def may_be_asked_by(self, event: Event, own_name: str = "") -> bool:
        """Whether the event asks for a placement of any arm; most events ask for none."""
        return (
            bool(event.placements) or event.event_type in self.asked_by or own_name in self.asked_by
        )

    def variant(self, arms: Mapping[str, str]) -> "CompiledPolicy":
        """The policy of a person in these arms (experiment -> arm)."""
        if not self.variants:
            return self
        key = tuple(pair for pair in arms.items() if pair in self.changing)
        return self.variants.get(key, self)


def dotted(path: Path) -> str:
    """`actions[3].value`."""
    words = [f"[{one}]" if isinstance(one, int) else f".{one}" for one in path]
    return "".join(words).removeprefix(".")


def changed_arms(experiment: Experiment) -> list[str]:
    """The arms that change anything."""
    return [arm.name for arm in experiment.arms if arm.changes]
