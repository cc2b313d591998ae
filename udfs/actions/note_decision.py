"""What a decision leaves in its person's state: a grant, a contact, and what stands where; each later decision sees it."""

from schemas.actions import Action
from schemas.policy import Placement
from udfs.actions.asked import Asked
from udfs.facts.consent import place
from udfs.facts.contacts import remember_contact
from udfs.facts.grants import has_limits, remember_grant


def note_decision(asked: Asked, action: Action, setting: Placement, decision_id: str) -> int:
    """Takes note of it in `asked.state`; until when it holds, in epoch milliseconds."""
    state, event = asked.state, asked.moment.event
    now_ms, channel = event.event_time_ms, setting.channel or event.channel
    until_ms = now_ms + (action.valid_ms or setting.valid_ms)
    if action.kind != "nothing" and has_limits(action.limits):
        until_ms = remember_grant(state, action.id, decision_id, now_ms, until_ms)
    remember_contact(state, asked.policy.contact, action, decision_id, now_ms, until_ms, channel)
    place(state, setting.name, until_ms, asked.needs(action, channel))
    return until_ms
