"""What a policy says of contacts, ready to count by: which decisions are contacts, and which limits count them."""

from typing import Final, NamedTuple

from schemas.actions import Action
from schemas.contact import SENDING, ContactLimit
from schemas.limits import DAY_MS
from schemas.policy import Policy

CONTACT_KINDS: Final = frozenset({"offer", "assistance", "message", "content"})
DAILY: Final = "per_day"
WEEKLY: Final = "per_week"


class ContactRules(NamedTuple):
    """What a policy says of contacts, ready to count by; `kept_ms`: as long as anything of it looks back; `holds_back`: whether it may
    speak against an action at all.
    """

    limits: tuple[ContactLimit, ...]
    unreported: frozenset[str]
    tires_within_ms: int
    kept_ms: int
    holds_back: bool

    def counting(self, group: str, channel: str) -> list[ContactLimit]:
        """The limits that count a contact of this group by this channel."""
        return [one for one in self.limits if counts(one, group, channel)]


def contact_rules(policy: Policy) -> ContactRules:
    """What the policy says, `per_day` and `per_week` among its limits."""
    contact = policy.contact
    rolling = ((DAILY, contact.per_day, DAY_MS), (WEEKLY, contact.per_week, 7 * DAY_MS))
    limits = tuple(
        ContactLimit(name, times, within_ms)
        for name, times, within_ms in rolling
        if times is not None
    )
    tires_ms = contact.fatigue.within_ms if contact.fatigue else 0
    ignored_ms = (
        one.limits.ignored_within_ms for one in policy.actions if one.limits.ignored_times
    )
    windows_ms = (one.within_ms for one in (*limits, *contact.limits))
    holds_back = bool(limits or contact.limits or contact.quiet_hours)
    kept_ms = max((tires_ms, *ignored_ms, *windows_ms))
    return ContactRules(
        (*limits, *contact.limits), frozenset(contact.unreported), tires_ms, kept_ms, holds_back
    )


def is_contact(action: Action, channel: str | None) -> bool:
    """Whether a decision for it is a contact: what a shop says of itself, and whatever is sent; not a list on an open page."""
    return action.kind in CONTACT_KINDS or (action.kind != "nothing" and channel in SENDING)


def counts(limit: ContactLimit, group: str, channel: str) -> bool:
    """Whether the limit is about a contact of this group by this channel."""
    return (not limit.channels or channel in limit.channels) and (
        not limit.groups or group in limit.groups
    )
