"""Contacts: what a person is told over all channels, reserved when it is decided and confirmed when it is shown.

A contact that was decided holds its place until its decision is not valid any more, so two decisions never take one place: all of a
person is one key, and each decision sees what was decided before it. Its first exposure (or click, or dismissal) confirms it, and it
counts from that time on; without one it is released at its end. One that is confirmed later counts all the same, so a limit
is overshot by no more than what was shown after its end, or told after it.
"""

from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.actions import Action
from schemas.contact import ContactLimit
from schemas.events import Event
from schemas.limits import CONTACTS_MAX, ID_LENGTH_MAX, LATENESS_MS
from schemas.state.contacts import Contacted
from schemas.state.person import PersonState
from udfs.facts.fact import Apart, Kept, Room
from udfs.facts.merging import newest_last
from udfs.policy.contact_rules import ContactRules, counts, is_contact

SHOWS: Final = frozenset({"decision_exposed", "decision_clicked", "decision_dismissed"})
ANSWERS: Final = frozenset({"decision_clicked", "decision_dismissed"})
KEY_LENGTH: Final = 16
"""Of a decision's id, the digits that tell a person's contacts apart."""


class Taken(NamedTuple):
    """What a limit counts: contacts that were shown within its window, and those that may still be."""

    shown: int
    reserved: int

    @property
    def total(self) -> int:
        """Places that are taken."""
        return self.shown + self.reserved


def taken(state: PersonState, limit: ContactLimit, now_ms: int) -> Taken:
    """What the limit counts at `now_ms`."""
    shown = reserved = 0
    for one in state.contacts.values():
        if (
            one.is_contact
            and counts(limit, one.group, one.channel)
            and now_ms < _end_ms(one, limit)
        ):
            reserved += one.shown_ms is None
            shown += one.shown_ms is not None
    return Taken(shown, reserved)


def taken_until(state: PersonState, limit: ContactLimit, now_ms: int) -> list[int]:
    """When each place that the limit counts at `now_ms` is free again."""
    ends_ms = (
        _end_ms(one, limit)
        for one in state.contacts.values()
        if one.is_contact and counts(limit, one.group, one.channel)
    )
    return [one for one in ends_ms if now_ms < one]


def _end_ms(one: Contacted, limit: ContactLimit) -> int:
    """When it does not take a place of the limit any more: its window after it was shown, else the decision's own end."""
    return one.until_ms if one.shown_ms is None else one.shown_ms + limit.within_ms


def is_full(state: PersonState, rules: ContactRules, now_ms: int) -> bool:
    """Whether all that is remembered is still counted, so that a further contact would push one out."""
    if len(state.contacts) < CONTACTS_MAX:
        return False
    return all(_is_counted(one, rules, now_ms) for one in state.contacts.values())


def unanswered(state: PersonState, action_id: str, within_ms: int, now_ms: int) -> list[int]:
    """When the action was shown within this time and neither clicked nor dismissed, the oldest first."""
    return sorted(
        one.shown_ms
        for one in state.contacts.values()
        if one.action_id == action_id
        and one.shown_ms is not None
        and one.answered_ms is None
        and now_ms - one.shown_ms < within_ms
    )


def remember_contact(
    state: PersonState, rules: ContactRules, action: Action, decision_id: str,
    now_ms: int, valid_until_ms: int, channel: str | None,
) -> None:  # fmt: skip
    """Takes note of a decision that a limit counts, or that may tire; what nothing looks back at any more goes."""
    if not rules.kept_ms or action.kind == "nothing":
        return
    by, group = (channel or "")[:ID_LENGTH_MAX], action.group or ""
    is_one = is_contact(action, channel)
    is_wanted = is_one and (rules.tires_within_ms or rules.counting(group, by))
    if not is_wanted and not action.limits.ignored_times:
        return
    shown_ms = now_ms if by in rules.unreported else None
    made = Contacted(action.id, now_ms, valid_until_ms, by, group, is_one, shown_ms)
    since_ms = now_ms - rules.kept_ms - LATENESS_MS
    kept = {name: one for name, one in state.contacts.items() if _last_ms(one) > since_ms}
    kept.setdefault(decision_id[:KEY_LENGTH], made)
    if len(kept) > CONTACTS_MAX:
        order = {
            name: (_is_counted(one, rules, now_ms), one.shown_ms is not None, _last_ms(one))
            for name, one in kept.items()
        }
        del kept[min(kept, key=order.__getitem__)]
    state.contacts = kept


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Confirms what was shown, and notes that it was answered."""
    key = (event.decision_id or "")[:KEY_LENGTH]
    found = state.contacts.get(key)
    if found is None:
        return
    action_id = found.action_id
    if event.is_unproven and event.properties.get("action_id", action_id) != action_id:
        return
    at_ms = max(event.event_time_ms, found.decided_ms)
    shown_ms = at_ms if found.shown_ms is None else min(at_ms, found.shown_ms)
    answered_ms = found.answered_ms
    if event.event_type in ANSWERS:
        answered_ms = max(at_ms, answered_ms or 0)
    state.contacts[key] = replace(found, shown_ms=shown_ms, answered_ms=answered_ms)


def merge_contacts(one: PersonState, other: PersonState, name: str) -> object:
    """The contacts of both; of more than CONTACTS_MAX those that were shown, then those that hold longest."""
    found = dict(one.contacts)
    for key, contact in other.contacts.items():
        before = found.get(key)
        found[key] = contact if before is None else _both(before, contact)
    ranked = sorted(
        found, key=lambda key: (found[key].shown_ms is not None, _last_ms(found[key]), key)
    )
    kept = {key: found[key] for key in ranked[-CONTACTS_MAX:]}
    return newest_last(kept, {key: one.decided_ms for key, one in kept.items()}, CONTACTS_MAX)


def split_contacts(apart: Apart, name: str) -> object:
    """Without those of the visitor's decisions."""
    now, own, given = apart.now.contacts, apart.own.contacts, apart.given.contacts
    lost = {key: one for key, one in own.items() if key not in apart.joined.contacts}
    found = lost | {key: one for key, one in now.items() if key in own or key not in given}
    return newest_last(found, {key: one.decided_ms for key, one in found.items()}, CONTACTS_MAX)


def _both(one: Contacted, other: Contacted) -> Contacted:
    """One contact as two states have it: shown when it was first, answered when it was last."""
    first = min(
        one, other, key=lambda each: (each.decided_ms, each.action_id, each.channel, each.group)
    )
    return replace(
        first,
        until_ms=max(one.until_ms, other.until_ms),
        is_contact=one.is_contact or other.is_contact,
        shown_ms=min(_told(one.shown_ms, other.shown_ms), default=None),
        answered_ms=max(_told(one.answered_ms, other.answered_ms), default=None),
    )


def _told(*times_ms: int | None) -> list[int]:
    return [one for one in times_ms if one is not None]


def _is_counted(one: Contacted, rules: ContactRules, now_ms: int) -> bool:
    """Whether a limit counts it at `now_ms`."""
    counting = rules.counting(one.group, one.channel) if one.is_contact else ()
    return any(now_ms < _end_ms(one, limit) for limit in counting)


def _last_ms(one: Contacted) -> int:
    return one.until_ms if one.shown_ms is None else one.shown_ms


ROOM: Final = Room(
    "contacts", on_person_event=on_person_event, person_events=SHOWS,
    person={"contacts": Kept(merge_contacts, "service", split=split_contacts)},
)  # fmt: skip
