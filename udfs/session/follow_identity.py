"""Who a session belongs to: a visitor until somebody signs in, and what is asked for then.

A visitor is known by an anonymous id, a person by theirs; the two may be spelled alike. Who signs in claims what the device's visitor
was and did, and once for each session what lies of themselves where states of before lie.
"""

from schemas.events import Event
from schemas.state.inputs import Claim
from schemas.state.session import SessionState
from udfs.session.deduplicate import hash_of


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


def sign_out(state: SessionState, event: Event) -> None:
    """Has the session belong to a visitor again."""
    state.person, state.is_identified, state.has_claimed = event.anonymous_id, False, False


def claim_own(state: SessionState, event: Event, person: str) -> Claim:
    """Asks for what lies of the person where people were before they had a place of their own."""
    return _claim(state, event, person, person, is_own=True)


def _claim(
    state: SessionState, event: Event, visitor: str, member: str, *, is_own: bool = False
) -> Claim:
    state.position += 1
    order_ms, position = state.newest_ms, state.position
    named = f"{order_ms}/{position}/{is_own}/{len(visitor)}/{visitor}/{event.session_id}"
    return Claim(
        "claim", visitor, order_ms, event.session_id, position, member, hash_of(named), event,
        is_own,
    )  # fmt: skip
