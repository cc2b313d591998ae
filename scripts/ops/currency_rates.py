"""`kairos rates`: what currencies are worth, put on `control` and shown."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from jobs.config import Config
from jobs.learning.trust import signer_of
from jobs.publish import AHEAD_MS, Log, now_ms
from schemas.currencies import Rates, control_of, rates_from_payload
from schemas.errors import ConfigError
from schemas.numbers import number_in
from schemas.signed_control import content_hash
from scripts.change import in_force, put_in_force, show_change
from scripts.console import say, show, show_json, show_table
from scripts.files.items_here import items_in_force
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.rates_on_control import (
    RatesVersion,
    missing_lines,
    mixed_lines,
    versions_in,
    without_rate,
)
from scripts.ops.status import running_kafka
from scripts.times import utc

VERSION_CHARS: Final = 12


def rates_of(said: Sequence[str]) -> Rates:
    """What `EUR=1 USD=1.08` says: the one that is 1 comes first and is the base. Raises ConfigError."""
    worth: dict[str, float] = {}
    for one in said:
        code, mark, text = one.partition("=")
        number = number_in(text.strip())
        code = code.strip().upper()
        if not mark or number is None or code in worth:
            raise ConfigError(f"{one!r}: each currency once is wanted, as USD=1.08")
        worth[code] = number
    base, one_of_it = next(iter(worth.items()), ("", 0.0))
    if one_of_it != 1:
        raise ConfigError("the currency that all are compared in comes first, and is 1: EUR=1 USD=1.08")  # fmt: skip
    del worth[base]
    return rates_from_payload(msgspec.json.encode({"base": base, "per_base": worth}))


def set_rates(config: Config, said: Sequence[str], from_ms: int | None, *, is_json: bool) -> None:
    """Puts rates in force, all of them at once; raises ConfigError."""
    rates = rates_of(said)
    sign, kafka = signer_of(config), running_kafka(config)
    version = sha256(msgspec.json.encode(rates)).hexdigest()[:VERSION_CHARS]
    control = control_of(rates, version, now_ms() + AHEAD_MS if from_ms is None else from_ms)
    versions = versions_in(config, kafka)
    details = {"version": version, "rates": " ".join(said), "record": content_hash(control)}
    with audit_log_of(config).recording(local_actor(), "rates set", details):
        log = Log(kafka, config.topic_prefix, sign=sign)
        change = put_in_force(log, control, versions)
    if is_json:
        show_json(change._asdict())
    else:
        show_change("rates", change)
    before = in_force(versions, control.effective_from_ms)
    if before is not None and before.rates.base != rates.base:
        say(
            f"amounts that are kept in {before.rates.base} (carts, purchases, prices seen) count as if they were in {rates.base} from then on"
        )
    for line in missing_lines(items_in_force(kafka, config.topic_prefix), rates):
        say(line)


def show_rates(config: Config, *, is_json: bool) -> None:
    """What is in force and what comes, and which prices of the catalogue have no rate."""
    kafka = running_kafka(config)
    versions, at_ms = versions_in(config, kafka), now_ms()
    live = in_force(versions, at_ms)
    shown = [one for one in versions if one is live or one.effective_from_ms > at_ms]
    missing = without_rate(items_in_force(kafka, config.topic_prefix), live.rates) if live else Counter()  # fmt: skip
    if is_json:
        show_json({"versions": [_row(one, live) for one in shown], "items_without_rate": dict(missing)})  # fmt: skip
        return
    if not shown:
        show("there are no rates: amounts are compared as they stand, whatever their currency")
        for line in mixed_lines(items_in_force(kafka, config.topic_prefix)):
            say(line)
        return
    rows = [
        ("live" if one is live else "coming", one.version, utc(one.effective_from_ms), _said(one.rates))
        for one in shown
    ]  # fmt: skip
    show_table("", ("", "version", "in force from", "one unit of the first is worth"), rows)
    for line in (
        missing_lines(items_in_force(kafka, config.topic_prefix), live.rates) if live else ()
    ):
        say(line)


def _row(one: RatesVersion, live: RatesVersion | None) -> dict[str, object]:
    state = "live" if one is live else "coming"
    return {
        "state": state, "version": one.version, "effective_from_ms": one.effective_from_ms,
        "base": one.rates.base, "per_base": one.rates.per_base,
    }  # fmt: skip


def _said(rates: Rates) -> str:
    others = (f"{code}={worth:.15g}" for code, worth in rates.per_base.items())
    return " ".join((f"{rates.base}=1", *others))
