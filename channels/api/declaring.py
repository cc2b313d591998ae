"""What an endpoint declares for the document that Litestar cannot see in its signature.

Bodies and queries are read by us: what is wrong in an event costs that event, and what is wrong elsewhere is named
in our words. So they are described here and not parsed by Litestar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.params import PathParameter

from channels.api.bodies import DECISION_ID_PATTERN, Problem
from channels.api.examples import DECISION, ITEM, PERSON, PLACEMENT
from channels.api.problems import PROBLEM_JSON
from channels.api.requests import FLAGS
from schemas.limits import ID_LENGTH_MAX

DECIDE: Final = "Decide"
TELL: Final = "Tell what happened"
LOOK: Final = "Follow and explain"
CATALOGUE: Final = "Catalogue"
HEALTH: Final = "Health"
GROUPS: Final = {
    DECIDE: "What to show, where, to whom.",
    TELL: "Events; and that a decision was shown, clicked or closed, without which nothing is learnt of it.",
    LOOK: "Decisions as they are made, and why they are what they are.",
    CATALOGUE: "The items that there are now.",
    HEALTH: "For whoever runs it.",
}
"""What the page groups the endpoints by, in its order."""
REF: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
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
WITH_BODY: Final = (400, 401, 403, 408, 413, 429)
PLAIN: Final = (400, 401, 403, 429)


def _id_like(example: str) -> dict[str, object]:
    """The schema of an id, with one."""
    return {"min_length": 1, "max_length": ID_LENGTH_MAX, "example": example}


Responses = dict[int, ResponseSpec]
Person = Annotated[
    str,
    PathParameter(description="The person, or an anonymous id", schema_extra=_id_like(PERSON)),
]
Placement = Annotated[
    str, PathParameter(description="As the policy names it", schema_extra=_id_like(PLACEMENT))
]
ItemId = Annotated[str, PathParameter(description="Its id", schema_extra=_id_like(ITEM))]
DecisionId = Annotated[
    str,
    PathParameter(
        description="As the answer gave it",
        schema_extra={**_id_like(DECISION), "pattern": DECISION_ID_PATTERN},
    ),
]


def problems(*statuses: int) -> Responses:
    """What is answered where it cannot be done, by status: as RFC 9457 has it."""
    found = {
        status: ResponseSpec(Problem, False, PROBLEMS[status], PROBLEM_JSON)
        for status in sorted(statuses)
    }
    too_large = ResponseSpec(None, False, "Address and headers are too large.")
    return {**found, 431: too_large}


def query(name: str, schema: Schema, meaning: str, example: object = None) -> Parameter:
    """A part of the query that may be left out; one with an `example` is filled in on the page."""
    return Parameter(
        name=name, param_in="query", schema=schema, description=meaning, example=example
    )


def text(length_max: int, length_min: int | None = None) -> Schema:
    """A text of bounded length."""
    return Schema(type=OpenAPIType.STRING, min_length=length_min, max_length=length_max)


def number(low: int, high: int | None = None) -> Schema:
    """A whole number within bounds."""
    return Schema(type=OpenAPIType.INTEGER, minimum=low, maximum=high)


BOOLEANS: Final = frozenset({"true", "false"})
STRICT: Final = query(
    "strict",
    Schema(
        any_of=[
            Schema(type=OpenAPIType.BOOLEAN),
            Schema(type=OpenAPIType.STRING, enum=sorted(FLAGS.keys() - BOOLEANS)),
        ]
    ),
    "true (or 1, or nothing but the name): what would be ignored with a warning is refused instead",
)


def taking(
    body: str = "",
    asked: Sequence[Parameter] = (),
    *,
    examples: Mapping[str, object] = {},
    media_types: Sequence[str] = (JSON,),
    is_body_required: bool = True,
    is_open: bool = False,
) -> type[Operation]:
    """The kind of operation that takes this body (a component's name; `examples` of it by name) and these parts of the query.

    `is_open`: it asks for no key.
    """
    shown: dict[str, Example | Reference] = {
        name: Example(summary=name, value=value) for name, value in examples.items()
    }
    taken = OpenAPIMediaType(schema=Reference(REF.format(name=body)), examples=shown)

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or ()), *asked] or None
            if body:
                self.request_body = RequestBody(
                    dict.fromkeys(media_types, taken), required=is_body_required
                )
            if is_open:
                self.security = []

    return Taking
