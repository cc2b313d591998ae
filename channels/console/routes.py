"""The console's endpoints: pages, what is shown, what may be changed and by whom; who signs in stands in `sign_in.py`."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from channels.api.access import Forbidden, Unauthorized
from channels.api.audit_log import Actor
from channels.console.answering import HEADERS, change, look, problem, show
from channels.console.desk import TOO_LATE, Asked
from channels.console.drafts import DRAFT_HANDLERS
from channels.console.facts import Facts, Shown
from channels.console.letters import LETTER_HANDLERS
from channels.console.offers import OFFER_HANDLERS
from channels.console.outcomes import OUTCOME_HANDLERS
from channels.console.policy_bodies import POLICY_TEXT, PolicyText, Version
from channels.console.sign_in import me, sign_in, sign_out
from schemas.errors import ConfigError

AUDIT_SHOWN: Final = 200
OFFSET_MAX: Final = 10**9

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = {
    "": ("index.html", "text/html"),
    "console.css": ("console.css", "text/css"),
    "console.js": ("console.js", "text/javascript"),
    "charts.js": ("charts.js", "text/javascript"),
    "drafts.js": ("drafts.js", "text/javascript"),
    "letters.js": ("letters.js", "text/javascript"),
    "offers.js": ("offers.js", "text/javascript"),
    "outcomes.js": ("outcomes.js", "text/javascript"),
    "outcome-charts.js": ("outcome-charts.js", "text/javascript"),
    "cards.js": ("cards.js", "text/javascript"),
    "today.js": ("today.js", "text/javascript"),
    "dom.js": ("dom.js", "text/javascript"),
    "views.js": ("views.js", "text/javascript"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
Looked = Annotated[str, QueryParameter(min_length=1, max_length=500)]


class Named(Struct, forbid_unknown_fields=True):
    """A version; empty = the one before the present one."""

    version: Version = ""


class NamedModel(Struct, forbid_unknown_fields=True):
    """A model; `force`: whatever speaks against it."""

    version: Version = ""
    force: bool = False


NAMED: Final = msgspec.json.Decoder(Named)
NAMED_MODEL: Final = msgspec.json.Decoder(NamedModel)


@get("/{name:str}")
async def page(name: FromPath[str]) -> Response[bytes]:
    """A file of the page."""
    if name not in PAGES:
        raise NotFoundException(f"there is no page {name!r}")
    return _file(name)


@get("/")
async def index() -> Response[bytes]:
    """The page."""
    return _file("")


@get("/api/live")
async def live(request: Asked) -> Response[Any]:
    """What happens now."""
    return await show(request, "viewer", lambda facts: facts.live())


@get("/api/traffic")
async def traffic(request: Asked) -> Response[Any]:
    """How many decisions, of which actions, and how long each hop takes."""
    return await show(request, "viewer", lambda facts: facts.traffic())


@get("/api/person")
async def person(request: Asked, named: Looked) -> Response[Any]:
    """What is known of a person or session."""
    return await look(request, "read person", lambda facts: facts.person(named), (named,))


@get("/api/limits")
async def limits(request: Asked, person: Looked) -> Response[Any]:
    """What a person has spent of each limited action."""
    return await look(request, "read limits", lambda facts: facts.limits(person), (person,))


@get("/api/recent")
async def recent(request: Asked) -> Response[Any]:
    """The newest decisions of all people."""
    return await look(request, "read newest decisions", lambda facts: facts.recent())


@get("/api/today")
async def today(request: Asked) -> Response[Any]:
    """What became of every action today."""
    return await show(request, "viewer", lambda facts: facts.today())


@get("/api/catalogue")
async def catalogue(
    request: Asked,
    words: Annotated[str, QueryParameter(max_length=500)] = "",
    offset: Annotated[int, QueryParameter(ge=0, le=OFFSET_MAX)] = 0,
) -> Response[Any]:
    """The items that hold these words."""
    return await show(request, "viewer", lambda facts: facts.catalogue(words, offset))


@get("/api/decision")
async def decision(request: Asked, decision_id: Looked) -> Response[Any]:
    """How a decision came about."""
    told = {"decision": decision_id}
    return await look(
        request, "read decision", lambda facts: facts.decision(decision_id), details=told
    )


@get("/api/why-not")
async def why_not(request: Asked, person: Looked, action: Looked) -> Response[Any]:
    """Why an action was not chosen for a person."""
    told = {"action": action}
    return await look(
        request, "read why not", lambda facts: facts.why_not(person, action), (person,), told
    )


@get("/api/policy")
async def policy(
    request: Asked,
    version: Annotated[str, QueryParameter(max_length=300)] = "",
) -> Response[Any]:
    """A policy: the one in force, or that of a version."""
    return await show(request, "viewer", lambda facts: facts.policy(version))


@get("/api/models")
async def models(request: Asked) -> Response[Any]:
    """The models that were published."""
    return await show(request, "viewer", lambda facts: {"models": facts.models()})


@get("/api/audit")
async def audit(request: Asked) -> Response[Any]:
    """The newest changes, and who made them."""
    return await show(request, "operator", lambda facts: facts.audit(AUDIT_SHOWN))


@post("/api/policy/check", status_code=200)
async def check(request: Asked) -> Response[Any]:
    """What would be wrong with a policy, and what it would change."""

    def made(facts: Facts, _: Actor, given: PolicyText) -> Shown:
        return facts.check(given.text)

    return await change(request, "marketer", POLICY_TEXT, made)


@post("/api/policy/what-if", status_code=200)
async def what_if(request: Asked) -> Response[Any]:
    """What a policy would have decided otherwise."""

    def made(facts: Facts, _: Actor, given: PolicyText) -> Shown:
        return facts.what_if(given.text)

    return await change(request, "marketer", POLICY_TEXT, made)


@post("/api/policy/publish", status_code=200)
async def publish(request: Asked) -> Response[Any]:
    """Puts a policy in force, at once or from a time on."""

    def made(facts: Facts, actor: Actor, given: PolicyText) -> Shown:
        return facts.publish_policy(actor, given)

    return await change(request, "marketer", POLICY_TEXT, made)


@post("/api/policy/rollback", status_code=200)
async def rollback(request: Asked) -> Response[Any]:
    """Puts an earlier policy in force again."""

    def made(facts: Facts, actor: Actor, given: Named) -> Shown:
        return facts.roll_back_policy(actor, given.version)

    return await change(request, "marketer", NAMED, made)


@post("/api/models/publish", status_code=200)
async def publish_model(request: Asked) -> Response[Any]:
    """Puts a model in force; 409 with what speaks against it where nobody forces it."""

    def made(facts: Facts, actor: Actor, given: NamedModel) -> Shown:
        return facts.publish_model(actor, given.version, is_forced=given.force)

    return await change(request, "operator", NAMED_MODEL, made)


@post("/api/models/rollback", status_code=200)
async def rollback_model(request: Asked) -> Response[Any]:
    """Puts the model before in force again."""

    def made(facts: Facts, actor: Actor, _: None) -> Shown:
        return facts.roll_back_model(actor)

    return await change(request, "operator", None, made)


HANDLERS: Final = [
    page, index,
    sign_in, sign_out, me,
    live, traffic, person, limits, recent, today, catalogue, decision, why_not, policy, models, audit,
    check, what_if, publish, rollback, publish_model, rollback_model, *LETTER_HANDLERS, *OFFER_HANDLERS,
    *DRAFT_HANDLERS, *OUTCOME_HANDLERS,
]  # fmt: skip


def console_router() -> Router:
    """Everything under /console; the Desk lies in the application's state."""
    return Router(
        path="/console",
        route_handlers=HANDLERS,
        response_headers=HEADERS,
        exception_handlers={
            Unauthorized: problem(401),
            Forbidden: problem(403),
            ConfigError: problem(503),
            TimeoutError: problem(503, TOO_LATE),
        },
        request_max_body_size=None,  # `body_of` bounds it
        include_in_schema=False,
    )


def _file(name: str) -> Response[bytes]:
    file, media_type = PAGES[name]
    return Response((STATIC / file).read_bytes(), media_type=media_type)
