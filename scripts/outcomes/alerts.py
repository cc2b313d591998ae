"""`kairos kpi --alerts`: which of the newest hours were not as the same hours of past weeks, why, and to whom that is told."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from schemas.alerts import Alert, Cause, Off
from schemas.errors import ConfigError
from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.outcomes import Outcome
from scripts.console import complain, say, show, show_json, show_table
from scripts.exit_codes import passed
from udfs.outcomes.kpi_alerts import COOL_DOWN_HOURS, Alarms
from udfs.outcomes.kpi_hours import WEEKS, KpiHours
from udfs.outcomes.kpi_offs import WATCHED

SETTLED_MS: Final = 10 * MINUTE_MS
"""After its end an hour is judged once so much has passed: what is late is there by then."""
JUDGED_HOURS: Final = 24
SHOWN_MAX: Final = 50
Keep = Callable[[list[Alert]], list[Alert]]
"""Keeps alerts, and gives those that were not kept before."""
POST_S: Final = 5.0
POSTED_MAX: Final = 100
SAYS: Final = {one.name: one.says for one in WATCHED}


def find_alerts(
    outcomes: Iterable[Outcome], currency: str, now_ms: int | None, last: int = JUDGED_HOURS
) -> tuple[list[Alert], KpiHours]:
    """What there is to say of the `last` whole hours, in order of time. `now_ms` None: the time of the newest outcome, as of files."""
    hours = KpiHours(currency)
    for one in outcomes:
        hours.add(one)
    if hours.last < 0:
        return [], hours
    return judged(hours, settled(hours.newest_ms if now_ms is None else now_ms), last), hours


def judged(hours: KpiHours, until: int, last: int) -> list[Alert]:
    """Of the `last` hours before `until`. Hours before those are judged as well, so that what was told then cools down: from the same ones on whoever looks
    within a cool-down, so that what goes on for days is told in the same hours to all.
    """
    alarms = Alarms()
    begins = (until - 2 * last) // COOL_DOWN_HOURS * COOL_DOWN_HOURS
    found = [one for hour in range(begins, until) for one in alarms.judge(hours, hour)]
    return [one for one in found if one.hour >= until - last]


def settled(now_ms: int) -> int:
    """The hour after the newest that is whole and settled."""
    return (now_ms - SETTLED_MS) // HOUR_MS


def watch(hours: KpiHours, now_ms: int, keep: Keep, webhook: str | None) -> None:
    """What whoever reads outcomes anyway does beside it: judges, keeps, and posts what is new of the newest whole hour."""
    if hours.last >= 0:
        until = settled(now_ms)
        tell_new(keep(judged(hours, until, JUDGED_HOURS)), until - 1, webhook)


def run(
    outcomes: Iterable[Outcome],
    currency: str,
    now_ms: int | None,
    webhook: str | None,
    *,
    is_json: bool,
    keep: Keep = lambda found: found,
) -> int:
    """Prints them, keeps them, and posts those of the newest whole hour that are new; the exit code: 1 where one of those is bad news."""
    found, hours = find_alerts(outcomes, currency, now_ms)
    newest = settled(hours.newest_ms if now_ms is None else now_ms) - 1
    if is_json:
        show_json(
            {"alerts": [told(one) for one in found], "weeks": WEEKS, "cells_full": hours.cells_full}
        )
    else:
        _show(found)
    tell_new(keep(found), newest, webhook)
    return passed(not any(one.is_bad and one.hour >= newest for one in found))


def tell_new(new: list[Alert], newest: int, webhook: str | None) -> None:
    """Posts those of the `newest` whole hour; the older ones are no news any more."""
    fresh = [one for one in new if one.hour >= newest]
    if webhook is not None and fresh:
        post(webhook, fresh)


def _show(found: list[Alert]) -> None:
    if not found:
        show(
            f"The last {JUDGED_HOURS} hours were as the same hours of past weeks, as far as there are enough of them"
        )
        return
    for one in found[-SHOWN_MAX:]:
        show(in_words(one))
    rows = [
        (hour_of(one.hour), one.kpi, _cell(one.cell), f"{one.off.value:.5g}", f"{one.off.expected:.5g}", f"{one.off.errors:+.1f}",
         ", ".join(f"{value:.4g}" for value in one.past), _cause(one.cause))
        for one in found[-SHOWN_MAX:]
    ]  # fmt: skip
    show_table(
        "",
        (
            "hour",
            "KPI",
            "of",
            "was",
            "expected",
            "standard errors",
            "the weeks before",
            "because of",
        ),
        rows,
    )


def in_words(one: Alert) -> str:
    """`2026-05-01T10:00Z: decisions that were seen: 82 % less than in the same hours of past weeks, all of it placement home`."""
    off = one.off
    change = abs(off.value - off.expected) / off.expected if off.expected else 1.0
    news = "" if one.is_bad else " (no bad news)"
    because = _because(one.cause)
    money = "" if one.currency is None else f" {one.currency}"
    return (
        f"{hour_of(one.hour)}: {SAYS[one.kpi]}: {change:.0%} {one.direction} than in the same hour of past weeks{news}, {off.value:,.0f} where "
        f"{off.expected:,.0f}{money} were expected{_of(off)}: {because}"
    )


def _because(cause: Cause | None) -> str:
    if cause is None:
        return "everywhere alike"
    much = "all" if cause.share >= 0.95 else f"{cause.share:.0%}"
    return (
        f"{much} of it is {_cell(cause.cell)}, with {cause.off.value:,.0f} where {cause.off.expected:,.0f} were expected; "
        f"without it the rest is as it should be ({cause.left:.1f} standard errors)"
    )


def told(one: Alert) -> dict[str, Any]:
    """For programs, and what a webhook gets."""
    fields: dict[str, Any] = msgspec.to_builtins(one)
    return fields | {"says": in_words(one)}


def post(url: str, found: list[Alert]) -> bool:
    """POSTs them as one JSON object, within POST_S; whether it was taken. What does not answer is told and ends nothing."""
    address = urlsplit(url)
    body = json.dumps({"alerts": [told(one) for one in found[:POSTED_MAX]]}).encode()
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection = kind(address.hostname or "", address.port, timeout=POST_S)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        complain(f"kairos: {address.hostname} took no alert: {error or type(error).__name__}")
        return False
    if status >= 300:
        complain(f"kairos: {address.hostname} took no alert: it answered {status}")
        return False
    say(f"{len(found)} told to {address.hostname}")
    return True


def checked_webhook(url: str) -> str | None:
    """The address; None where none is set. Raises ConfigError."""
    if not url:
        return None
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigError("KAIROS_ALERT_WEBHOOK: an http:// or https:// address is wanted")
    return url


def hour_of(hour: int) -> str:
    """`2026-05-01T10:00Z`."""
    return f"{datetime.fromtimestamp(hour * HOUR_MS / SECOND_MS, UTC):%Y-%m-%dT%H:%MZ}"


def _cell(cell: tuple[str, str]) -> str:
    return "all of it" if cell[0] == "all" else f"{cell[0]} {cell[1]}"


def _cause(cause: Cause | None) -> str:
    return "everywhere" if cause is None else _cell(cause.cell)


def _of(off: Off) -> str:
    return "" if off.of is None else f" of {off.of:,.0f}"
