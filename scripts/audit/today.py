"""What became of every action today, over all people: which rule dropped it how often, and what is left of budgets."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.decisions import DecisionTrace
from schemas.knowledge import ActionKnowledge, action_key
from schemas.policy import Policy
from udfs.actions.pace_budgets import exposures_of, local_day


def fates(traces: Iterable[DecisionTrace]) -> tuple[int, list[dict[str, Any]]]:
    """How many decisions there were, and of each action how often it `competed` in one, was `chosen`, `outweighed`, or
    `dropped`: by stage and rule, the most frequent first.
    """
    decisions = 0
    verdicts: Counter[tuple[str, str]] = Counter()
    dropped: Counter[tuple[str, str, str]] = Counter()
    for trace in traces:
        decisions += 1
        for one in trace.actions:
            verdicts[one.action_id, one.verdict] += 1
            if one.verdict == "excluded":
                dropped[one.action_id, one.stage, one.rule] += 1
    actions = sorted({action for action, _ in verdicts})
    return decisions, [
        {
            "action": action,
            "competed": sum(count for (name, _), count in verdicts.items() if name == action),
            "chosen": verdicts[action, "chosen"],
            "outweighed": verdicts[action, "not_chosen"],
            "dropped": [
                {"stage": stage, "rule": rule, "count": count}
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
