"""From a request to what is asked of the engine: which placement, which event, for whom."""

import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec

from channels.api.access import Caller
from channels.api.bodies import PRODUCTS, DecisionsRequest, RecommendationsRequest
from channels.api.compose_answer import Wanted
from channels.api.kept_decisions import cause_of
from channels.api.problems import ApiError
from channels.api.product_placement import product_placement
from channels.api.read_events import (
    ReadEvents,
    Sender,
    check,
    hashed,
    read_events,
    read_session,
)
from channels.api.services import Services
from channels.api.store_reader import StoreUnavailable
from schemas.enrich.enrich_event import FROM_NOWHERE, Came, enriched, of_page
from schemas.errors import InvalidEvent
from schemas.events import Candidate, Event, EventType
from schemas.formats.field_names import Notices
from schemas.limits import PLACEMENTS_PER_EVENT_MAX
from schemas.policy import Policy

CHANNEL: Final = "web"
PERSON_S: Final = 0.01
"""How long the store may take to say whose a session is that this process does not know."""


class Ask(NamedTuple):
    """One request: what is wanted, the event whose decision is fresh (None: none is), what to log for it."""

    wanted: tuple[Wanted, ...]
    session_id: str | None
    person: str | None
    cause: Event | None
    events: tuple[Event, ...]
    budget_ms: int


class Request(NamedTuple):
    """What is asked, and the events of it that cannot be used."""

    ask: Ask
    read: ReadEvents


async def recommendations_asked(
    services: Services,
    caller: Caller,
    given: RecommendationsRequest,
    came: Came = FROM_NOWHERE,
    *,
    is_strict: bool = False,
) -> Request:
    """A list of products, decided on the newest event of the session."""
    now_ms = time.time_ns() // 1_000_000
    sender = await _sender(services, caller, given.session_id, given, came)
    read = read_session(
        given.events_in_session,
        sender,
        now_ms,
        given.current_page,
        is_strict=is_strict,
        known=services.known(now_ms),
    )
    _check_own(services, caller, read.events, given.session_id)
    version = services.knowledge.policy_at(now_ms)
    policy = version.policy if version else None
    newest = read.events[-1].event_type if read.events else "page_viewed"
    name = given.placement or product_placement(policy, newest)
    size = given.limit or (PRODUCTS if given.placement is None else None)
    wanted = Wanted(_known(policy, name), size, must_have_items=True)
    cause, new = _cause(
        services, read.events, (name,), _page_view(services, sender, given.current_page, now_ms)
    )
    budget_ms = services.budget_ms if given.budget_ms is None else given.budget_ms
    ask = Ask((wanted,), given.session_id, given.person_id, cause, new, budget_ms)
    return Request(ask, read)


async def decisions_asked(
    services: Services,
    caller: Caller,
    given: DecisionsRequest,
    came: Came = FROM_NOWHERE,
    *,
    is_strict: bool = False,
) -> Request:
    """Decisions for placements; without a session nothing new can be decided."""
    now_ms = time.time_ns() // 1_000_000
    version = services.knowledge.policy_at(now_ms)
    policy = version.policy if version else None
    names = tuple(dict.fromkeys(_known(policy, name) for name in given.placements))
    wanted = _wanted(names, given.candidates)
    if given.session_id is None:
        return Request(Ask(wanted, None, given.person, None, (), 0), ReadEvents([], [], Notices()))
    budget_ms = services.budget_ms if given.budget_ms is None else given.budget_ms
    sender = await _sender(services, caller, given.session_id, given, came)
    known = services.known(now_ms)
    read = read_events(given.events, sender, now_ms, is_strict=is_strict, known=known)
    _check_own(services, caller, read.events, given.session_id)
    asking = _asking(services, sender, given, now_ms)
    if given.candidates is not None:
        asking = msgspec.structs.replace(
            asking,
            event_type="ranking_requested",
            candidates=given.candidates,
            placements=names,
            has_no_candidates=not given.candidates,
        )
        cause, new = asking, (*_new(services, read.events), asking)
    else:
        cause, new = _cause(services, read.events, names, asking)
        if cause.candidates or cause.has_no_candidates:
            wanted = _wanted(names, cause.candidates)
    return Request(Ask(wanted, given.session_id, given.person, cause, new, budget_ms), read)


async def _sender(
    services: Services,
    caller: Caller,
    session_id: str,
    given: RecommendationsRequest | DecisionsRequest,
    came: Came,
) -> Sender:
    """Whose events these are; raises ApiError 403 where the caller may not speak for them."""
    if isinstance(given, DecisionsRequest):
        events, person = given.events, given.person
    else:
        events, person = given.events_in_session, given.person_id
    signs_out = any(_signs_out(one) for one in events)
    sender = Sender(
        session_id,
        await _anonymous_id(services, caller, session_id, given.anonymous_id, signs_out),
        person or caller.person,
        given.channel or CHANNEL,
        given.context,
        caller.is_visitor,
        came,
    )
    _may_speak(services, caller, str(sender.anonymous_id), sender.person_id)
    return sender


def _asking(services: Services, sender: Sender, given: DecisionsRequest, now_ms: int) -> Event:
    """The event that the request itself is; raises ApiError 400 where all that it says is too large for one."""
    asking = msgspec.structs.replace(
        _page_view(services, sender, given.page, now_ms),
        category=given.category,
        consent=given.consent,
        properties=given.properties,
    )
    try:
        check(asking, now_ms)  # its parts are bounded by `bodies`
    except InvalidEvent as error:
        raise ApiError(400, f"the body cannot be used: {error}") from error
    return asking


def _wanted(names: Iterable[str], given: Sequence[Candidate] | None) -> tuple[Wanted, ...]:
    """What is wanted there: an order of the caller's own candidates, or with None whatever is best."""
    candidates = None if given is None else tuple(one.item_id for one in given)
    return tuple(Wanted(name, None, candidates) for name in names)


def _known(policy: Policy | None, name: str) -> str:
    """The placement, if the policy has it or is not known itself; raises ApiError 404."""
    if policy is None or any(one.name == name for one in policy.placements):
        return name
    there = ", ".join(one.name for one in policy.placements)
    raise ApiError(404, f"there is no placement {name!r}; the policy has {there}")


def _cause(
    services: Services, events: Sequence[Event], placements: tuple[str, ...], asking: Event
) -> tuple[Event, tuple[Event, ...]]:
    """The event whose decisions are the fresh ones, and the events to log, it among them if it is new.

    That is the newest event of the request, asked for the placements; where it has been logged before
    without them, or the person has turned something away since, the `asking` event in its place.
    """
    new = _new(services, events)
    if events and new and new[-1] is events[-1]:
        last = events[-1]
        asked = tuple(dict.fromkeys((*last.placements, *placements)))
        if len(asked) > PLACEMENTS_PER_EVENT_MAX:
            raise ApiError(400, f"an event asks for at most {PLACEMENTS_PER_EVENT_MAX} placements")
        cause = msgspec.structs.replace(last, placements=asked)
        return cause, (*new[:-1], cause)
    if events:
        stream, last = services.decisions, events[-1]
        visitor = services.visitors.find(last.session_id)
        is_current = visitor is None or visitor.is_current(last.event_id)
        known = (stream.find(cause_of(last, one)) for one in placements)
        if is_current and all(known):
            return last, new
        since = "" if is_current or visitor is None else visitor.turned
        name = hashed("asking", last.event_id, since, asking.page or "", *placements)
        asking = msgspec.structs.replace(asking, event_id=name)
        if services.visitors.is_logged(asking):
            return asking, new
    cause = msgspec.structs.replace(asking, placements=placements)
    return cause, (*new, cause)


def _new(services: Services, events: Sequence[Event]) -> tuple[Event, ...]:
    """The events that Kafka does not have yet from here."""
    return tuple(one for one in events if not services.visitors.is_logged(one))


def _page_view(services: Services, sender: Sender, page: str | None, now_ms: int) -> Event:
    """The person opens a page and something is to be shown there; without a page, that of before."""
    event_type: EventType = "page_viewed"
    visitor = services.visitors.find(str(sender.session_id))
    page = page or (visitor.page if visitor else None)
    seen = Event(
        event_id=uuid4().hex,
        event_type=event_type,
        event_time_ms=now_ms,
        session_id=str(sender.session_id),
        anonymous_id=str(sender.anonymous_id),
        person_id=sender.person_id,
        channel=sender.channel,
        page=page,
        context=sender.context,
        sent_at_ms=now_ms,
        is_unproven=sender.is_page,
    )
    return enriched(of_page(seen), sender.came)


async def _anonymous_id(
    services: Services, caller: Caller, session_id: str, given: str | None, signs_out: bool
) -> str:
    """Whose session it is: as its token says, the caller, this process, or the store; else its own id.

    Of somebody who signs out only the first two are asked: the others may know the person's own id.
    """
    if caller.anonymous_id is not None and caller.session_id == session_id:
        return given or caller.anonymous_id
    if given is not None:
        return given
    if signs_out:
        return session_id
    visitor = services.visitors.find(session_id)
    if visitor is not None:
        return visitor.anonymous_id
    known = services.visitors.person_of(session_id)
    if known is not None:
        return known
    try:
        found = await services.store.recent(session_id, None, (), 0, PERSON_S)
    except StoreUnavailable:
        return session_id
    return found.person or session_id


def _signs_out(event: object) -> bool:
    return isinstance(event, dict) and "signed_out" in (event.get("event"), event.get("event_type"))


def _may_speak(services: Services, caller: Caller, anonymous_id: str, person: str | None) -> None:
    if not services.access.may_speak_for(caller, anonymous_id, person):
        raise ApiError(403, "this key may only name the visitor and person of its own tokens")


def _check_own(
    services: Services, caller: Caller, events: Sequence[Event], session_id: str
) -> None:
    for event in events:
        if event.session_id != session_id:
            raise ApiError(400, f"event {event.event_id!r} is of another session")
        _may_speak(services, caller, event.anonymous_id, event.person_id)
