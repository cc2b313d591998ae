"""What people did: events, what became of decisions, and new sessions."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import post

from channels.api.access import Caller
from channels.api.app_state import Asked, services_of
from channels.api.bodies import (
    EVENTS_PER_REQUEST_MAX,
    Accepted,
    Reaction,
    ReactionIn,
    SessionIn,
    SessionOut,
)
from channels.api.declaring import (
    JSON,
    STRICT,
    TELL,
    WITH_BODY,
    DecisionId,
    problems,
    taking,
)
from channels.api.doorway import check, visit_of
from channels.api.examples import EVENTS
from channels.api.examples import REACTED as REACTED_BODY
from channels.api.from_pages import PAGE_EVENTS_MAX, is_decision_id
from channels.api.handlers.decisions import REACTIONS
from channels.api.log_events import log_events, now_ms
from channels.api.names import BATCH, read_names, read_request, warnings_of
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents, Sender, hashed, read_events
from channels.api.requests import (
    ANYTHING,
    Credentials,
    body_of,
    caller_of,
    decision_id_in_path,
    decoded,
    flag_in_query,
    may_write,
    take_events,
)
from channels.api.services import Services
from schemas.enrich.enrich_event import enriched
from schemas.events import Event
from schemas.formats.field_names import Notices
from schemas.limits import ID_LENGTH_MAX

BEACON_BYTES_MAX: Final = 65_536
"""Browsers send no larger beacon."""
TAKEN: Final = "Kafka has them"
LISTS_OF_EVENTS: Final = frozenset({"events", *BATCH.aliases})


@post(
    "/v1/events",
    status_code=202,
    tags=[TELL],
    summary="Events, one or many; answered once Kafka has them",
    response_description=TAKEN,
    responses=problems(*WITH_BODY, 422, 503),
    operation_class=taking("Events", (STRICT,), examples=EVENTS, media_types=(JSON, "text/plain")),
)
async def events(request: Asked) -> Accepted:
    """Sent twice, an event counts once. One that is none is named in the answer, and the others are taken."""
    services = services_of(request)
    caller, value, size = await beacon_of(services, request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    given = events_in(value, caller, own, is_strict=is_strict)
    take_events(services, request, caller, {caller.session_id or "": len(given)}, size)
    at_ms = now_ms()
    came = services.whereabouts.came(caller, request)
    sender = Sender(caller.session_id, caller.anonymous_id, is_page=caller.is_visitor, came=came)
    whose = services.visitors.anonymous_id_of
    read = read_events(
        given, sender, at_ms, whose, is_strict=is_strict, known=services.known(at_ms)
    )
    for session_id in {one.session_id for one in read.events}:
        may_write(services, caller, session_id)
    for one in read.events:
        if not services.access.may_speak_for(caller, one.anonymous_id, one.person_id):
            raise ApiError(403, "this key may only name the visitor and person of its own tokens")
    accepted = await log_events(services, read, "/v1/events", own)
    if not accepted.accepted and read.bad:
        first = accepted.rejected[0]
        hint = next((f"; {one.reason}" for one in (*own, *read.notices)), "")
        raise ApiError(422, f"no event can be used; event {first.index}: {first.reason}{hint}")
    return accepted


async def reaction(request: Asked, decision_id: DecisionId) -> Accepted:
    """What a channel says became of a decision in front of the person. Sent twice, it counts once."""
    services = services_of(request)
    caller = caller_of(services, request)
    decision_id = decision_id_in_path(decision_id)
    body = await body_of(request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    given = read_request(ReactionIn, decoded(ANYTHING, body), own, is_strict=is_strict)
    if caller.is_visitor and not is_decision_id(decision_id):
        raise ApiError(400, "that is no id of a decision")
    take_events(services, request, caller, {given.session_id: 1}, len(body))
    may_write(services, caller, given.session_id)
    what: Any = request.scope["path"].rpartition("/")[2]
    event = reaction_event(services, decision_id, what, given, caller, now_ms())
    event = enriched(event, services.whereabouts.came(caller, request))
    if not services.access.may_speak_for(caller, event.anonymous_id, event.person_id):
        raise ApiError(403, "this key may only name the visitor of its own token")
    read = ReadEvents([event], [], Notices())
    return await log_events(services, read, "/v1/decisions", own)


REACTED: Final = [
    post(
        f"/v1/decisions/{{decision_id:str}}/{one}",
        status_code=202,
        tags=[TELL],
        summary=f"The decision was {one}",
        response_description=TAKEN,
        responses=problems(*WITH_BODY, 503),
        operation_class=taking("ReactionIn", (STRICT,), examples={one: REACTED_BODY}),
    )(reaction)
    for one in REACTIONS
]


@post(
    "/v1/sessions",
    status_code=201,
    tags=[TELL],
    summary="A session of our making, with the token that opens it",
    response_description="The session, with its token",
    responses=problems(*WITH_BODY),
    operation_class=taking(
        "SessionIn", (STRICT,), examples={"a new one": {}}, is_body_required=False
    ),
)
async def sessions(request: Asked) -> SessionOut:
    """With the token of an earlier session the anonymous id stays the same."""
    services = services_of(request)
    caller = caller_of(services, request)
    if not services.access.may(caller, "events:write"):
        raise ApiError(403, "this key may not write events")
    body = await body_of(request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    value: object = decoded(ANYTHING, body) if body else {}
    given = read_request(SessionIn, value, own, is_strict=is_strict)
    check(services.measures, services.door.session(caller, visit_of(request).address))
    made = services.access.new_session(given.token)
    return SessionOut(made.session_id, made.anonymous_id, made.token, warnings_of(own))


async def beacon_of(services: Services, request: Asked) -> tuple[Caller, object, int]:
    """Who sends events, what, and in how many bytes: a page that is left can set no header, so its body says who it is (`auth`).

    Raises ApiError. What comes without a header is read before it is known from whom, so it is small.
    """
    if (
        services.access.is_open
        or "authorization" in request.headers
        or "key" in request.query_params
    ):
        caller = caller_of(services, request, in_query=True)
        body = await body_of(request)
        return caller, decoded(ANYTHING, body), len(body)
    body = await body_of(request, BEACON_BYTES_MAX)
    try:
        value = decoded(ANYTHING, body)
        said = value.get("auth") if isinstance(value, Mapping) else None
        in_body = msgspec.convert(said or {}, Credentials)
    except (ApiError, msgspec.ValidationError):
        value, in_body = None, Credentials()
    return caller_of(services, request, in_body=in_body), value, len(body)


def events_in(value: object, caller: Caller, notices: Notices, *, is_strict: bool) -> list[object]:
    """The events of a body: one, a list, or `{"events": […]}`; raises ApiError 400 or 413."""
    count_max = PAGE_EVENTS_MAX if caller.is_visitor else EVENTS_PER_REQUEST_MAX
    if isinstance(value, dict):
        if value.keys() & LISTS_OF_EVENTS:
            value = read_names(value, BATCH, notices, is_strict=is_strict).get("events")
        else:
            value = [{name: one for name, one in value.items() if name != "auth"}]
    if not isinstance(value, list) or not value:
        raise ApiError(400, 'an event, a list of events or {"events": [...]} is wanted')
    if len(value) > count_max:
        raise ApiError(413, f"{len(value)} events, at most {count_max} at once")
    return value


def reaction_event(
    services: Services,
    decision_id: str,
    what: Reaction,
    given: ReactionIn,
    caller: Caller,
    now_ms: int,
) -> Event:
    """What a channel says became of a decision; sent twice, it counts once.

    What it leaves out is filled in from the decision, where that was made lately.
    """
    known = services.decisions.find_id(decision_id)
    placement = given.placement or (known.placement if known else None)
    action_id = given.action_id or (known.action_id if known else None)
    item_ids = given.item_ids or ()
    if given.item_ids is None and known is not None and what == "exposed":
        item_ids = tuple(one.item_id for one in known.items)
    which = () if what == "exposed" else item_ids
    name = "/".join((decision_id, what, *which))
    visitor = services.visitors.find(given.session_id)
    whose = given.anonymous_id or caller.anonymous_id or (visitor.anonymous_id if visitor else None)
    return Event(
        event_id=name if len(name) <= ID_LENGTH_MAX else hashed(name),
        event_type=f"decision_{what}",
        event_time_ms=now_ms,
        session_id=given.session_id,
        anonymous_id=whose or services.visitors.person_of(given.session_id) or given.session_id,
        item_ids=item_ids,
        decision_id=decision_id,
        properties={
            **({"action_id": action_id} if action_id else {}),
            **({"placement": placement} if placement else {}),
        },
        sent_at_ms=now_ms,
        is_unproven=caller.is_visitor,
    )
