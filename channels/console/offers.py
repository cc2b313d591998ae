"""The console's endpoints for offers by form: what there is, a look at one before it is published, publish, take back."""

from typing import Any, Final

from litestar import Response, get, post

from channels.api.audit_log import Actor
from channels.console.answering import change, show
from channels.console.desk import Asked
from channels.console.facts import Facts, Shown
from channels.console.offer_bodies import OFFER_BACK, OFFER_CHANGE, OfferBack, OfferChange


@get("/api/offers")
async def offers(request: Asked) -> Response[Any]:
    """The offers of the policy, and what a form may choose from."""
    return await show(request, "viewer", lambda facts: facts.offers())


@post("/api/offers/preview", status_code=200)
async def preview(request: Asked) -> Response[Any]:
    """How an offer would look and what would change; or what is wrong, by field."""

    def made(facts: Facts, _: Actor, given: OfferChange) -> Shown:
        return facts.preview_offer(given)

    return await change(request, "marketer", OFFER_CHANGE, made)


@post("/api/offers/reach", status_code=200)
async def reach(request: Asked) -> Response[Any]:
    """About how many people a day meet an offer, in a sentence."""

    def made(facts: Facts, _: Actor, given: OfferChange) -> Shown:
        return facts.reach_of_offer(given)

    return await change(request, "marketer", OFFER_CHANGE, made)


@post("/api/offers/what-if", status_code=200)
async def what_if_of_offer(request: Asked) -> Response[Any]:
    """What the policy with this offer would have decided otherwise."""

    def made(facts: Facts, _: Actor, given: OfferChange) -> Shown:
        return facts.what_if_of_offer(given)

    return await change(request, "marketer", OFFER_CHANGE, made)


@post("/api/offers/draft", status_code=200)
async def draft_offer(request: Asked) -> Response[Any]:
    """Keeps the policy with this offer as a draft."""

    def made(facts: Facts, actor: Actor, given: OfferChange) -> Shown:
        return facts.draft_offer(actor, given)

    return await change(request, "marketer", OFFER_CHANGE, made)


@post("/api/offers/publish", status_code=200)
async def publish_offer(request: Asked) -> Response[Any]:
    """Publishes the policy with this offer."""

    def made(facts: Facts, actor: Actor, given: OfferChange) -> Shown:
        return facts.publish_offer(actor, given)

    return await change(request, "marketer", OFFER_CHANGE, made)


@post("/api/offers/take-back", status_code=200)
async def take_back(request: Asked) -> Response[Any]:
    """Publishes the policy without this offer."""

    def made(facts: Facts, actor: Actor, given: OfferBack) -> Shown:
        return facts.take_back_offer(actor, given)

    return await change(request, "marketer", OFFER_BACK, made)


OFFER_HANDLERS: Final = [
    offers,
    preview,
    reach,
    what_if_of_offer,
    draft_offer,
    publish_offer,
    take_back,
]
