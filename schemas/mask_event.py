"""An event without the e-mail addresses, phone numbers and cards in its free text; its ids stay as the sender chose them."""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from schemas.events import Context, Event
from schemas.mask_text import ADDRESS, mask_text

ID_NAMES: Final = ("_id", "_ids")
"""Properties that end so hold ids."""
ADDRESS_NAMES: Final = frozenset(
    {"ip", "IP", "ip_address", "ipAddress", "client_ip", "clientIp", "remote_addr", "remoteAddr", "remote_address"}
)  # fmt: skip
"""Properties that hold the address of a machine."""


def masked(event: Event) -> Event:
    """The event with `page`, `query`, `value`, names and values of `properties`, referrer and campaign masked, and addresses of machines
    in properties that are called so; the same object where
    there is nothing to mask. Ids are never touched, nor properties that hold them.
    """
    page, query, value = _text(event.page), _text(event.query), _text(event.value)
    properties = _properties(event.properties) if event.properties else event.properties
    context = _context(event.context) if event.context is not None else None
    if (
        page is event.page
        and query is event.query
        and value is event.value
        and properties is event.properties
        and context is event.context
    ):
        return event
    return replace(
        event, page=page, query=query, value=value, properties=properties, context=context
    )


def _text(text: str | None) -> str | None:
    return mask_text(text) if text else text


def _properties(given: dict[str, str]) -> dict[str, str]:
    found = {_name(name): _property(name, value) for name, value in given.items()}
    return given if found == given else found


@lru_cache(maxsize=1_024)
def _name(name: str) -> str:
    """The same few come with every event."""
    return mask_text(name)


def _property(name: str, value: str) -> str:
    if name in ADDRESS_NAMES and value:
        return ADDRESS
    return value if name.endswith(ID_NAMES) else mask_text(value)


def _context(given: Context) -> Context:
    referrer, campaign = _text(given.referrer), _text(given.campaign)
    if referrer is given.referrer and campaign is given.campaign:
        return given
    return replace(given, referrer=referrer, campaign=campaign)
