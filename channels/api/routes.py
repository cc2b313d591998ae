"""The endpoints of the Decision API. What they take and give stands in `wire.py`."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from channels.api.access import Caller
from channels.api.answers import Answered as AnsweredAsk
from channels.api.answers import Answerer
from channels.api.bodies import (
    EVENTS_PER_REQUEST_MAX,
    IDS_LENGTH_MAX,
    ITEMS_PER_PAGE_MAX,
    Accepted,
    DecisionsAnswer,
    DecisionsRequest,
    Reaction,
    ReactionIn,
    Readiness,
    Recommendations,
    RecommendationsRequest,
    SessionIn,
    SessionOut,
)
from channels.api.catalogue import categories_of, find_items, ids_asked, item_out
from channels.api.doorway import check, visit_of
from channels.api.event_log import LogUnavailable
from channels.api.event_of_request import decisions_asked, recommendations_asked
from channels.api.explaining import explaining_handlers
from channels.api.from_pages import PAGE_EVENTS_MAX, is_decision_id
from channels.api.names import BATCH, ITEMS_QUERY, read_names, read_request, warnings_of
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents, Sender, hashed, read_events
from channels.api.requests import (
    Credentials,
    body_of,
    caller_of,
    decision_id_in_path,
    decoded,
    flag_in_query,
    id_in_path,
    may_read,
    may_write,
    number_in_query,
    take_events,
    text_in_query,
    texts_in_query,
)
from channels.api.services import Services
from channels.api.store_reader import StoreUnavailable
from channels.api.vouch import vouched
from schemas.events import Event
from schemas.formats.field_names import Notices
from schemas.limits import ID_LENGTH_MAX, STRING_LENGTH_MAX

JSON: Final = "application/json"
BEACON_BYTES_MAX: Final = 65_536
"""Browsers send no larger beacon."""
READY_S: Final = 1.0
LISTS_OF_EVENTS: Final = frozenset({"events", *BATCH.aliases})
REACTIONS: Final[tuple[Reaction, ...]] = get_args(Reaction)
ANYTHING: Final = msgspec.json.Decoder(Any)

Asked = Request[Any, Any, Any]
Answered = Response[bytes]


def api_router(services: Services, answerer: Answerer) -> Router:
    """All endpoints that take or give JSON, and the stream."""
    handlers = [
        *asking_handlers(services, answerer),
        *writing_handlers(services),
        *explaining_handlers(services, answerer),
        *catalogue_handlers(services),
        *state_handlers(services),
    ]
    return Router("/", route_handlers=handlers)


def asking_handlers(services: Services, answerer: Answerer) -> list[HTTPRouteHandler]:
    """What to show."""

    @post("/api/recommendations", status_code=200)
    async def recommendations(request: Asked) -> Answered:
        caller = caller_of(services, request)
        body = await body_of(request)
        is_strict, own = flag_in_query(request, "strict"), Notices()
        given = read_request(
            RecommendationsRequest, decoded(ANYTHING, body), own, is_strict=is_strict
        )
        count = 1 + len(given.events_in_session)
        take_events(services, request, caller, {given.session_id: count}, len(body))
        may_write(services, caller, given.session_id)
        may_read(services, caller, given.session_id)
        asked = await recommendations_asked(services, caller, given, is_strict=is_strict)
        _see(services, asked.ask.events)
        answered = await answerer.answer(asked.ask)
        _refuse(services, "/api/recommendations", asked.read)
        return _json(_recommendations(answered, asked.read, own))

    @post("/v1/decisions", status_code=200)
    async def decisions(request: Asked) -> Answered:
        caller = caller_of(services, request)
        body = await body_of(request)
        is_strict, own = flag_in_query(request, "strict"), Notices()
        given = read_request(DecisionsRequest, decoded(ANYTHING, body), own, is_strict=is_strict)
        take_events(
            services, request, caller, {given.session_id or "": 1 + len(given.events)}, len(body)
        )
        if given.session_id is None and given.person is None:
            raise ApiError(400, "a session_id or a person is wanted")
        if given.session_id is not None:
            may_write(services, caller, given.session_id)
            may_read(services, caller, given.session_id)
        elif not services.access.may_read_person(caller, given.person or ""):
            raise ApiError(403, "this key may not read decisions of this person")
        asked = await decisions_asked(services, caller, given, is_strict=is_strict)
        _see(services, asked.ask.events)
        answered = await answerer.answer(asked.ask)
        _refuse(services, "/v1/decisions", asked.read)
        rejected = tuple(one.rejected for one in asked.read.bad)
        warnings = warnings_of(own, asked.read.notices)
        return _json(DecisionsAnswer(answered.answers, rejected, answered.is_logged, warnings))

    @get("/v1/decisions/{person:str}/{placement:str}")
    async def decision(request: Asked, person: FromPath[str], placement: FromPath[str]) -> Answered:
        return await decided(request, person, placement)

    @get([f"/v1/decisions/{{person:str}}/{one}" for one in REACTIONS])
    async def decision_there(request: Asked, person: FromPath[str]) -> Answered:
        """Of a placement that is called as what becomes of a decision."""
        return await decided(request, person, request.scope["path"].rpartition("/")[2])

    async def decided(request: Asked, person: str, placement: str) -> Answered:
        caller = caller_of(services, request)
        person, placement = id_in_path(person, "a person"), id_in_path(placement, "a placement")
        if not services.access.may_read_person(caller, person):
            raise ApiError(403, "this key may not read decisions of this person")
        given = DecisionsRequest(placements=(placement,), person=person)
        asked = await decisions_asked(services, caller, given)
        return _json((await answerer.answer(asked.ask)).answers[0])

    return [recommendations, decisions, decision, decision_there]


def writing_handlers(services: Services) -> list[HTTPRouteHandler]:
    """What people did, and new sessions."""

    @post("/v1/events", status_code=202)
    async def events(request: Asked) -> Answered:
        caller, value, size = await beacon_of(services, request)
        is_strict, own = flag_in_query(request, "strict"), Notices()
        given = events_in(value, caller, own, is_strict=is_strict)
        take_events(services, request, caller, {caller.session_id or "": len(given)}, size)
        now_ms = _now_ms()
        sender = Sender(caller.session_id, caller.anonymous_id, is_page=caller.is_visitor)
        whose = services.visitors.anonymous_id_of
        read = read_events(given, sender, now_ms, whose, is_strict=is_strict)
        for session_id in {one.session_id for one in read.events}:
            may_write(services, caller, session_id)
        for one in read.events:
            if not services.access.may_speak_for(caller, one.anonymous_id, one.person_id):
                raise ApiError(
                    403, "this key may only name the visitor and person of its own tokens"
                )
        accepted = await log_events(services, read, "/v1/events", own)
        if not accepted.accepted and read.bad:
            first = accepted.rejected[0]
            hint = next((f"; {one.reason}" for one in (*own, *read.notices)), "")
            raise ApiError(422, f"no event can be used; event {first.index}: {first.reason}{hint}")
        return _json(accepted, 202)

    @post(
        [f"/v1/decisions/{{decision_id:str}}/{one}" for one in REACTIONS],
        status_code=202,
    )
    async def reaction(request: Asked, decision_id: FromPath[str]) -> Answered:
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
        event = reaction_event(services, decision_id, what, given, caller, _now_ms())
        if not services.access.may_speak_for(caller, event.anonymous_id, event.person_id):
            raise ApiError(403, "this key may only name the visitor of its own token")
        read = ReadEvents([event], [], Notices())
        return _json(await log_events(services, read, "/v1/decisions", own), 202)

    @post("/v1/sessions", status_code=201)
    async def sessions(request: Asked) -> Answered:
        caller = caller_of(services, request)
        if not services.access.may(caller, "events:write"):
            raise ApiError(403, "this key may not write events")
        body = await body_of(request)
        is_strict, own = flag_in_query(request, "strict"), Notices()
        value: object = decoded(ANYTHING, body) if body else {}
        given = read_request(SessionIn, value, own, is_strict=is_strict)
        check(services.measures, services.door.session(caller, visit_of(request).address))
        made = services.access.new_session(given.token)
        told = warnings_of(own)
        return _json(SessionOut(made.session_id, made.anonymous_id, made.token, told), 201)

    return [events, reaction, sessions]


def catalogue_handlers(services: Services) -> list[HTTPRouteHandler]:
    """The catalogue."""

    @get("/v1/items")
    async def items(request: Asked) -> Answered:
        caller_of(services, request)
        is_strict, own = flag_in_query(request, "strict"), Notices()
        read_names(dict(request.query_params.items()), ITEMS_QUERY, own, is_strict=is_strict)
        limit = number_in_query(request, "limit", 50, 1, ITEMS_PER_PAGE_MAX)
        offset = number_in_query(request, "offset", 0, 0, 10**9)
        category = text_in_query(request, "category", STRING_LENGTH_MAX)
        query = text_in_query(request, "q", STRING_LENGTH_MAX)
        exact = texts_in_query(request, "id", IDS_LENGTH_MAX)
        listed = texts_in_query(request, "ids", IDS_LENGTH_MAX)
        snapshot = services.knowledge.snapshot
        ids = ids_asked(snapshot, exact, listed)
        found = await asyncio.to_thread(find_items, snapshot, category, query, ids, offset, limit)
        return _json(msgspec.structs.replace(found, warnings=warnings_of(own)))

    @get("/v1/items/{item_id:str}")
    async def item(request: Asked, item_id: FromPath[str]) -> Answered:
        caller_of(services, request)
        item_id = id_in_path(item_id, "an item id")
        found = services.knowledge.item_at(item_id, _now_ms())
        if found is None or found.is_gone:
            raise ApiError(404, f"the catalogue has no item {item_id!r}")
        return _json(item_out(found))

    @get("/v1/catalogue/categories")
    async def categories(request: Asked) -> Answered:
        caller_of(services, request)
        return _json(categories_of(services.knowledge.snapshot))

    return [items, item, categories]


def state_handlers(services: Services) -> list[HTTPRouteHandler]:
    """Whether it works, and how well."""

    @get("/healthz")
    async def healthz() -> Answered:
        return Response(b'{"is_alive":true}', media_type=JSON)

    @get("/readyz")
    async def readyz() -> Answered:
        found = await readiness(services)
        return _json(found, 200 if found.is_ready else 503)

    @get("/metrics", media_type=MediaType.TEXT)
    async def metrics(request: Asked) -> Response[str]:
        caller = caller_of(services, request)
        if caller.is_browser or not services.access.may(caller, "decisions:read"):
            raise ApiError(403, "this key may not read")
        return Response(services.measures.text(), media_type="text/plain; version=0.0.4")

    return [healthz, readyz, metrics]


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


async def readiness(services: Services) -> Readiness:
    """What answers. With all of it down the API still answers, from the lower rungs."""
    kafka = services.decisions.is_connected and not services.log.is_down
    try:
        await services.store.recent(None, "readyz", ("readyz",), 0, READY_S)
        store = True
    except StoreUnavailable:
        store = False
    engine = await asyncio.to_thread(services.is_engine_up)
    knows = services.knowledge.is_current
    return Readiness(
        kafka and store and engine and knows, *map(_state, (kafka, store, engine, knows))
    )


# --- details ------------------------------------------------------------------------------------------


async def log_events(
    services: Services, read: ReadEvents, place: str, own: Notices | None = None
) -> Accepted:
    """Returns once Kafka has the events; those it has had from here already count as accepted.

    `own`: what there is to say of the request's own fields.
    """
    count = services.measures.count
    new = [one for one in read.events if not services.visitors.is_logged(one)]
    _see(services, new)
    try:
        if new:
            find = services.decisions.find_id
            is_page = any(one.is_unproven for one in new)
            await services.log.write([vouched(one, find) for one in new], is_page=is_page)
    except LogUnavailable as error:
        count("kairos_api_events_total", len(new), outcome="failed")
        raise ApiError(
            503, f"the events were not taken, send them again: {error}", retry_after_s=1
        ) from error
    for one in new:
        services.visitors.remember_logged(one)
    count("kairos_api_events_total", len(new), outcome="accepted")
    count("kairos_api_events_total", len(read.events) - len(new), outcome="repeated")
    _refuse(services, place, read)
    warnings = warnings_of(own or Notices(), read.notices)
    return Accepted(len(read.events), tuple(one.rejected for one in read.bad), warnings)


def _refuse(services: Services, place: str, read: ReadEvents) -> None:
    """Keeps what cannot be an event among the dead letters; the caller has been told in any case."""
    if not read.bad:
        return
    services.measures.count("kairos_api_events_total", len(read.bad), outcome="rejected")
    try:
        services.log.dead_letters(place, read.bad, _now_ms())
    except LogUnavailable:
        services.measures.count("kairos_api_events_total", len(read.bad), outcome="failed")


def _see(services: Services, events: Any) -> None:
    snapshot = services.knowledge.snapshot
    for event in events:
        item = snapshot.items.get(event.item_ids[0]) if event.item_ids else None
        services.visitors.see(event, (item.category or "") if item else "")


def _recommendations(found: AnsweredAsk, read: ReadEvents, own: Notices) -> Recommendations:
    answer = found.answers[0]
    return Recommendations(
        tuple(one.item_id for one in answer.items), answer.items, answer.decision_id,
        answer.source, answer.why, answer.explanation, answer.placement, answer.action_id,
        answer.versions, answer.valid_until_ms, tuple(one.rejected for one in read.bad),
        found.is_logged, warnings_of(own, read.notices),
    )  # fmt: skip


def _json(value: Any, status: int = 200) -> Answered:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)


def _state(is_up: bool) -> str:
    return "up" if is_up else "down"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
