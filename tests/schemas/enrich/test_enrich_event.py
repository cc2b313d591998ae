"""What a door adds to an event, and what it leaves as the sender said it."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.enrich.enrich_event import FROM_NOWHERE, Came, enriched, of_page
from schemas.enrich.places import Place, Places
from schemas.enrich.user_agents import Agent
from schemas.events import Context
from schemas.formats.json_lines import read_event
from schemas.limits import PROPERTIES_PER_EVENT_MAX
from tests.builders import make_event
from tests.schemas.enrich.test_places import write_places

BERLIN = Place("DE", "Berlin", "Europe/Berlin")
PHONE = Agent("mobile", "iOS", "Safari")
NIGHT_IN_WINTER = 1_768_435_200_000


def at(came: Came, **context: Any) -> Context | None:
    said = make_event(event_time_ms=NIGHT_IN_WINTER, context=Context(**context))
    return enriched(said, came).context


def test_what_the_sender_left_out_is_filled_in() -> None:
    assert at(Came(PHONE, BERLIN)) == Context("mobile", "iOS", "Safari", "DE", "Berlin", utc_offset_min=60)  # fmt: skip


def test_what_the_sender_says_stands() -> None:
    said = Context("desktop", "macOS", "Firefox", "FR", utc_offset_min=0)
    event = make_event(context=said)
    assert enriched(event, Came(PHONE, BERLIN)) is event, "a city of another country is none of it"
    assert at(Came(PHONE, BERLIN), country="DE") == Context("mobile", "iOS", "Safari", "DE", "Berlin", utc_offset_min=60)  # fmt: skip


def test_region_and_point_are_those_of_the_address_where_the_sender_may_mean_it() -> None:
    place = Place("US", "Oakland", region="CA", latitude=37.8044, longitude=-122.2712)
    near = Context(country="US", city="Oakland", region="CA", latitude=37.8, longitude=-122.27)
    assert at(Came(place=place)) == near
    assert at(Came(place=place), country="MX") == Context(country="MX")
    said = Context(country="US", city="Reno", region="NV", latitude=39.53, longitude=-119.81)
    event = make_event(context=said)
    assert enriched(event, Came(place=place)) is event
    half = at(Came(place=place), latitude=39.53)
    assert half is not None
    assert (half.latitude, half.longitude) == (39.53, None)


def test_a_bot_is_one_whatever_its_page_says() -> None:
    found = at(Came(Agent("bot", None, "Googlebot")), device="mobile", browser="Chrome")
    assert found == Context("bot", browser="Chrome")


def test_internal_traffic_is_marked_where_there_is_room() -> None:
    assert enriched(make_event(), Came(is_internal=True)).properties == {"internal": "true"}
    full = {f"p{number}": "" for number in range(PROPERTIES_PER_EVENT_MAX)}
    event = make_event(properties=full)
    assert enriched(event, Came(is_internal=True)) is event


def test_of_what_came_from_nowhere_nothing_is_known() -> None:
    event = make_event()
    assert enriched(event, FROM_NOWHERE) is event
    assert enriched(event, Came()) is event


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/shoes?q=1", "/shoes?q=1"),
        ("https://shop.example", "/"),
        ("https://shop.example/shoes/red?token=secret#size", "/shoes/red"),
        ("http://shop.example?x=/y", "/"),
        ("shop.example/shoes", "shop.example/shoes"),
    ],
)
def test_a_page_is_a_path(page: str, path: str) -> None:
    assert of_page(make_event(page=page)).page == path


def test_a_page_says_its_campaign_where_the_sender_does_not() -> None:
    page = "https://shop.example/?utm_source=news&utm_campaign=spring&sid=1"
    found = of_page(make_event(page=page))
    assert found.context == Context(campaign="spring")
    assert found.properties == {"utm_source": "news"}
    said = make_event(page=page, context=Context(campaign="own"), properties={"utm_medium": "email"})  # fmt: skip
    found = of_page(said)
    assert (found.context, found.properties) == (said.context, said.properties)


# --- as JSON has it ---------------------------------------------------------------------------


def read(places: Places | None = None, **context: object) -> Context | None:
    fields = {
        "event_id": "e", "event_type": "page_viewed", "event_time_ms": NIGHT_IN_WINTER, "session_id": "s", "anonymous_id": "a",
        "context": context,
    }  # fmt: skip
    event, notes = read_event(json.dumps(fields).encode(), is_strict=True, places=places)
    assert not notes
    return event.context


def test_user_agent_and_address_are_looked_up_and_let_go_of(tmp_path: Path) -> None:
    places = Places(write_places(tmp_path / "city.mmdb"))
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
    whole = Context("mobile", "iOS", "Safari", "DE", "Berlin", utc_offset_min=60)
    assert read(places, user_agent=agent, ip="203.0.113.9") == whole
    assert read(None, user_agent=agent, ip="203.0.113.9") == Context("mobile", "iOS", "Safari")
    assert read(places, user_agent=5, ip=["203.0.113.9"], city="Bonn") == Context(city="Bonn")
    assert read(places, ip="203.0.113.9", country="AT") == Context(country="AT", utc_offset_min=60)
