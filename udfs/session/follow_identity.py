"""Who a session belongs to: a visitor until somebody signs in, and what is asked for then.

A visitor is known by an anonymous id, a person by theirs; the two may be spelled alike. Who signs in claims what the device's visitor
was and did, and once for each session what lies of themselves where states of before lie.
"""

from typing import Final

from msgspec.structs import replace

from schemas.events import IDENTIFIED, SIGNED_OUT, TRUE, UNMERGE, Event
from schemas.state.inputs import Claim
from schemas.state.session import SessionNews, SessionState
from udfs.session.deduplicate import hash_of

ALONE: Final = "alone"
ALONE_TYPES: Final = frozenset({IDENTIFIED, SIGNED_OUT})
"""Events whose news may be alone: it has no visit then, which none of them is without otherwise."""


def is_somebody_else(state: SessionState, event: Event) -> bool:
    """Whether another person signs in where one is signed in: what was so far is none of theirs."""
    return (
        state.is_identified
        and bool(state.context)
        and event.event_type == "identified"
        and event.person_id not in (None, state.person)
    )


def follow_identity(state: SessionState, event: Event) -> tuple[bool, tuple[Claim, ...]]:
    """Has the session belong to who signs in by the event; whether they do, and what is claimed for them.

    Who is signed in already claims nothing, but for a session of before there were claims.
    """
    is_new = event.event_type == "identified" and event.person_id is not None
    is_new &= not state.is_identified or event.person_id != state.person
    visitors: list[str] = []
    if is_new and event.person_id is not None:
        before = () if state.is_identified else (state.person,)
        visitors = list(dict.fromkeys((*before, event.anonymous_id)))
        state.person, state.is_identified, state.has_claimed = event.person_id, True, False
    if not state.is_identified:
        state.person = event.anonymous_id
        return False, ()
    if state.has_claimed:
        return False, ()
    state.has_claimed = True
    claims = [_claim(state, event, visitor, state.person) for visitor in visitors]
    claims.append(claim_own(state, event, state.person))
    return is_new, tuple(claims)


def reach_out(
    state: SessionState, event: Event, awaits: tuple[bytes, ...], limits_of: str | None
) -> tuple[tuple[Claim | SessionNews, ...], tuple[bytes, ...], bool]:
    """What is told where the event says that its visitor is not a person, or is a person perhaps (`limits_of`): the visitor is asked for what that
    means, and the person waits for it.

    With what the event's own news awaits: that of the person whose session it is waits for it, too; anybody else is told by news that says
    nothing else. And whether the session is theirs, if the event says of anybody that it is not.
    """
    if is_unmerge(event):
        member = _split_from(state, event)
    elif limits_of is not None and not (state.is_identified and state.person == limits_of):
        member = limits_of
    else:
        return (), awaits, True
    if member is None:
        return (), awaits, True
    is_perhaps = limits_of is not None
    claim = _claim(state, event, event.anonymous_id, member, is_undone=not is_perhaps, is_limits=is_perhaps)  # fmt: skip
    if state.is_identified and state.person == member:
        return (claim,), (*awaits, claim.transfer_id), True
    state.position += 1
    told = replace(
        event, event_id=f"{ALONE}-{claim.transfer_id.hex()}", person_id=member, placements=(),
        item_ids=(), candidates=(), consent=None, context=None,
    )  # fmt: skip
    news = SessionNews(
        "event", member, claim.order_ms, event.session_id, state.position, told, b"",
        says_anew=False, is_member=True, awaits=(claim.transfer_id,),
    )  # fmt: skip
    return (claim, news), awaits, is_perhaps


def _split_from(state: SessionState, event: Event) -> str | None:
    """The person: who is signed in, or whom a server names."""
    signed_in = state.person if state.is_identified else None
    if event.is_unproven and event.person_id not in (None, signed_in):
        return None
    return event.person_id or signed_in


def is_unmerge(event: Event) -> bool:
    """Whether the event says that whoever used the device is not the person."""
    return event.event_type == SIGNED_OUT and event.properties.get(UNMERGE) == TRUE


def is_alone(news: SessionNews) -> bool:
    """Whether the news only awaits a transfer: it is no event of the person's."""
    return not news.context and news.event is not None and news.event.event_type in ALONE_TYPES


def forget_gifts(state: SessionState, event: Event, person: str) -> Claim:
    """Has the event's visitor forget what they gave to the person, who is erased."""
    return _claim(state, event, event.anonymous_id, person, is_undone=True)


def sign_out(state: SessionState, event: Event) -> None:
    """Has the session belong to a visitor again."""
    state.person, state.is_identified, state.has_claimed = event.anonymous_id, False, False


def claim_own(state: SessionState, event: Event, person: str) -> Claim:
    """Asks for what lies of the person where people were before they had a place of their own."""
    return _claim(state, event, person, person, is_own=True)


def _claim(
    state: SessionState, event: Event, visitor: str, member: str, *,
    is_own: bool = False, is_undone: bool = False, is_limits: bool = False,
) -> Claim:  # fmt: skip
    state.position += 1
    order_ms, position = state.newest_ms, state.position
    named = f"{order_ms}/{position}/{is_own}/{len(visitor)}/{visitor}/{event.session_id}"
    return Claim(
        "claim", visitor, order_ms, event.session_id, position, member, hash_of(named), event,
        is_own, is_undone, is_limits,
    )  # fmt: skip
