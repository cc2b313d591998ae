"""What to show: recommendations, decisions, and what is decided for a person."""

from typing import Final, get_args

from litestar import get, post

from channels.api.answers import Answered
from channels.api.app_state import Asked, state_of
from channels.api.bodies import (
    Answer,
    DecisionsAnswer,
    DecisionsRequest,
    Reaction,
    Recommendations,
    RecommendationsRequest,
)
from channels.api.declaring import (
    DECIDE,
    PLAIN,
    STRICT,
    WITH_BODY,
    Person,
    Placement,
    problems,
    taking,
)
from channels.api.event_of_request import decisions_asked, recommendations_asked
from channels.api.examples import DECISIONS, RECOMMENDED
from channels.api.log_events import put_aside, see
from channels.api.names import read_request, warnings_of
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents
from channels.api.requests import (
    ANYTHING,
    body_of,
    caller_of,
    decoded,
    flag_in_query,
    id_in_path,
    may_read,
    may_write,
    take_events,
)
from schemas.formats.field_names import Notices

REACTIONS: Final[tuple[Reaction, ...]] = get_args(Reaction)


@post(
    "/api/recommendations",
    status_code=200,
    tags=[DECIDE],
    summary="Products for a session, best first",
    responses=problems(*WITH_BODY, 404),
    operation_class=taking(
        "RecommendationsRequest", (STRICT,), examples={"an item was looked at": RECOMMENDED}
    ),
)
async def recommendations(request: Asked) -> Recommendations:
    """Of the events, those that are none are named in the answer; the others count."""
    services, answerer, _ = state_of(request)
    caller = caller_of(services, request)
    body = await body_of(request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    given = read_request(
        RecommendationsRequest,
        decoded(ANYTHING, body),
        own,
        services.whereabouts.places,
        is_strict=is_strict,
    )
    count = 1 + len(given.events_in_session)
    take_events(services, request, caller, {given.session_id: count}, len(body))
    may_write(services, caller, given.session_id)
    may_read(services, caller, given.session_id)
    came = services.whereabouts.came(caller, request)
    asked = await recommendations_asked(services, caller, given, came, is_strict=is_strict)
    see(services, asked.ask.events)
    answered = await answerer.answer(asked.ask)
    put_aside(services, "/api/recommendations", asked.read)
    return _recommendations(answered, asked.read, own)


@post(
    "/v1/decisions",
    status_code=200,
    tags=[DECIDE],
    summary="What to show in some placements, or in which order",
    responses=problems(*WITH_BODY, 404),
    operation_class=taking("DecisionsRequest", (STRICT,), examples=DECISIONS),
)
async def decisions(request: Asked) -> DecisionsAnswer:
    """One answer for each placement, in the order in which they were asked for."""
    services, answerer, _ = state_of(request)
    caller = caller_of(services, request)
    body = await body_of(request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    given = read_request(
        DecisionsRequest,
        decoded(ANYTHING, body),
        own,
        services.whereabouts.places,
        is_strict=is_strict,
    )
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
    came = services.whereabouts.came(caller, request)
    asked = await decisions_asked(services, caller, given, came, is_strict=is_strict)
    see(services, asked.ask.events)
    answered = await answerer.answer(asked.ask)
    put_aside(services, "/v1/decisions", asked.read)
    rejected = tuple(one.rejected for one in asked.read.bad)
    warnings = warnings_of(own, asked.read.notices)
    return DecisionsAnswer(answered.answers, rejected, answered.is_logged, warnings)


@get(
    "/v1/decisions/{person:str}/{placement:str}",
    tags=[DECIDE],
    summary="What is decided for a person",
    responses=problems(*PLAIN, 404),
)
async def decision(request: Asked, person: Person, placement: Placement) -> Answer:
    """Nothing is decided anew: it is the last valid decision, or what the lower rungs have."""
    return await _decided(request, person, placement)


@get([f"/v1/decisions/{{person:str}}/{one}" for one in REACTIONS], include_in_schema=False)
async def decision_there(request: Asked, person: Person) -> Answer:
    """Of a placement that is called as what becomes of a decision."""
    return await _decided(request, person, request.scope["path"].rpartition("/")[2])


async def _decided(request: Asked, person: str, placement: str) -> Answer:
    services, answerer, _ = state_of(request)
    caller = caller_of(services, request)
    person, placement = id_in_path(person, "a person"), id_in_path(placement, "a placement")
    if not services.access.may_read_person(caller, person):
        raise ApiError(403, "this key may not read decisions of this person")
    given = DecisionsRequest(placements=(placement,), person=person)
    asked = await decisions_asked(services, caller, given)
    return (await answerer.answer(asked.ask)).answers[0]


def _recommendations(found: Answered, read: ReadEvents, own: Notices) -> Recommendations:
    answer = found.answers[0]
    return Recommendations(
        tuple(one.item_id for one in answer.items), answer.items, answer.decision_id,
        answer.source, answer.why, answer.explanation, answer.placement, answer.action_id,
        answer.versions, answer.valid_until_ms, tuple(one.rejected for one in read.bad),
        found.is_logged, warnings_of(own, read.notices),
    )  # fmt: skip
