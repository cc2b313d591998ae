"""The console's endpoints for policies that are not in force: drafts, and what was published for a time to come."""

from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.params import QueryParameter

from channels.api.audit_log import Actor
from channels.console.answering import change, show
from channels.console.desk import Asked
from channels.console.facts import Facts, Shown
from channels.console.policy_bodies import (
    ANNOUNCED,
    DRAFT_NAMED,
    DRAFT_TEXT,
    Announced,
    DraftNamed,
    DraftText,
)


@get("/api/drafts")
async def drafts(request: Asked) -> Response[Any]:
    """The drafts, the one saved last first."""
    return await show(request, "viewer", lambda facts: facts.drafts())


@get("/api/draft")
async def draft(
    request: Asked, name: Annotated[str, QueryParameter(min_length=1, max_length=100)]
) -> Response[Any]:
    """A draft with its text."""
    return await show(request, "viewer", lambda facts: facts.draft(name))


@get("/api/scheduled")
async def scheduled(request: Asked) -> Response[Any]:
    """What was published for a time to come."""
    return await show(request, "viewer", lambda facts: facts.scheduled())


@post("/api/drafts/save", status_code=200)
async def save_draft(request: Asked) -> Response[Any]:
    """Keeps a draft, with mistakes or without."""

    def made(facts: Facts, actor: Actor, given: DraftText) -> Shown:
        return facts.save_draft(actor, given)

    return await change(request, "marketer", DRAFT_TEXT, made)


@post("/api/drafts/delete", status_code=200)
async def delete_draft(request: Asked) -> Response[Any]:
    """Deletes a draft."""

    def made(facts: Facts, actor: Actor, given: DraftNamed) -> Shown:
        return facts.delete_draft(actor, given.name)

    return await change(request, "marketer", DRAFT_NAMED, made)


@post("/api/policy/take-back", status_code=200)
async def take_back_policy(request: Asked) -> Response[Any]:
    """Takes back what was published for a time to come."""

    def made(facts: Facts, actor: Actor, given: Announced) -> Shown:
        return facts.take_back_policy(actor, given)

    return await change(request, "marketer", ANNOUNCED, made)


DRAFT_HANDLERS: Final = [drafts, draft, scheduled, save_draft, delete_draft, take_back_policy]
