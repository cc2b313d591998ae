"""Rates as they stand on `control`, and which prices of items they leave out."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from jobs.config import Config
from jobs.learning.trust import keys_of
from jobs.publish import now_ms
from log.kafka import read_to_end
from schemas.counted import counted
from schemas.currencies import RATES, Rates, rates_from_payload
from schemas.errors import ConfigError
from schemas.items import Item
from schemas.topics import CONTROL
from scripts.change import controls_in, in_force


class RatesVersion(NamedTuple):
    """Rates, and from when on they hold."""

    effective_from_ms: int
    offset: int
    version: str
    rates: Rates


def versions_in(config: Config, kafka: str) -> list[RatesVersion]:
    """All rates that were published and are taken, in the order in which they come into force."""
    found = []
    records = read_to_end(kafka, [config.topic_prefix + CONTROL])
    for record, control in controls_in(records, keys_of(config)):
        if control.kind == RATES:
            try:
                rates = rates_from_payload(control.payload or b"")
            except ConfigError:
                continue  # the jobs count and name it
            found.append(RatesVersion(control.effective_from_ms, record.offset, control.version, rates))  # fmt: skip
    return sorted(found, key=lambda one: one[:2])


def lines_of(config: Config, kafka: str, items: Iterable[Item]) -> list[str]:
    """What there is to say of the items' currencies now; nothing where all can be compared."""
    priced = [one for one in items if one.price is not None and one.currency]
    if not priced:
        return []
    live = in_force(versions_in(config, kafka), now_ms())
    return mixed_lines(priced) if live is None else missing_lines(priced, live.rates)


def without_rate(items: Iterable[Item], rates: Rates) -> Counter[str]:
    """How many items have a price in a currency that has no rate, by currency."""
    return Counter(
        item.currency or ""
        for item in items
        if item.price is not None and rates.in_base(item.price, item.currency) is None
    )


def missing_lines(items: Iterable[Item], rates: Rates) -> list[str]:
    """One line for each currency of the catalogue without a rate."""
    return [
        f"{counted(number, 'item')} in {currency}, which has no rate: their prices count as missing"
        for currency, number in sorted(without_rate(items, rates).items())
    ]


def mixed_lines(items: Iterable[Item]) -> list[str]:
    """A line where prices are in several currencies and nothing says what these are worth."""
    found = sorted({one.currency for one in items if one.price is not None and one.currency})
    if len(found) < 2:
        return []
    return [f"prices are in {', '.join(found)}, and compared as if these were one: `kairos rates set` says what they are worth"]  # fmt: skip
