"""Reach: how far an item is, whether it comes there, whether it is to be had then; and what is suppressed because of it."""

from math import isnan, pi
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import PURPOSES, Context
from schemas.items import AvailableDates, Item, Point
from schemas.policy import Placement, Policy, Suppression
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext
from schemas.times import day_number
from tests.builders import NOON, make_event, make_knowledge, make_record
from udfs.facts import reach
from udfs.facts.features import compute_features
from udfs.facts.reach import EARTH_KM, Stay, Where, comes_to, distance_km, is_free
from udfs.facts.view import View
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.suppress_candidates import PASSED, Verdict, suppress_candidates
from udfs.moment import NOBODY, Moment
from udfs.policy.compile_policy import compile_policy
from udfs.session.follow_session import follow_session

BERLIN, PARIS = Point(52.5200, 13.4050), Point(48.8566, 2.3522)
POLE, OTHER_POLE = Point(90, 0), Point(-90, 77)
HALF_ROUND_KM = pi * EARTH_KM
points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


def moment(
    context: Context | None = None,
    visit: SessionContext = NOBODY,
    items: tuple[Item, ...] = (),
    **fields: Any,
) -> Moment:
    knowledge = make_knowledge(*items)
    event = make_event(event_time_ms=NOON, context=context, **fields)
    return Moment(PersonState(NOON, NOON), visit, event, knowledge, knowledge.at(NOON))


def one(**fields: Any) -> Retrieved:
    return Retrieved("i1", "trending", Item("i1", **fields), None)


def dates(*spans: str) -> tuple[AvailableDates, ...]:
    return tuple(AvailableDates(*span.split("/")) for span in spans)


# --- how far ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        (BERLIN, BERLIN, 0.0),
        (BERLIN, PARIS, 877.5),
        (Point(0, 0), Point(0, 1), 2 * HALF_ROUND_KM / 360),
        (Point(0, 179.5), Point(0, -179.5), 2 * HALF_ROUND_KM / 360),
        (POLE, OTHER_POLE, HALF_ROUND_KM),
        (Point(0, 0), Point(0, 180), HALF_ROUND_KM),
        (Point(36.12, -86.67), Point(33.94, -118.40), 2886.4),
        (Point(-33.8688, 151.2093), Point(-36.8509, 174.7645), 2156.0),
    ],
)
def test_a_distance_is_the_great_circle(a: Point, b: Point, km: float) -> None:
    assert distance_km(a, b) == pytest.approx(km, abs=0.6)


@given(points, points, points)
@example(POLE, OTHER_POLE, POLE)
def test_distances_are_bounded_symmetric_and_no_way_round_is_shorter(a: Point, b: Point, c: Point) -> None:  # fmt: skip
    km = distance_km(a, b)
    assert 0 <= km <= HALF_ROUND_KM + 1e-6
    assert km == pytest.approx(distance_km(b, a), abs=1e-6)
    assert distance_km(a, a) == 0
    assert km <= distance_km(a, c) + distance_km(c, b) + 1e-3


def test_it_is_from_the_event_and_missing_where_either_place_is() -> None:
    here = Context(latitude=48.86, longitude=2.35)
    found = reach.away_km(moment(here), one(place=BERLIN))
    assert found == pytest.approx(877.5, abs=1)
    assert reach.away_km(moment(here), one()) is None
    assert reach.away_km(moment(here), Retrieved("x", "given", None, None)) is None
    for nowhere in (None, Context(latitude=48.86), Context(longitude=2.35)):
        assert reach.away_km(moment(nowhere), one(place=BERLIN)) is None


# --- where to -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regions", "country", "region", "comes"),
    [
        ((), None, None, True),
        (("DE",), "DE", None, True),
        (("DE",), "de", None, True),
        (("DE", "AT"), "FR", None, False),
        (("DE",), None, None, None),
        (("DE",), "Germany", None, None),
        (("US-CA",), "US", "CA", True),
        (("US-CA",), "US", "us-ca", True),
        (("US-CA",), "US", "NV", False),
        (("US-CA",), "US", None, None),
        (("US-CA",), "CA", None, False),
        (("US-CA", "US"), "US", None, True),
    ],
)
def test_an_item_comes_to_its_regions(
    regions: tuple[str, ...], country: str | None, region: str | None, comes: bool | None
) -> None:
    there = moment(Context(country=country, region=region))
    assert reach.delivers_here(there, one(regions=regions)) is comes
    assert reach.delivers_here(there, Retrieved("x", "given", None, None)) is None


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_text_for_a_country_is_a_code_or_nowhere(country: str, region: str) -> None:
    found = reach.where(moment(Context(country=country, region=region)))
    assert found == Where("", "") or (len(found.country) == 2 and found.country.isascii())
    assert comes_to(Item("i1", regions=("ZZ",)), found) in (None, False, True)


# --- when ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "nights"),
    [
        ({"check_in": "2026-07-01", "check_out": "2026-07-04"}, ("2026-07-01", "2026-07-03")),
        ({"check_in": "2026-07-01", "check_out": "2026-07-02"}, ("2026-07-01", "2026-07-01")),
        ({"check_in": "2026-07-01"}, ("2026-07-01", "2026-07-01")),
        ({"check_in": "2026-07-01", "check_out": "2026-06-01"}, ("2026-07-01", "2026-07-01")),
        ({"check_in": "2026-07-01", "check_out": "soon"}, ("2026-07-01", "2026-07-01")),
        ({"check_in": "2026-07-01", "check_out": "2027-07-02"}, ("2026-07-01", "2027-07-01")),
        ({"check_in": "2026-07-01", "check_out": "2027-07-03"}, None),
        ({"check_in": "2026-02-30"}, None),
        ({"check_in": "20260701"}, None),
        ({"check_in": "1. Juli 26"}, None),
        ({"check_out": "2026-07-04"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_days_are_those_of_the_properties(said: dict[str, str], nights: tuple[str, str] | None) -> None:  # fmt: skip
    wanted = None if nights is None else Stay(*map(day_number, nights))
    assert reach.stay_of(moment(properties=said)) == wanted


def visit_after(*properties: dict[str, str]) -> SessionContext:
    visit = SessionContext(1, NOON, NOON)
    for one_of_them in properties:
        reach.on_event(visit, make_event(properties=one_of_them), None)
    return SESSION_CONTEXT.decode(SESSION_CONTEXT.encode(visit))


def test_of_a_visit_the_days_said_last_hold_and_what_is_no_day_says_nothing() -> None:
    july, august = {"check_in": "2026-07-01", "check_out": "2026-07-04"}, {"check_in": "2026-08-01"}
    visit = visit_after(july, {}, {"check_in": "whenever"})
    assert reach.nights(moment(visit=visit)) == 3
    assert reach.nights(moment(visit=visit_after(july, august))) == 1
    assert reach.nights(moment(visit=visit, properties=august)) == 1, "the event's own first"
    assert reach.nights(moment(visit=visit).masked()) is None, "of the visit, so nobody's"
    assert reach.nights(moment(visit=visit, properties=august).masked()) == 1
    assert reach.nights(moment()) is None


def test_days_ahead_are_of_the_calendar_there() -> None:
    tomorrow = {"check_in": "2023-11-16"}  # NOON is 2023-11-14, 22:13 UTC
    assert reach.days_ahead(moment(properties=tomorrow)) == 2
    assert reach.days_ahead(moment(Context(utc_offset_min=120), properties=tomorrow)) == 1
    assert reach.days_ahead(moment()) is None


@pytest.mark.parametrize(
    ("spans", "free"),
    [
        ((), True),
        (("2026-07-01/2026-07-03",), True),
        (("2026-07-01/2026-07-02",), False),
        (("2026-07-02/2026-07-09",), False),
        (("2026-07-03/2026-07-09", "2026-06-01/2026-07-02"), True),
        (("2026-06-01/2026-07-01", "2026-07-03/2026-07-09"), False),
        (("2026-06-01/2026-08-01", "2026-06-02/2026-06-03"), True),
    ],
    ids=str,
)
def test_an_item_is_to_be_had_where_every_night_is(spans: tuple[str, ...], free: bool) -> None:
    july = moment(properties={"check_in": "2026-07-01", "check_out": "2026-07-04"})
    assert reach.is_available(july, one(available_dates=dates(*spans))) is free
    assert reach.is_available(moment(), one(available_dates=dates(*spans))) is None


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=8), st.integers(1, 45), st.integers(0, 9))  # fmt: skip
def test_spans_say_what_day_by_day_would(spans: list[tuple[int, int]], first: int, more: int) -> None:  # fmt: skip
    start = day_number("2026-01-01")
    free = {start + day + n for day, length in spans for n in range(length + 1)}
    item = Item("i1", available_dates=tuple(AvailableDates(_iso(d), _iso(d + n)) for d, n in spans))
    stay = Stay(start + first, start + first + more)
    wanted = not spans or free >= set(range(stay.first, stay.last + 1))
    assert is_free(item, stay) is wanted


def _iso(day: int) -> str:
    return str(np.datetime64("2026-01-01") + day)


# --- columns ------------------------------------------------------------------------------------

COLUMNS = ("item_distance_km", "item_delivers_here", "item_is_available", "session_nights", "session_days_ahead")  # fmt: skip


def columns(m: Moment, *items: Item) -> list[list[float]]:
    candidates = [Retrieved(item.item_id, "trending", item, None) for item in items]
    leads = follow_session(m.context, m.state, m.knowledge.statistics, m.known.epoch, NOON)
    matrix = compute_features(View(m, candidates, leads), COLUMNS)
    return list(matrix.T.tolist())


def test_columns_say_what_is_known_and_are_missing_where_an_item_says_nothing() -> None:
    hotel = Item("i1", place=PARIS, regions=("FR",), available_dates=dates("2023-11-01/2023-11-30"))
    there = moment(
        Context(country="DE", latitude=52.52, longitude=13.41), items=(hotel,),
        properties={"check_in": "2023-11-20", "check_out": "2023-11-22"},
    )  # fmt: skip
    km, delivers, available, nights, ahead = columns(there, hotel, Item("i2", regions=("DE",)))
    assert km[0] == pytest.approx(877.5, abs=1)
    assert (delivers, available[0]) == ([0.0, 1.0], 1.0)
    assert isnan(km[1])
    assert isnan(available[1])
    assert (nights, ahead) == ([2.0, 2.0], [6.0, 6.0])


def test_where_nothing_has_a_place_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("computed")

    for name in ("distance_km", "comes_to", "is_free"):
        monkeypatch.setattr(reach, name, never)
    monkeypatch.setattr(reach, "np", None)
    there = moment(Context(country="DE", latitude=1.0, longitude=1.0), properties={"check_in": "2026-07-01"})  # fmt: skip
    found = columns(there, Item("i1"), Item("i2"))
    assert all(isnan(value) for column in found[:3] for value in column)


# --- what is suppressed -------------------------------------------------------------------------

FRENCH = Item("i1", regions=("FR",), available_dates=dates("2026-07-01/2026-07-02"))


def verdict(m: Moment, rules: Suppression) -> Verdict:
    return suppress_candidates([Retrieved("i1", "trending", FRENCH, None)], m, rules)[0]


def test_what_does_not_come_there_or_is_taken_is_suppressed_only_where_the_policy_says_so() -> None:
    july = {"check_in": "2026-07-01", "check_out": "2026-07-04"}
    there = moment(Context(country="DE"), properties=july)
    assert verdict(there, Suppression()) is PASSED
    assert verdict(there, Suppression(undelivered=True)) == ("undelivered", {"country": "DE"})
    assert verdict(there, Suppression(unavailable=True)) == ("unavailable", {"nights": "3"})
    both = Suppression(undelivered=True, unavailable=True)
    assert verdict(moment(Context(country="FR")), both) is PASSED, "no days are said"
    assert verdict(moment(), both) is PASSED, "what is not known speaks against nothing"


def offered(events: list[dict[str, Any]], suppression: Suppression) -> list[str]:
    """What a fold over these events offers on the last one."""
    knowledge = make_knowledge(
        Item("near", 0, "Near", "Hotels", regions=("DE",)), Item("far", 0, "Far", "Hotels", regions=("FR",)),
        Item("full", 0, "Full", "Hotels", available_dates=dates("2024-01-01/2024-01-05")),
    )  # fmt: skip
    policy = Policy(placements=(Placement("home", ("page_viewed",)),), suppression=suppression)
    knowledge.add_policy("p", 0, 1, compile_policy(policy))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    records = [
        make_record(make_event(event_id=f"e{at}", event_time_ms=NOON + at, consent=PURPOSES, **fields), at)
        for at, fields in enumerate(events)
    ]  # fmt: skip
    made = [one for folded in fold.run(records) for one in folded.decisions]
    return sorted(one.item_id for one in made[-1][0].items)


def test_nothing_of_where_and_when_is_kept_of_a_person() -> None:
    said = {"context": Context(country="DE", region="BE", latitude=52.52, longitude=13.4, currency="EUR"), "properties": {"check_in": "2026-07-01"}}  # fmt: skip
    kept = []
    for fields in ({}, said):
        fold = Fold(make_knowledge(), FoldRules(EVENT.decode, "seed"))
        event = make_event(event_type="search_performed", query="hotel", consent=PURPOSES)
        list(fold.run([make_record(replace(event, **fields))]))
        kept += [PERSON_STATE.encode(one) for one in fold.persons.values()]
    assert len(kept) == 2
    assert kept[0] == kept[1]


def test_a_fold_offers_what_comes_there_on_the_days_that_were_searched_for() -> None:
    searched = {"event_type": "search_performed", "query": "hotels", "properties": {"check_in": "2024-01-01", "check_out": "2024-01-20"}}  # fmt: skip
    page = {"event_type": "page_viewed", "context": {"country": "DE"}}
    assert offered([searched, page], Suppression()) == ["far", "full", "near"]
    rules = Suppression(undelivered=True, unavailable=True)
    assert offered([searched, page], rules) == ["near"]
    assert offered([page], rules) == ["full", "near"]
