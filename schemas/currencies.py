"""Rates: what one unit of a currency is worth in others, from a time on; the payload of a Control of kind `rates`."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import AMOUNT_MAX, CURRENCIES_MAX, RATE_MAX, RATE_MIN
from schemas.thread_safe_types import prepared

RATES: Final = "rates"
"""The kind on `control`, and the name: there is one table of rates."""
Code = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", max_length=3)]
"""A currency by its code of ISO 4217."""
Worth = Annotated[float, Meta(ge=RATE_MIN, le=RATE_MAX)]


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    """`base` is the currency that all amounts are compared in; `per_base` how much of each other one it is worth: EUR, USD 1.08."""

    base: Code
    per_base: Annotated[dict[Code, Worth], Meta(max_length=CURRENCIES_MAX)] = {}

    def in_base(self, amount: float, currency: str | None) -> float | None:
        """The amount in `base`; None where its currency has no rate, or it would be beyond every amount. Without a currency it is in `base`."""
        code = self.base if currency is None else currency.strip().upper()
        if code == self.base:
            return amount
        worth = self.per_base.get(code)
        found = None if worth is None else amount / worth
        return found if found is not None and abs(found) <= AMOUNT_MAX else None

    def is_base(self, currency: str | None) -> bool:
        """Whether amounts in it stay as they are."""
        return currency is None or currency == self.base or currency.strip().upper() == self.base


prepared(Rates)


def rates_from_payload(payload: bytes) -> Rates:
    """The rates in a control record's payload (JSON); ConfigError names the field at fault."""
    try:
        return msgspec.json.decode(payload, type=Rates)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"rates: {error}") from error


def control_of(rates: Rates, version: str, effective_from_ms: int) -> Control:
    """The record that puts the rates in force."""
    return Control(RATES, RATES, version, effective_from_ms, msgspec.json.encode(rates))
