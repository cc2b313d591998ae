"""Grants: what a person got of the actions that have limits, and how the person took it."""

from collections.abc import Mapping
from typing import Final

from schemas.actions import Limits
from schemas.events import Event
from schemas.limits import (
    ACTIONS_REMEMBERED_MAX,
    CONVERTED_WITHIN_MS,
    GRANTS_MAX,
    OFFERED_MAX,
)
from schemas.state.person import ActionHistory, PersonState
from udfs.facts.fact import Apart, Kept, Room
from udfs.facts.merging import newest_last

ANSWERS: Final = frozenset({"decision_clicked", "decision_dismissed"})
BOUGHT: Final = "purchase_completed"


def stands(history: ActionHistory | None, now_ms: int) -> bool:
    """Whether the newest grant still holds, so that deciding for it again is no new grant."""
    if history is None or now_ms >= history.stands_until_ms:
        return False
    granted_ms = history.granted_ms[-1]
    answers = (history.clicked_ms, history.dismissed_ms)
    return all(answer is None or answer < granted_ms for answer in answers)


def beyond_limits(
    history: ActionHistory | None, limits: Limits, now_ms: int
) -> tuple[str, dict[str, str]] | None:
    """The limit that a further decision for the action would break, and the values it saw; else None."""
    if history is None:
        return None
    if limits.never_after_dismissal and history.dismissed_ms is not None:
        return "dismissed", {"dismissed_ms": str(history.dismissed_ms)}
    if limits.never_after_click and history.clicked_ms is not None:
        return "clicked", {"clicked_ms": str(history.clicked_ms)}
    if stands(history, now_ms):
        return None
    granted = [one for one in history.granted_ms if now_ms - one < limits.within_ms]
    if limits.times and len(granted) >= limits.times:
        values = {"times": str(len(granted)), "limit": str(limits.times)}
        return "limit", values | {"granted_ms": str(granted[-1])}
    if granted and now_ms - granted[-1] < limits.cool_down_ms:
        return "cool_down", {"granted_ms": str(granted[-1])}
    if _is_within(history.dismissed_ms, limits.after_dismissal_ms, now_ms):
        return "after_dismissal", {"dismissed_ms": str(history.dismissed_ms)}
    if _is_within(history.converted_ms, limits.after_conversion_ms, now_ms):
        return "after_conversion", {"converted_ms": str(history.converted_ms)}
    return None


def _is_within(time_ms: int | None, length_ms: int, now_ms: int) -> bool:
    return time_ms is not None and now_ms - time_ms < length_ms


def has_limits(limits: Limits) -> bool:
    """Whether anything about earlier decisions matters."""
    return bool(
        limits.times
        or limits.cool_down_ms
        or limits.never_after_dismissal
        or limits.never_after_click
        or limits.after_dismissal_ms
        or limits.after_conversion_ms
        or limits.ignored_times
    )


def remember_grant(
    state: PersonState, action_id: str, decision_id: str, now_ms: int, valid_until_ms: int
) -> int:
    """Takes note of a decision for an action with limits; until when it holds.

    A grant that stands is the same offer and keeps its end.
    """
    history = state.actions.pop(action_id, None) or ActionHistory()
    state.actions[action_id] = history
    if stands(history, now_ms):
        valid_until_ms = min(valid_until_ms, history.stands_until_ms)
    else:
        history.granted_ms = [*history.granted_ms, now_ms][-GRANTS_MAX:]
        history.stands_until_ms = valid_until_ms
    if len(state.actions) > ACTIONS_REMEMBERED_MAX:
        state.actions.pop(_least_needed(state.actions))
    state.offered[decision_id] = action_id
    if len(state.offered) > OFFERED_MAX:
        state.offered.pop(next(iter(state.offered)))
    return valid_until_ms


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Takes note of a click on, or the dismissal of, an action that was decided, and of a purchase soon after a click."""
    if event.event_type == BOUGHT:
        _convert(state, event.event_time_ms)
        return
    if event.event_type not in ANSWERS:
        return
    action_id = state.offered.get(event.decision_id or "")
    if event.is_unproven and event.properties.get("action_id", action_id) != action_id:
        return
    history = state.actions.get(action_id) if action_id else None
    if history is None:
        return
    if event.event_type == "decision_clicked":
        history.clicked_ms = max(event.event_time_ms, history.clicked_ms or 0)
    else:
        history.dismissed_ms = max(event.event_time_ms, history.dismissed_ms or 0)


def _convert(state: PersonState, now_ms: int) -> None:
    """Each action that was clicked not long before brought the purchase."""
    for history in state.actions.values():
        clicked_ms = history.clicked_ms
        if clicked_ms is not None and 0 <= now_ms - clicked_ms < CONVERTED_WITHIN_MS:
            history.converted_ms = max(now_ms, history.converted_ms or 0)


def _least_needed(actions: Mapping[str, ActionHistory]) -> str:
    """The oldest whose end was not said by the person; else the oldest."""
    unanswered = (
        name for name, one in actions.items() if one.clicked_ms is None and one.dismissed_ms is None
    )
    return next(unanswered, next(iter(actions)))


def merge_actions(one: PersonState, other: PersonState, name: str) -> object:
    """What both got; at the bound those that the person answered stay, then those granted last."""
    found = dict(one.actions)
    for action_id, history in other.actions.items():
        before = found.get(action_id)
        found[action_id] = history if before is None else _both(before, history)
    granted = {action_id: _last_ms(history) for action_id, history in found.items()}
    kept = sorted(found, key=lambda key: (_is_answered(found[key]), granted[key], key))
    kept = kept[-ACTIONS_REMEMBERED_MAX:]
    return newest_last({key: found[key] for key in kept}, granted, ACTIONS_REMEMBERED_MAX)


def merge_offered(one: PersonState, other: PersonState, name: str) -> object:
    """The decisions of both, in the order of the newest grant of their actions."""
    offered = one.offered | other.offered
    last_ms = {
        decision_id: max(
            _last_ms(state.actions[action_id]) if action_id in state.actions else 0
            for state in (one, other)
        )
        for decision_id, action_id in offered.items()
    }
    return newest_last(offered, last_ms, OFFERED_MAX)


def granted_since(state: PersonState, since_ms: int) -> dict[str, ActionHistory]:
    """What a visitor got and answered later than that."""
    found = {}
    for action_id, one in state.actions.items():
        granted = [at for at in one.granted_ms if at > since_ms]
        clicked, dismissed = _after(one.clicked_ms, since_ms), _after(one.dismissed_ms, since_ms)
        if granted or clicked is not None or dismissed is not None:
            stands_until_ms = one.stands_until_ms if granted else 0
            found[action_id] = ActionHistory(granted, stands_until_ms, clicked, dismissed)
    return found


def _after(time_ms: int | None, since_ms: int) -> int | None:
    return time_ms if time_ms is not None and time_ms > since_ms else None


def _both(one: ActionHistory, other: ActionHistory) -> ActionHistory:
    return ActionHistory(
        sorted({*one.granted_ms, *other.granted_ms})[-GRANTS_MAX:],
        max(one.stands_until_ms, other.stands_until_ms),
        _later(one.clicked_ms, other.clicked_ms),
        _later(one.dismissed_ms, other.dismissed_ms),
        _later(one.converted_ms, other.converted_ms),
    )


def split_actions(apart: Apart, name: str) -> object:
    """Of each action what the person got and answered without what the visitor got and answered alone."""
    found = {}
    nothing = ActionHistory()
    for action_id, now in {**apart.own.actions, **apart.now.actions}.items():
        joined, own, given = (
            one.actions.get(action_id, nothing) for one in (apart.joined, apart.own, apart.given)
        )
        left = _without(now, joined, own, given)
        if left != nothing:
            found[action_id] = left
    return found


def _without(
    now: ActionHistory, joined: ActionHistory, own: ActionHistory, given: ActionHistory
) -> ActionHistory:
    theirs = set(given.granted_ms) - set(own.granted_ms)
    granted = sorted({*own.granted_ms, *now.granted_ms} - theirs)[-GRANTS_MAX:]

    def since(name: str) -> int | None:
        now_ms: int | None = getattr(now, name)
        own_ms: int | None = getattr(own, name)
        return own_ms if now_ms == getattr(joined, name) else now_ms

    until_ms = since("stands_until_ms") if granted else 0
    return ActionHistory(
        granted, until_ms or 0, since("clicked_ms"), since("dismissed_ms"), since("converted_ms")
    )


def split_offered(apart: Apart, name: str) -> object:
    """Without the decisions that were the visitor's."""
    own, given = apart.own.offered, apart.given.offered
    found = own | {key: one for key, one in apart.now.offered.items() if key not in given}
    return dict(list(found.items())[-OFFERED_MAX:])


def _later(one: int | None, other: int | None) -> int | None:
    return max(filter(None, (one, other)), default=None)


def _last_ms(history: ActionHistory) -> int:
    return max(history.granted_ms, default=0)


def _is_answered(history: ActionHistory) -> bool:
    return history.clicked_ms is not None or history.dismissed_ms is not None


ROOM: Final = Room(
    "grants", on_person_event=on_person_event, person_events=ANSWERS | {BOUGHT},
    person={
        "actions": Kept(merge_actions, "service", split=split_actions),
        "offered": Kept(merge_offered, "service", split=split_offered),
    },
)  # fmt: skip
