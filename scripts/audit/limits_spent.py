"""What a person has spent of each limited action: their decisions and answers through the steps that the engine counts with."""

from collections.abc import Iterable
from typing import Any

from schemas.actions import Action, Limits
from schemas.contact import ContactLimit
from schemas.decisions import Decision
from schemas.events import Event
from schemas.policy import Policy
from schemas.state.person import ActionHistory, PersonState
from scripts.policy.action_words import contact_limit_in_words, limits_in_words
from udfs.actions.limit_contacts import PREFIX
from udfs.facts.contacts import on_person_event as confirm
from udfs.facts.contacts import remember_contact, taken_until
from udfs.facts.grants import beyond_limits, has_limits, on_person_event, remember_grant, stands
from udfs.policy.check_policy import BUILT_IN
from udfs.policy.contact_rules import contact_rules


def limited(policy: Policy) -> dict[str, Action]:
    """The actions with limits, by their ids."""
    return {
        one.id: one for one in policy.actions if one.kind != "nothing" and has_limits(one.limits)
    }


def looked_at(policy: Policy) -> dict[str, Action]:
    """The actions whose decisions limits look at, by their ids: those with limits, and where contacts are limited all."""
    if not contact_rules(policy).limits:
        return limited(policy)
    return {one.id: one for one in (*BUILT_IN, *policy.actions) if one.kind != "nothing"}


def limits_spent(
    policy: Policy, decisions: Iterable[Decision], answers: Iterable[Event], now_ms: int
) -> list[dict[str, Any]]:
    """Of each limited action, in the order of the policy, then of each limit of contacts: `limit` in words, `granted` of `times` (0 = not
    counted) that count at `now_ms`, and whether the person may have it again.

    `stands_until_ms`: a grant holds until then, and shows on every page. `rule`: the limit that speaks against another
    grant, empty where none does; `free_from_ms`: when it does so no more, None = never.
    """
    made, said = list(decisions), list(answers)
    actions = limited(policy)
    state = state_of(actions, made, said, now_ms)
    spent = [_spent(one, state.actions.get(one.id), now_ms) for one in actions.values()]
    return [*spent, *contacts_spent(policy, contacts_of(policy, made, said, now_ms), now_ms)]


def contacts_spent(policy: Policy, state: PersonState, now_ms: int) -> list[dict[str, Any]]:
    """Of each limit of contacts what it counts; `action` is the rule that a verdict names."""
    return [_of_contacts(one, state, now_ms) for one in contact_rules(policy).limits]


def contacts_of(
    policy: Policy, decisions: Iterable[Decision], answers: Iterable[Event], now_ms: int
) -> PersonState:
    """A person's contacts as the engine has them, as far as the policy's actions are still there."""
    rules, actions = contact_rules(policy), looked_at(policy)
    state = PersonState(0, 0)
    if not rules.limits:
        return state
    made = {one.decision_id: one for one in decisions if one.kind == "decided"}
    steps: list[tuple[int, int, Decision | Event]] = [
        *((one.event_time_ms, 0, one) for one in made.values()),
        *((one.event_time_ms, 1, one) for one in answers),
    ]
    for at_ms, _, one in sorted(steps, key=lambda step: step[:2]):
        if at_ms > now_ms:
            break
        if isinstance(one, Event):
            confirm(state, one, None)
        elif one.action_id in actions:
            remember_contact(
                state, rules, actions[one.action_id], one.decision_id,
                at_ms, one.valid_until_ms, one.channel,
            )  # fmt: skip
    return state


def _of_contacts(limit: ContactLimit, state: PersonState, now_ms: int) -> dict[str, Any]:
    places = sorted(taken_until(state, limit, now_ms))
    is_full = len(places) >= limit.times
    return {
        "action": PREFIX + limit.name,
        "limit": contact_limit_in_words(limit),
        "granted": len(places),
        "times": limit.times,
        "last_ms": max((one.decided_ms for one in state.contacts.values()), default=None)
        if places
        else None,
        "stands_until_ms": None,
        "rule": PREFIX + limit.name if is_full else "",
        "free_from_ms": places[-limit.times] if is_full and limit.times else None,
    }


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
        "free_from_ms": _free_from_ms(limits, history, granted_ms, rule),
    }


def _free_from_ms(
    limits: Limits, history: ActionHistory | None, granted_ms: list[int], rule: str
) -> int | None:
    if history is not None and rule == "after_dismissal":
        return (history.dismissed_ms or 0) + limits.after_dismissal_ms
    if history is not None and rule == "after_conversion":
        return (history.converted_ms or 0) + limits.after_conversion_ms
    if rule not in ("limit", "cool_down"):
        return None
    cooled_ms = granted_ms[-1] + limits.cool_down_ms
    if rule == "cool_down":
        return cooled_ms
    return max(cooled_ms, granted_ms[-limits.times] + limits.within_ms)
