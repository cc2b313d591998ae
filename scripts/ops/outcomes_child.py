"""The child process that reads what came of decisions for the console, as `kairos experiment show` and `kairos kpi` do; it reads beside the API's process.

Wanted (JSON) comes by stdin; Told goes to stdout.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from msgspec import Struct, structs

from jobs.config import Config, config_from
from jobs.publish import now_ms
from log.range import LogRange
from models.experiments.metrics import METRICS
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.outcomes import Outcome
from schemas.policy import Policy
from schemas.topics import OUTCOMES
from scripts.experiments.outcome_source import Found, experiments_of
from scripts.experiments.show_experiment import (
    HEADS,
    Shown,
    incremental,
    ledger_of,
    listed,
    notes,
    row,
    shown_of,
    told,
    who_was_seen,
)
from scripts.ops.counting import Place, answer
from scripts.outcomes.alert_topic import held, write_new
from scripts.outcomes.alerts import checked_webhook, watch
from scripts.outcomes.alerts import told as evidence
from scripts.outcomes.reading import decoded, once
from scripts.outcomes.uplift import DAYS_MAX, Uplift
from scripts.privacy.list_of_erased import list_of_erased
from udfs.outcomes.kpi_hours import KpiHours

OUTCOMES_MAX: Final = 200_000
"""The newest; with more the page says so, and that the commands read all."""


ALERTS_MAX: Final = 50
"""So many are shown, the newest."""


class Wanted(Struct, frozen=True):
    """The experiments of a policy, in the topics of a Kafka."""

    place: Place
    policy: Policy


class Alerts(Struct, frozen=True):
    """The newest of topic `alerts`, the newest first, as programs get them; `foreign`: records there that are no alerts; `fault`: why none were looked for, or none can be told."""

    shown: list[dict[str, Any]] = []
    foreign: int = 0
    fault: str = ""


class Told(Struct, frozen=True):
    """`is_whole`: all outcomes that there are were read. `experiments` and `incremental` (sentences) are by their words, `scopes` those of `Uplift`; `fault`: why there is nothing."""

    outcomes: int = 0
    is_whole: bool = True
    experiments: list[dict[str, Any]] = []
    incremental: list[str] = []
    scopes: list[dict[str, Any]] = []
    fault: str = ""
    alerts: Alerts = Alerts()


def read(wanted: Wanted) -> Told:
    """Counts; what cannot be read is told as a fault."""
    config, place = config_from(), wanted.place
    try:
        log = LogRange(place.brokers, place.prefix + OUTCOMES, None, None)
        is_whole = log.keep_newest(OUTCOMES_MAX)
        erased = list_of_erased(place.brokers, config)
        hours, at_ms = KpiHours(wanted.policy.currency), now_ms()
        outcomes = added(once(decoded(one.value for one in log), erased), hours)
        told = told_of(outcomes, wanted.policy, at_ms, is_whole=is_whole)
        alerts = alerts_of(place, config, hours if is_whole else None, at_ms)
        return structs.replace(told, alerts=alerts)
    except ConfigError as error:
        return Told(fault=str(error))


def added(outcomes: Iterable[Outcome], hours: KpiHours) -> Iterator[Outcome]:
    """The same, each added up by hour as it passes."""
    for one in outcomes:
        hours.add(one)
        yield one


def alerts_of(place: Place, config: Config, hours: KpiHours | None, at_ms: int) -> Alerts:
    """Looks for new alerts (`hours` None: outcomes of past weeks are missing, so it does not), keeps and posts them, and tells what the topic then holds."""
    fault = (
        ""
        if hours is not None
        else "there are too many outcomes to look for alerts here: kairos kpi --alerts does"
    )
    try:
        if hours is not None:
            keep = partial(write_new, place.brokers, place.prefix)
            watch(hours, at_ms, keep, checked_webhook(config.alert_webhook))
    except ConfigError as error:
        fault = str(error)
    try:
        found = held(place.brokers, place.prefix)
    except ConfigError as error:
        return Alerts(fault=fault or str(error))
    newest = sorted(found.alerts.values(), key=lambda one: (-one.hour_ms, not one.is_bad, one.kpi))
    return Alerts([evidence(one) for one in newest[:ALERTS_MAX]], found.foreign, fault)


def told_of(
    outcomes: Iterable[Outcome], policy: Policy, at_ms: int, *, is_whole: bool = True
) -> Told:
    """Every experiment of the policy, the holdout with them, and the KPIs, in one pass."""
    found = [Found(one, policy) for one in experiments_of(policy)]
    ledgers = [ledger_of(one) for one in found]
    uplift, count = Uplift(policy.currency), 0
    for one in outcomes:
        count += 1
        for ledger in ledgers:
            ledger.add(one)
        if one.outcome_ms >= at_ms - DAYS_MAX * DAY_MS:
            uplift.add(one)
    shown = [shown_of(*pair, at_ms) for pair in zip(found, ledgers, strict=True)]
    earned = [line for one in shown for line in incremental(one)]
    return Told(
        count, is_whole, [_shown(one, at_ms) for one in shown], earned,
        [uplift.told(cell) for cell in uplift.scopes()],
    )  # fmt: skip


def _shown(shown: Shown, at_ms: int) -> dict[str, Any]:
    """As programs get it, and what `kairos experiment show` prints beside it; metrics by their names in words."""
    reading = shown.reading
    figures = told(shown)
    return (
        listed(reading.experiment, at_ms)
        | figures
        | {
            "seen": who_was_seen(reading),
            "verdicts": [one | {"reasons": [in_words(each) for each in one["reasons"]]} for one in figures["arms"]],
            "heads": HEADS,
            "rows": [[in_words(str(cell)) for cell in row(one)] for one in reading.compared],
            "notes": [in_words(one) for one in notes(reading)],
        }
    )  # fmt: skip


def in_words(text: str) -> str:
    """Metrics as a reader says them: revenue per visit."""
    for name in METRICS:
        text = text.replace(name, name.replace("_", " "))
    return text


if __name__ == "__main__":
    answer(Wanted, read)
