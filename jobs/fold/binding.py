"""Which limits refuse how much by a policy: the fold by it, with the contacts that it would have made itself."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from jobs.fold.fold import Fold
from schemas.decisions import DecisionTrace
from schemas.records import LogRecord

STAGES: Final = ("constraints", "suppression", "budget")
"""Where an action is refused for how often, when, stock or money; the stages before them are rules."""


class Limit(NamedTuple):
    """What refused an action: the stage, the rule (`quiet_hours`, `budget_day`, a contact limit by its name), and the action."""

    stage: str
    rule: str
    action: str


class Binding:
    """How often limits bind: of `decisions` in which an action could have been chosen, so many refused it."""

    def __init__(self) -> None:
        self.refused: Counter[Limit] = Counter()
        self.decisions = 0

    def add(self, trace: DecisionTrace) -> None:
        """One decision."""
        self.decisions += 1
        for one in trace.actions:
            if one.verdict == "excluded" and one.stage in STAGES:
                self.refused[Limit(one.stage, one.rule, one.action_id)] += 1


def binding(fold: Fold, log: Iterable[LogRecord], from_ms: int) -> Binding:
    """Of the decisions from a time on; those of before are made, and their contacts count."""
    found = Binding()
    for step in fold.run(log):
        for decision, trace in step.decisions:
            if decision.event_time_ms >= from_ms:
                found.add(trace)
    return found
