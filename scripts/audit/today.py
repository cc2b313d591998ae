"""What became of every action today, over all people: which rule dropped it how often, who met a limit, what is left of budgets."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.decisions import DecisionTrace
from schemas.knowledge import ActionKnowledge, action_key
from schemas.policy import Policy
from udfs.actions.pace_budgets import exposures_of
from udfs.calendars import local_day

LIMITS: Final = "constraints"
"""The stage at which what a person got before speaks against an action."""


class Fates(NamedTuple):
    """`decisions` of `people`; of these `limited_decisions` of `limited_people` met a limit of an action or more.

    Of each action how often it `competed`, was `chosen`, `outweighed`, or `dropped`: by stage and rule, the most frequent
    first, with how many people that was; `limited_people` are those who met one of its limits.
    """

    decisions: int
    people: int
    limited_decisions: int
    limited_people: int
    actions: list[dict[str, Any]]


def fates(traces: Iterable[DecisionTrace]) -> Fates:
    """Counts them in one pass."""
    decisions = limited = 0
    people: set[str] = set()
    verdicts: Counter[tuple[str, str]] = Counter()
    dropped: Counter[tuple[str, str, str]] = Counter()
    of_rule: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for trace in traces:
        decisions += 1
        people.add(trace.person)
        limited += any(one.stage == LIMITS for one in trace.actions)
        for one in trace.actions:
            verdicts[one.action_id, one.verdict] += 1
            if one.verdict == "excluded":
                rule = one.action_id, one.stage, one.rule
                dropped[rule] += 1
                of_rule[rule].add(trace.person)
    limited_people = _limited(of_rule)
    return Fates(
        decisions,
        len(people),
        limited,
        len(set().union(*limited_people.values())),
        _by_action(verdicts, dropped, of_rule, limited_people),
    )


def _limited(of_rule: Mapping[tuple[str, str, str], set[str]]) -> dict[str, set[str]]:
    """By action who met one of its limits."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for (action, stage, _), people in of_rule.items():
        if stage == LIMITS:
            found[action] |= people
    return found


def _by_action(
    verdicts: Counter[tuple[str, str]],
    dropped: Counter[tuple[str, str, str]],
    of_rule: Mapping[tuple[str, str, str], set[str]],
    limited_people: Mapping[str, set[str]],
) -> list[dict[str, Any]]:
    actions = sorted({action for action, _ in verdicts})
    return [
        {
            "action": action,
            "competed": sum(count for (name, _), count in verdicts.items() if name == action),
            "chosen": verdicts[action, "chosen"],
            "outweighed": verdicts[action, "not_chosen"],
            "limited_people": len(limited_people.get(action, ())),
            "dropped": [
                {
                    "stage": stage,
                    "rule": rule,
                    "count": count,
                    "people": len(of_rule[name, stage, rule]),
                }
                for (name, stage, rule), count in dropped.most_common()
                if name == action
            ],
        }
        for action in actions
    ]


def budgets(
    policy: Policy, known: Mapping[str, ActionKnowledge], now_ms: int
) -> list[dict[str, Any]]:
    """Of each action with a budget what was spent today and in all, beside the bounds; None = no bound.

    `known` holds the newest of each action by its key (schemas/knowledge.py); of one that is missing nothing was shown.
    """
    day = local_day(policy.time_zone, now_ms)
    found = []
    for one in policy.actions:
        if one.budget is None:
            continue
        learnt = known.get(action_key(one.id))
        shown, today = (learnt.exposures_total, exposures_of(learnt, day)) if learnt else (0, 0)
        found.append(
            {
                "action": one.id,
                "spent_today": today * one.budget.cost,
                "per_day": one.budget.per_day,
                "spent": shown * one.budget.cost,
                "total": one.budget.total,
            }
        )
    return found
