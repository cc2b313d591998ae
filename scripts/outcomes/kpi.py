"""`kairos kpi`: KPIs of outcomes, as a table or JSON."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from schemas.kpis import KPIS, KpiUnit
from schemas.limits import DAY_MS, MINUTE_MS, SECOND_MS
from schemas.outcomes import Outcome
from scripts.console import say, show, show_json, show_table
from udfs.outcomes.count_kpis import DIMENSIONS, KpiCounter, Ratio

NOTHING: Final = "-"
COLUMNS: Final = (
    "click_rate", "cart_rate", "revenue_per_visit", "conversion", "order_value", "bounce", "satisfaction",
)  # fmt: skip
"""What stands beside each other by value of a dimension; all of them are in the table of the whole, and in JSON."""


def count(outcomes: Iterable[Outcome], currency: str) -> KpiCounter:
    """Adds them up."""
    counter = KpiCounter(currency)
    for one in outcomes:
        counter.add(one)
    return counter


def kpis_json(counter: KpiCounter, currency: str, by: str | None, *, daily: bool) -> dict[str, Any]:
    """All of it: how each KPI is made, and by dimension, value and day what it is."""
    return {
        "outcomes": counter.outcomes,
        "currency": currency,
        "other_currency": counter.other_money,
        "people_counted": counter.people_share,
        "people_in_two_arms": counter.people_in_two_arms,
        "cells_full": counter.cells_full,
        "kpis": [one._asdict() for one in KPIS],
        "cells": list(_cells_json(counter, by, daily=daily)),
    }


def _cells_json(counter: KpiCounter, by: str | None, *, daily: bool) -> Iterator[dict[str, Any]]:
    for cell in counter.cells:
        if by is not None and cell[0] not in ("all", by):
            continue
        for day in (None, *(counter.days(cell) if daily else ())):
            yield {
                "by": cell[0],
                "value": cell[1],
                "day": None if day is None else day_of(day),
                "kpis": {one.kpi.name: _ratio_json(one) for one in counter.ratios(cell, day)},
            }


def _ratio_json(one: Ratio) -> dict[str, float | None]:
    return {
        "value": one.value, "half_95": one.half_95, "numerator": one.numerator, "denominator": one.denominator,
    }  # fmt: skip


def show_kpis(
    counter: KpiCounter, currency: str, by: str | None, *, daily: bool, is_json: bool
) -> None:
    """One table of the whole, one by each dimension, or by that alone; with `daily` the whole day by day."""
    if is_json:
        show_json(kpis_json(counter, currency, by, daily=daily))
        return
    whole = counter.ratios()
    rows = [
        (one.kpi.name, in_words(one, currency), one.kpi.says, "guardrail" if one.kpi.is_guardrail else "")
        for one in whole
    ]  # fmt: skip
    show_table("", ("KPI", "all", "is", ""), rows)
    for dimension in DIMENSIONS[1:] if by is None else (by,):
        cells = [cell for cell in counter.cells if cell[0] == dimension]
        found = [(value, *_row(counter.ratios((dimension, value)), currency)) for _, value in cells]
        if found and dimension != "all":
            show_table(f"by {dimension}", (dimension, *COLUMNS), found)
    if daily:
        days = [(day_of(day), *_row(counter.ratios(day=day), currency)) for day in counter.days()]
        show_table("by day", ("day", *COLUMNS), days)
    show("after +-: half the 95 % interval, over 256 groups of people; - = nothing to divide by")
    _show_notes(counter, currency)


def _show_notes(counter: KpiCounter, currency: str) -> None:
    """What was left out, or counted otherwise than one may think."""
    if counter.other_money:
        say(f"amounts in other currencies than {currency}, left out: {counter.other_money}")
    if counter.people_in_two_arms:
        say(f"people who were in two arms of one experiment, and count in both: {counter.people_in_two_arms}")  # fmt: skip
    if counter.people_share < 1:
        say(f"what is of people is of a share of {counter.people_share:g} of them, by hash, and scaled")  # fmt: skip
    if counter.cells_full:
        say(f"outcomes under (others), for there are too many values: {counter.cells_full}")


def _row(ratios: list[Ratio], currency: str) -> list[str]:
    by_name = {one.kpi.name: one for one in ratios}
    return [in_words(by_name[name], currency) for name in COLUMNS]


def in_words(one: Ratio, currency: str) -> str:
    """`4.1 % +- 0.3`."""
    if one.value is None:
        return NOTHING
    said = _number(one.value, one.kpi.unit)
    half = "" if one.half_95 is None else f" +- {_number(one.half_95, one.kpi.unit)}"
    return f"{said}{half}{_unit(one.kpi.unit, currency)}"


def _number(value: float, unit: KpiUnit) -> str:
    if unit == "share":
        return f"{100 * value:.2f}"
    if unit == "ms":
        return f"{value / MINUTE_MS:.1f}" if value >= MINUTE_MS else f"{value / SECOND_MS / 60:.2f}"
    return f"{value:.2f}"


def _unit(unit: KpiUnit, currency: str) -> str:
    return {"share": " %", "ms": " min", "money": f" {currency}", "pages": "", "score": ""}[unit]


def day_of(day: int) -> str:
    """`2026-05-01`, UTC."""
    return datetime.fromtimestamp(day * DAY_MS / SECOND_MS, UTC).date().isoformat()
