"""An event's amounts in the one currency that all are compared in, by the rates of its time: before anything is folded, decided or learnt.

Carts, purchases and prices touched are kept as they were worth then; where there are no rates nothing is converted.
"""

from typing import Final

from msgspec.structs import replace

from schemas.currencies import Rates
from schemas.events import Candidate, Event
from schemas.numbers import number_in
from udfs.knowledge.knowledge import Knowledge
from udfs.session.give_meaning import Meant

MISSING: Final = "amounts_without_rate"
ADDED: Final = "items_value"
"""The property with what was put into a cart, which is compared with the event's own amount (udfs/facts/cart.py)."""


def in_common_currency(meant: Meant, knowledge: Knowledge) -> Meant:
    """The same with its amounts in the common currency; of one without a rate they are missing, and that is counted."""
    event = meant.event
    rates = knowledge.catalogue.rates_at(event.event_time_ms)
    if rates is None or not _has_amounts(event):
        return meant
    currency = event.currency or _currency_of(event.item_ids[:1], event, knowledge)
    fields: dict[str, object] = {}
    if not rates.is_base(currency):
        fields = {
            name: rates.in_base(amount, currency)
            for name in ("price", "value_amount")
            if (amount := getattr(event, name)) is not None
        }
        if ADDED in event.properties:
            fields["properties"] = _with_added(event.properties, rates, currency)
    if event.candidates:
        fields["candidates"] = tuple(_priced(one, event, rates, knowledge) for one in event.candidates)  # fmt: skip
    if not fields:
        return meant
    found = replace(event, **fields)
    return Meant(found, meant.own_name, (*meant.counts, *[MISSING] * _has_lost(event, found)))


def _has_amounts(event: Event) -> bool:
    return bool(event.candidates) or event.price is not None or event.value_amount is not None


def _currency_of(item_ids: tuple[str, ...], event: Event, knowledge: Knowledge) -> str | None:
    """Of amounts that name none: their item's own."""
    for item_id in item_ids:
        item = knowledge.catalogue.as_written(item_id, event.event_time_ms)
        if item is not None:
            return item.currency
    return None


def _priced(one: Candidate, event: Event, rates: Rates, knowledge: Knowledge) -> Candidate:
    if one.price is None:
        return one
    currency = event.currency or _currency_of((one.item_id,), event, knowledge)
    return one if rates.is_base(currency) else replace(one, price=rates.in_base(one.price, currency))  # fmt: skip


def _with_added(properties: dict[str, str], rates: Rates, currency: str | None) -> dict[str, str]:
    said = number_in(properties[ADDED])
    added = None if said is None else rates.in_base(said, currency)
    left = {name: value for name, value in properties.items() if name != ADDED}
    return left if added is None else left | {ADDED: repr(added)}


def _has_lost(event: Event, found: Event) -> bool:
    """Whether an amount was said and is missing."""
    said = (event.price, event.value_amount, *(one.price for one in event.candidates))
    left = (found.price, found.value_amount, *(one.price for one in found.candidates))
    return any(a is not None and b is None for a, b in zip(said, left, strict=True))
