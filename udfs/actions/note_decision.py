"""What a decision leaves in its person's state: a grant, a contact, what stands where, and a steady list; each later decision sees it."""

from collections.abc import Sequence

from schemas.actions import Action
from schemas.decisions import DecisionItem
from schemas.policy import Placement
from udfs.actions.asked import Asked
from udfs.facts.consent import place
from udfs.facts.contacts import remember_contact
from udfs.facts.grants import has_limits, remember_grant
from udfs.facts.last_slates import remember_last_slate


def note_decision(
    asked: Asked,
    action: Action,
    setting: Placement,
    decision_id: str,
    items: Sequence[DecisionItem],
) -> int:
    """Takes note of it in `asked.state`; until when it holds, in epoch milliseconds."""
    state, event = asked.state, asked.moment.event
    now_ms, channel = event.event_time_ms, setting.channel or event.channel
    until_ms = now_ms + (action.valid_ms or setting.valid_ms)
    if action.kind != "nothing" and has_limits(action.limits):
        until_ms = remember_grant(state, action.id, decision_id, now_ms, until_ms)
    remember_contact(state, asked.policy.contact, action, decision_id, now_ms, until_ms, channel)
    place(state, setting.name, until_ms, asked.needs(action, channel))
    if setting.steadiness and items and asked.agreed.is_personal and not asked.is_masked:
        remember_last_slate(state, setting.name, event.session_id, now_ms, _kept(items, asked))
    return until_ms


def _kept(items: Sequence[DecisionItem], asked: Asked) -> list[str]:
    """Without those of sensitive categories, which no profile holds."""
    sensitive, moment = asked.policy.policy.suppression.sensitive, asked.moment
    found = ((one.item_id, moment.item(one.item_id)) for one in items)
    return [item_id for item_id, item in found if item is None or item.category not in sensitive]
