"""The OpenAPI document, made from the structs of `wire.py`: what stands there is what is checked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from channels.api import bodies as wire
from schemas import CODE_VERSION
from schemas.events import Event
from schemas.formats.field_names import EVENT_NAMES
from schemas.limits import ID_LENGTH_MAX, STRING_LENGTH_MAX

REF: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
ID: Final = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX}
COMPONENTS: Final = (
    wire.RecommendationsRequest, wire.Recommendations, wire.DecisionsRequest, wire.DecisionsAnswer,
    wire.Answer, wire.ReactionIn, wire.Accepted, wire.SessionIn, wire.SessionOut, wire.ItemOut, wire.ItemsOut,
    wire.CategoriesOut, wire.Problem, wire.Readiness, Event,
)  # fmt: skip
PROBLEMS: Final = {
    400: "The request cannot be used; `detail` names the field at fault.",
    401: "No key, an unknown one, or a token that is no good.",
    403: "The key may not do this.",
    404: "There is no such thing.",
    408: "The body took too long.",
    413: "The body, or the number of events in it, is too large.",
    422: "No event of the request can be used.",
    429: "The key, the address or the session asks or sends too much; `Retry-After` says when again. None of the events was taken.",
    503: "Not now; `Retry-After` says when again.",
}


TOO_LARGE_HEAD: Final = {"431": {"description": "Address and headers are too large."}}


class Endpoint(NamedTuple):
    """One operation. `body` and `answer` name components; `problems` are the statuses beside `status`."""

    method: str
    path: str
    summary: str
    status: int
    answer: str | None
    problems: tuple[int, ...]
    body: str | None = None
    is_body_required: bool = True
    parameters: tuple[dict[str, Any], ...] = ()
    is_open: bool = False
    media_type: str = JSON


def _query(name: str, schema: Mapping[str, Any], meaning: str) -> dict[str, Any]:
    return {
        "name": name, "in": "query", "required": False, "description": meaning, "schema": schema,
    }  # fmt: skip


def _in_path(name: str, meaning: str, pattern: str | None = None) -> dict[str, Any]:
    schema = {**ID, "pattern": pattern} if pattern else ID
    return {
        "name": name, "in": "path", "required": True, "description": meaning, "schema": schema,
    }  # fmt: skip


DECISION_ID: Final = _in_path("decision_id", "As the answer gave it", wire.DECISION_ID_PATTERN)
TEXT: Final = {"type": "string", "maxLength": STRING_LENGTH_MAX}
STRICT: Final = _query(
    "strict", {"type": "boolean"}, "true: what would be ignored with a warning is refused instead"
)
WITH_BODY: Final = (400, 401, 403, 408, 413, 429)
PLAIN: Final = (400, 401, 403, 429)

ENDPOINTS: Final = (
    Endpoint(
        "post", "/api/recommendations", "Products for a session, best first", 200, "Recommendations",
        (*WITH_BODY, 404), "RecommendationsRequest", parameters=(STRICT,),
    ),
    Endpoint(
        "post", "/v1/decisions", "What to show in some placements, or in which order", 200, "DecisionsAnswer",
        (*WITH_BODY, 404), "DecisionsRequest", parameters=(STRICT,),
    ),
    Endpoint(
        "get", "/v1/decisions/{person}/{placement}", "What is decided for a person", 200, "Answer",
        (*PLAIN, 404),
        parameters=(_in_path("person", "The person, or an anonymous id"), _in_path("placement", "As the policy names it")),
    ),
    Endpoint(
        "post", "/v1/events", "Events, one or many; answered once Kafka has them", 202, "Accepted",
        (*WITH_BODY, 422, 503), "Events", parameters=(STRICT,),
    ),
    *(
        Endpoint(
            "post", f"/v1/decisions/{{decision_id}}/{one}", f"The decision was {one}", 202, "Accepted",
            (*WITH_BODY, 503), "ReactionIn", parameters=(DECISION_ID, STRICT),
        )
        for one in ("exposed", "clicked", "dismissed")
    ),
    Endpoint(
        "post", "/v1/sessions", "A session of our making, with the token that opens it", 201, "SessionOut",
        WITH_BODY, "SessionIn", is_body_required=False, parameters=(STRICT,),
    ),
    Endpoint(
        "get", "/v1/stream", "Decisions of a session as they are made (server-sent events)", 200, None,
        (*PLAIN, 503), media_type="text/event-stream",
        parameters=(_query("session_id", ID, "The session; without it, the token's"),),
    ),
    Endpoint(
        "get", "/v1/explain/{decision_id}", "How a decision came about", 200, None,
        (*PLAIN, 404, 503),
        parameters=(
            DECISION_ID,
            _query(
                "event_time_ms", {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]},
                "Where it is known (epoch milliseconds or ISO 8601): older ones are found by it",
            ),
        ),
    ),
    Endpoint(
        "get", "/v1/items", "Items of the catalogue", 200, "ItemsOut", PLAIN,
        parameters=(
            _query("category", TEXT, "A category; those below it belong to it"),
            _query("q", TEXT, "Words that must all be in name, brand, category or tags"),
            _query(
                "id", {"type": "array", "items": {"type": "string", "maxLength": ID_LENGTH_MAX}},
                "An id, whatever is in it; `id=a&id=b` for several",
            ),
            _query(
                "ids", {"type": "string", "maxLength": wire.IDS_LENGTH_MAX},
                "Ids, with commas between them; ids that have commas themselves are for `id`",
            ),
            _query("offset", {"type": "integer", "minimum": 0, "maximum": 10**9}, "Leave out so many"),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": wire.ITEMS_PER_PAGE_MAX}, "At most so many"),
            STRICT,
        ),
    ),
    Endpoint(
        "get", "/v1/items/{item_id}", "One item of the catalogue", 200, "ItemOut", (*PLAIN, 404),
        parameters=(_in_path("item_id", "Its id"),),
    ),
    Endpoint("get", "/v1/catalogue/categories", "All categories", 200, "CategoriesOut", (401, 403, 429)),
    Endpoint("get", "/healthz", "Whether the process is alive", 200, None, (403, 429), is_open=True),
    Endpoint("get", "/readyz", "Whether Kafka, store and engine answer (503: not all of them)", 200, "Readiness", (403, 429, 503), is_open=True),
    Endpoint("get", "/metrics", "Counts and latencies, as Prometheus reads them", 200, None, (401, 403, 429), media_type="text/plain"),
)  # fmt: skip


def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for one in ENDPOINTS:
        paths.setdefault(one.path, {})[one.method] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kairos Decision API",
            "version": CODE_VERSION,
            "description": (
                "The next best action for every channel. Each answer says which rung of the ladder it is "
                "from (`source`: fresh, recent, trending, default) and `why`."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": one.summary,
        "operationId": f"{one.method}{one.path}".replace("{", "")
        .replace("}", "")
        .replace("/", "_"),
        "responses": {str(one.status): _response(one)} | _problems(one) | TOO_LARGE_HEAD,
    }
    if one.parameters:
        operation["parameters"] = list(one.parameters)
    if one.body:
        media_types: Sequence[str] = (JSON, "text/plain") if one.body == "Events" else (JSON,)
        schema = {"$ref": REF.format(name=one.body)}
        operation["requestBody"] = {
            "required": one.is_body_required,
            "content": {media_type: {"schema": schema} for media_type in media_types},
        }
    if one.is_open:
        operation["security"] = []
    return operation


def _response(one: Endpoint) -> dict[str, Any]:
    if one.answer:
        schema: dict[str, Any] = {"$ref": REF.format(name=one.answer)}
    else:
        schema = {"type": "object"} if one.media_type == JSON else {"type": "string"}
    return {"description": one.summary, "content": {one.media_type: {"schema": schema}}}


def _problems(one: Endpoint) -> dict[str, Any]:
    found = {}
    for status in sorted(one.problems):
        content: dict[str, Any] = {
            "application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}
        }
        if one.answer == "Readiness" and status == 503:
            content = {JSON: {"schema": {"$ref": REF.format(name="Readiness")}}}
        found[str(status)] = {"description": PROBLEMS[status], "content": content}
    return found


def _or_rejected(name: str) -> dict[str, Any]:
    """One bad event does not spoil a batch: it is named in the answer, and the others are taken."""
    return {
        "anyOf": [{"$ref": REF.format(name=name)}, {}],
        "description": "What is no event, whatever it is, is rejected, with its place and the reason.",
    }


def _event(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An event as senders may write it: what it leaves out is filled in, and some fields have other names, too."""
    own = schema["properties"]
    scalar = {"type": ["string", "number", "boolean", "null"]}
    number = {"type": "integer", "minimum": 0}
    read = {
        "event_time_ms": {"anyOf": [own["event_time_ms"], {"type": "string", "description": "ISO 8601"}]},
        "item_ids": {**own["item_ids"], "items": {"anyOf": [own["item_ids"]["items"], number]}},
        "value": scalar,
        "properties": {**own["properties"], "additionalProperties": scalar},
    }  # fmt: skip
    aliases = {
        name: {"description": f"Read as `{field}`, where that is absent"}
        for name, field in EVENT_NAMES.aliases.items()
    }
    return {
        **schema,
        "properties": own | read | aliases,
        "required": [],
        "anyOf": [{"required": ["event_type"]}, {"required": ["event"]}],
        "description": (
            "What a person did. Only `event_type` is needed with a session's token; without one, `session_id`, too. "
            "An id is made of what the event says, its time is now, its visitor that of the session."
        ),
    }


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(COMPONENTS, ref_template=REF)
    event, some_event = _event(schemas["Event"]), _or_rejected("Event")
    asking = dict(schemas["RecommendationsRequest"])
    decisions = dict(schemas["DecisionsRequest"])
    for one, name in ((asking, "events_in_session"), (decisions, "events")):
        lists = one["properties"][name] | {"items": some_event}
        one["properties"] = one["properties"] | {name: lists}
    many = {
        "type": "array", "items": some_event,
        "minItems": 1, "maxItems": wire.EVENTS_PER_REQUEST_MAX,
    }  # fmt: skip
    auth = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("key", "session", "person")},
        "description": "Key and tokens of a beacon, which has no headers.",
    }
    batch = {
        "type": "object", "required": ["events"], "properties": {"events": many, "auth": auth},
    }  # fmt: skip
    events = {"anyOf": [{"$ref": REF.format(name="Event")}, batch, many]}
    schemas = {**schemas, "RecommendationsRequest": asking, "DecisionsRequest": decisions}
    return {**schemas, "Event": event, "Events": events}
