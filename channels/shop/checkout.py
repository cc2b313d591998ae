"""The demo shop's own checkout: its server says what was bought, with its own key, which no page ever sees."""

import time
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, post
from msgspec import Meta, Struct

from channels.api.access import Caller, Forbidden, Unauthorized
from channels.api.log_events import log_events
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents, hashed
from channels.api.requests import body_of, caller_of, decoded, may_write, take_events
from channels.api.services import Services
from schemas.errors import ConfigError
from schemas.events import Consent, Context, Event, Id, Text
from schemas.formats.field_names import Notices
from schemas.items import Item
from schemas.limits import ITEMS_PER_EVENT_MAX

QUANTITY_MAX: Final = 100
CURRENCY: Final = "EUR"

Ask = Request[Any, Any, Any]


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """So many of an item."""

    item_id: Id
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """A cart that is bought. Prices are the catalogue's; sent twice, it counts once."""

    order_id: Id
    session_id: Id
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=ITEMS_PER_EVENT_MAX)]
    anonymous_id: Id | None = None
    person_id: Id | None = None
    consent: Consent | None = None
    context: Context | None = None
    page: Text | None = None


ORDER: Final = msgspec.json.Decoder(Order)


def checkout_router(services: Services) -> Router:
    """POST /shop/orders."""

    @post("/shop/orders", status_code=202)
    async def checkout(request: Ask) -> Response[bytes]:
        visitor = caller_of(services, request)
        body = await body_of(request)
        order = decoded(ORDER, body)
        take_events(services, request, visitor, {order.session_id: 1}, len(body))
        may_write(services, visitor, order.session_id)
        check_shop(services)
        event = purchase(services, visitor, order, time.time_ns() // 1_000_000)
        if not services.access.may_speak_for(visitor, event.anonymous_id, event.person_id):
            raise ApiError(403, "this key may only name the visitor and person of its own tokens")
        accepted = await log_events(services, ReadEvents([event], [], Notices()), "/shop/orders")
        return Response(
            msgspec.json.encode(accepted), status_code=202, media_type="application/json"
        )

    return Router("/", route_handlers=[checkout])


def check_shop(services: Services) -> None:
    """Raises ApiError 503 where the shop's server has no right to say what was bought."""
    if services.access.is_open:
        return
    try:
        shop = services.access.caller(f"Bearer {services.shop_key}")
    except (Unauthorized, Forbidden):
        shop = Caller("nobody", frozenset())
    if shop.is_visitor or not services.access.may(shop, "events:write"):
        raise ApiError(503, "the shop has no server's key: KAIROS_SHOP_KEY_FILE names its file")


def purchase(services: Services, visitor: Caller, order: Order, now_ms: int) -> Event:
    """What was bought, as the shop's server knows it; raises ApiError 422 where the catalogue does not have it."""
    items = [_item(services, line, now_ms) for line in order.lines]
    known = services.visitors.anonymous_id_of(order.session_id)
    prices = [item.price or 0.0 for item in items]
    total = sum(price * line.quantity for price, line in zip(prices, order.lines, strict=True))
    return Event(
        event_id=hashed("order", order.session_id, order.order_id),
        event_type="purchase_completed",
        event_time_ms=now_ms,
        session_id=order.session_id,
        anonymous_id=visitor.anonymous_id or order.anonymous_id or known or order.session_id,
        person_id=order.person_id or visitor.person,
        channel="web",
        page=order.page,
        item_ids=tuple(item.item_id for item in items),
        quantity=sum(line.quantity for line in order.lines),
        price=items[0].price if len(items) == 1 else None,
        currency=CURRENCY,
        value_amount=round(total, 2),
        consent=order.consent,
        context=order.context,
        sent_at_ms=now_ms,
    )


def _item(services: Services, line: Line, now_ms: int) -> Item:
    found = services.knowledge.item_at(line.item_id, now_ms)
    if found is None or found.is_gone:
        raise ApiError(422, f"the shop has no {line.item_id!r}")
    return found


def read_shop_key(text: str) -> str:
    """The key in a file's text; raises ConfigError where it is none."""
    key = text.strip()
    if not key or any(one.isspace() for one in key):
        raise ConfigError("the file that KAIROS_SHOP_KEY_FILE names holds no key")
    return key
