"""Reach: how far an item is, whether it comes to where the event is of, and whether it is to be had on the days that the visit is about.

Days are said by the properties `check_in` and `check_out` of any event ("2026-07-01"); of a visit what was said last holds. Nothing of this is kept
beyond the visit.
"""

import re
from collections.abc import Callable
from math import asin, cos, nan, radians, sin, sqrt
from typing import Final, NamedTuple

import numpy as np

from schemas.events import Event
from schemas.items import Item, Point
from schemas.limits import DAY_MS, NIGHTS_MAX
from schemas.state.session import SessionContext
from schemas.times import day_number
from udfs.by_identity import by_identity
from udfs.facts.clock import local_ms
from udfs.facts.fact import Column, Fact, Room, feature, item, session
from udfs.facts.types import BOOL, DOUBLE, INT
from udfs.facts.view import View
from udfs.items.retrieve_candidates import Retrieved
from udfs.moment import Moment

EARTH_KM: Final = 6371.0088
"""The earth's mean radius (IUGG); as a sphere, distances are off by half a percent at most."""
EPOCH_DAY: Final = 719_163
"""The number of 1970-01-01 in the calendar (`schemas.times.day_number`)."""
CHECK_IN: Final = "check_in"
CHECK_OUT: Final = "check_out"
DAY_CHARS: Final = 10
COUNTRY: Final = re.compile("[A-Z]{2}", re.ASCII)
SPANS_KEPT: Final = 200_000


class Stay(NamedTuple):
    """Days of the calendar by their numbers: the first and the last night, which are one where only a day is named."""

    first: int
    last: int


class Where(NamedTuple):
    """Codes of ISO 3166; empty = not known. `region` has its country in front."""

    country: str
    region: str


# --- how far ------------------------------------------------------------------------------------


def distance_km(one: Point, other: Point) -> float:
    """The great circle between two places, by the haversine formula (R. W. Sinnott, Virtues of the Haversine, 1984); 0 to half the earth's girth."""
    north, others_north = radians(one.latitude), radians(other.latitude)
    up = sin((others_north - north) / 2) ** 2
    along = sin(radians(other.longitude - one.longitude) / 2) ** 2
    share = up + cos(north) * cos(others_north) * along
    return 2 * EARTH_KM * asin(sqrt(min(1.0, share)))


def here_of(m: Moment) -> Point | None:
    """Where the event is of, as far as it says so."""
    told = m.told
    if told.latitude is None or told.longitude is None:
        return None
    return Point(told.latitude, told.longitude)


def away_km(m: Moment, one: Retrieved) -> float | None:
    """How far the item is from where the event is of."""
    here, place = here_of(m), one.item.place if one.item else None
    return None if here is None or place is None else distance_km(here, place)


# --- where to -----------------------------------------------------------------------------------


def where(m: Moment) -> Where:
    """Where the event is of, as far as it says so in codes: "Germany" is none."""
    country = (m.told.country or "").strip().upper()
    if not COUNTRY.fullmatch(country):
        return Where("", "")
    region = (m.told.region or "").strip().upper()
    if region and not region.startswith(f"{country}-"):
        region = f"{country}-{region}"
    return Where(country, region)


def delivers_here(m: Moment, one: Retrieved) -> bool | None:
    """Whether the item comes there: by its regions, or everywhere where it names none; None where that cannot be told."""
    if one.item is None:
        return None
    return comes_to(one.item, where(m))


def comes_to(thing: Item, there: Where) -> bool | None:
    """The same of an item and a place."""
    if not thing.regions:
        return True
    if not there.country:
        return None
    if there.country in thing.regions or there.region in thing.regions:
        return True
    # it comes to parts of that country, and nobody knows which part this is
    is_open = not there.region and any(r.startswith(f"{there.country}-") for r in thing.regions)
    return None if is_open else False


# --- when ---------------------------------------------------------------------------------------


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Takes note of the days that an event says."""
    if CHECK_IN in event.properties:
        stay = said_stay(event)
        if stay is not None:
            context.stay = stay


def said_stay(event: Event) -> Stay | None:
    """The nights from `check_in` to before `check_out`; the day alone where there is no later day; None where it says no day, or too many."""
    first = _day(event.properties.get(CHECK_IN))
    if first is None:
        return None
    end = _day(event.properties.get(CHECK_OUT))
    last = end - 1 if end is not None and end > first else first
    return Stay(first, last) if last - first < NIGHTS_MAX else None


def _day(text: str | None) -> int | None:
    if text is None or len(text) != DAY_CHARS:
        return None
    try:
        return day_number(text)
    except ValueError:
        return None


def stay_of(m: Moment) -> Stay | None:
    """The days that the moment is about: the event's own, else those of its visit."""
    said = said_stay(m.event) if CHECK_IN in m.event.properties else None
    if said is None and m.context.stay[0]:
        return Stay(*m.context.stay)
    return said


def is_available(m: Moment, one: Retrieved) -> bool | None:
    """Whether the item is to be had on all those days; always where it names none; None where no days are said."""
    stay = stay_of(m)
    if one.item is None or stay is None:
        return None
    return is_free(one.item, stay)


def is_free(thing: Item, stay: Stay) -> bool:
    """The same of an item and days."""
    if not thing.available_dates:
        return True
    return any(one.first <= stay.first and stay.last <= one.last for one in _spans(thing))


@by_identity(SPANS_KEPT)
def _spans(thing: Item) -> tuple[Stay, ...]:
    """Its dates as days, those that follow one another as one."""
    found: list[Stay] = []
    days = ((day_number(one.first), day_number(one.last)) for one in thing.available_dates)
    for first, last in sorted(days):
        if found and first <= found[-1].last + 1:
            found[-1] = Stay(found[-1].first, max(last, found[-1].last))
        else:
            found.append(Stay(first, last))
    return tuple(found)


def nights(m: Moment) -> int | None:
    """How many nights the visit is about."""
    stay = stay_of(m)
    return None if stay is None else stay.last - stay.first + 1


def days_ahead(m: Moment) -> int | None:
    """Days from today, where the event is of, to the first."""
    stay = stay_of(m)
    return None if stay is None else stay.first - EPOCH_DAY - local_ms(m) // DAY_MS


# --- the same as columns: nothing is computed where no candidate has what it takes ----------------


def _km(v: View) -> Column:
    here = here_of(v.moment)
    if here is None:
        return nan
    return _of(v, "place", lambda one: None if one.place is None else distance_km(here, one.place))


def _delivers(v: View) -> Column:
    there = where(v.moment)
    return _of(v, "regions", lambda one: comes_to(one, there) if one.regions else None)


def _available(v: View) -> Column:
    stay = stay_of(v.moment)
    if stay is None:
        return nan
    return _of(
        v, "available_dates", lambda one: is_free(one, stay) if one.available_dates else None
    )


def _of(v: View, field: str, read: Callable[[Item], float | None]) -> Column:
    """What `read` says of each item that the catalogue has, where any item of it says something in the field."""
    if field not in v.moment.knowledge.catalogue.fields_said:
        return nan
    found = [None if one is None else read(one) for one in v.items]
    return np.array([nan if one is None else one for one in found], dtype=np.float64)


FACTS: Final[tuple[Fact, ...]] = (
    session("nights", INT, "nights that the visit is about, by the properties `check_in` and `check_out` of its events: those said last", nights, "session_nights"),
    session("days_ahead", INT, "days from today to the first of these nights", days_ahead, "session_days_ahead"),
    item("distance_km", DOUBLE, "kilometres from where the event is of (`context.latitude`, `longitude`, to about one) to the item's `place`, as the crow flies", away_km, feature="item_distance_km", column=_km),
    item("delivers_here", BOOL, "whether its `regions` hold the country, or the region, of the event; true where it names none, missing where the country is unknown or no code", delivers_here),
    feature("item_delivers_here", "session_item", "1 where its regions hold the event's country or region, 0 where not; missing where it names none", _delivers),
    item("is_available", BOOL, "whether its `available_dates` hold every night that the visit is about; true where it names none, missing where the visit is about no days", is_available),
    feature("item_is_available", "session_item", "1 where its dates hold every night that the visit is about, 0 where not; missing where it names none", _available),
)  # fmt: skip

ROOM: Final = Room("reach", FACTS, on_event=on_event, visit=("stay",))
