"""What a person has spent of each limited action: their decisions and answers through the steps that the engine counts with."""

from collections.abc import Iterable
from typing import Any

from schemas.actions import Action, Limits
from schemas.decisions import Decision
from schemas.events import Event
from schemas.policy import Policy
from schemas.state.person import ActionHistory, PersonState
from scripts.policy.action_words import limits_in_words
from udfs.facts.grants import beyond_limits, has_limits, on_person_event, remember_grant, stands


def limited(policy: Policy) -> dict[str, Action]:
    """The actions with limits, by their ids."""
    return {
        one.id: one for one in policy.actions if one.kind != "nothing" and has_limits(one.limits)
    }


def limits_spent(
    policy: Policy, decisions: Iterable[Decision], answers: Iterable[Event], now_ms: int
) -> list[dict[str, Any]]:
    """Of each limited action, in the order of the policy: `limit` in words, `granted` of `times` (0 = not counted) that
    count at `now_ms`, and whether the person may have it again.

    `stands_until_ms`: a grant holds until then, and shows on every page. `rule`: the limit that speaks against another
    grant, empty where none does; `free_from_ms`: when it does so no more, None = never.
    """
    actions = limited(policy)
    state = state_of(actions, decisions, answers, now_ms)
    return [_spent(one, state.actions.get(one.id), now_ms) for one in actions.values()]


def state_of(
    actions: Iterable[str], decisions: Iterable[Decision], answers: Iterable[Event], now_ms: int
) -> PersonState:
    """A person's grants of these actions as the engine has them; a decision that is told twice counts once."""
    known = set(actions)
    made = {
        one.decision_id: one
        for one in decisions
        if one.kind == "decided" and one.action_id in known and one.event_time_ms <= now_ms
    }
    # what is decided on an answer knows it
    steps: list[tuple[int, int, Decision | Event]] = [
        *((one.event_time_ms, 0, one) for one in answers if one.event_time_ms <= now_ms),
        *((one.event_time_ms, 1, one) for one in made.values()),
    ]
    state = PersonState(0, 0)
    for at_ms, _, one in sorted(steps, key=lambda step: step[:2]):
        if isinstance(one, Decision):
            remember_grant(state, one.action_id, one.decision_id, at_ms, one.valid_until_ms)
        else:
            on_person_event(state, one, None)
    return state


def _spent(action: Action, history: ActionHistory | None, now_ms: int) -> dict[str, Any]:
    limits = action.limits
    granted_ms = [
        one for one in (history.granted_ms if history else ()) if now_ms - one < limits.within_ms
    ]
    is_standing = history is not None and stands(history, now_ms)
    beyond = beyond_limits(history, limits, now_ms)
    rule = beyond[0] if beyond else ""
    return {
        "action": action.id,
        "limit": limits_in_words(limits),
        "granted": len(granted_ms),
        "times": limits.times,
        "last_ms": granted_ms[-1] if granted_ms else None,
        "stands_until_ms": history.stands_until_ms if history and is_standing else None,
        "rule": rule,
        "free_from_ms": _free_from_ms(limits, granted_ms, rule),
    }


def _free_from_ms(limits: Limits, granted_ms: list[int], rule: str) -> int | None:
    if rule not in ("limit", "cool_down"):
        return None
    cooled_ms = granted_ms[-1] + limits.cool_down_ms
    if rule == "cool_down":
        return cooled_ms
    return max(cooled_ms, granted_ms[-limits.times] + limits.within_ms)
