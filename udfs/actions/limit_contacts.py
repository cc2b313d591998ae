"""What a policy's contact rules say of one action now: quiet hours, limits over all actions, and fatigue."""

from typing import Final

from schemas.actions import Action
from schemas.policy import Policy
from schemas.state.person import PersonState
from udfs.calendars import local_hour
from udfs.facts.contacts import is_full, taken, unanswered
from udfs.policy.contact_rules import ContactRules, is_contact

PREFIX: Final = "contact:"
"""The rule of a limit is this and the limit's name."""
Said = tuple[str, dict[str, str]]
"""A rule, and the values it saw."""


def beyond_contact(
    action: Action, channel: str | None, policy: Policy, rules: ContactRules,
    state: PersonState, now_ms: int, utc_offset_min: int | None,
) -> Said | None:  # fmt: skip
    """What holds a decision for the action by this channel back; None where nothing does."""
    if action.kind == "nothing":
        return None
    if policy.contact.quiet_hours is not None:
        quiet = _quiet(policy, channel, now_ms, utc_offset_min)
        if quiet is not None:
            return quiet
    if not rules.limits or not is_contact(action, channel):
        return None
    counting = rules.counting(action.group or "", channel or "")
    for limit in counting:
        found = taken(state, limit, now_ms)
        if found.total >= limit.times:
            return PREFIX + limit.name, {
                "times": str(limit.times), "within_ms": str(limit.within_ms),
                "shown": str(found.shown), "reserved": str(found.reserved),
            }  # fmt: skip
    if counting and is_full(state, rules, now_ms):
        return "contact_memory", {"contacts": str(len(state.contacts))}
    return None


def _quiet(
    policy: Policy, channel: str | None, now_ms: int, utc_offset_min: int | None
) -> Said | None:
    hours = policy.contact.quiet_hours
    if hours is None or channel not in hours.channels:
        return None
    hour = local_hour(now_ms, utc_offset_min, policy.time_zone)
    # over midnight where it begins later than it ends; all day where it ends when it begins
    if (hour - hours.begin) % 24 >= ((hours.end - hours.begin) % 24 or 24):
        return None
    zone = policy.time_zone if utc_offset_min is None else f"UTC{utc_offset_min:+} min"
    values = {"hour": str(hour), "begin": str(hours.begin), "end": str(hours.end), "zone": zone}
    return "quiet_hours", values | {"channel": channel or ""}


def fatigue_of(
    action: Action, channel: str | None, policy: Policy, state: PersonState, now_ms: int
) -> tuple[float, dict[str, str]]:
    """What the action's priority is weighed with, and what a trace says of it: nothing where it is 1."""
    fatigue = policy.contact.fatigue
    if fatigue is None or not state.contacts or not is_contact(action, channel):
        return 1.0, {}
    count = len(unanswered(state, action.id, fatigue.within_ms, now_ms))
    if not count:
        return 1.0, {}
    weight = fatigue.factor**count
    return weight, {"fatigue": f"{weight:.4g}", "unanswered": str(count)}
