"""The OpenAPI document, made by Litestar from the endpoints; what is in their bodies is told by msgspec, which reads them.

Litestar's own reading of structs loses the bounds of what is in lists, bounds of 0 and docstrings, and says that exactly
one of two kinds is meant where both can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition
from msgspec import Struct

from channels.api import bodies
from channels.api.declaring import GROUPS, REF
from channels.api.routes import ENDPOINTS
from schemas import CODE_VERSION
from schemas.events import Event
from schemas.formats.field_names import EVENT_NAMES

DESCRIPTION: Final = (
    "The next best action for every channel. Each answer says which rung of the ladder it is "
    "from (`source`: fresh, recent, trending, default) and `why`. The examples run as they stand on the "
    "demo shop (`kairos demo`, or `kairos up --shop`), from the first to the last."
)
STRUCTS: Final = tuple(
    one
    for one in vars(bodies).values()
    if isinstance(one, type) and issubclass(one, Struct) and one.__module__ == bodies.__name__
)
"""All that goes over HTTP. What is in them comes with them."""


@dataclass
class Told(Components):
    """The components, with structs as msgspec describes them."""

    def to_schema(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**super().to_schema(), "schemas": _schemas()}


@cache
def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1.

    The application that it is made with answers nobody: with the document switched on, Litestar would serve pages that
    load from elsewhere, and refuse in HTML.
    """
    key = SecurityScheme(type="http", scheme="bearer")
    config = OpenAPIConfig(
        title="Kairos Decision API",
        version=CODE_VERSION,
        description=DESCRIPTION,
        components=Told(security_schemes={"key": key}),
        security=[{"key": []}, {}],
        tags=[Tag(name, meaning) for name, meaning in GROUPS.items()],
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
    )
    app = Litestar(ENDPOINTS, openapi_config=config, logging_config=None)
    return app.openapi_schema.to_schema()


def operation_id(
    _: HTTPRouteHandler, method: Method, path: list[str | PathParameterDefinition]
) -> str:
    """The method and the path, as generated clients call it."""
    return "_".join([method.lower(), *(one if isinstance(one, str) else one.name for one in path)])


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
    _, schemas = msgspec.json.schema_components((*STRUCTS, Event), ref_template=REF)
    event, some_event = _event(schemas["Event"]), _or_rejected("Event")
    asking = dict(schemas["RecommendationsRequest"])
    decisions = dict(schemas["DecisionsRequest"])
    for one, name in ((asking, "events_in_session"), (decisions, "events")):
        lists = one["properties"][name] | {"items": some_event}
        one["properties"] = one["properties"] | {name: lists}
    many = {
        "type": "array", "items": some_event,
        "minItems": 1, "maxItems": bodies.EVENTS_PER_REQUEST_MAX,
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
