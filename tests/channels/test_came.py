"""What the API knows of a page's event by the request that brings it, and of a server's by what it says."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from channels.api.event_log import LogUnavailable
from channels.api.knowledge import Version
from schemas.errors import ConfigError
from schemas.events import Context, Event
from scripts.ops.serve_api import read_policy
from tests.channels.api_process import lonely_services
from tests.channels.test_doorway import OTHER, Log, api, page
from tests.schemas.enrich.test_places import BERLIN

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SERVER = {"Authorization": "Bearer k-server"}


@pytest.fixture
def places(tmp_path: Path) -> str:
    """Where the addresses of this machine are."""
    writer = MMDBWriter(6, "GeoLite2-City", languages=["en"], ipv4_compatible=True)
    writer.insert_network(IPSet(["127.0.0.2/32", "203.0.113.0/24"]), BERLIN)
    writer.to_db_file(str(tmp_path / "city.mmdb"))
    return str(tmp_path / "city.mmdb")


def seen(**more: Any) -> dict[str, Any]:
    return {"event_type": "page_viewed", "page": "/", **more}


def sent(client: httpx.Client, log: Log, event: dict[str, Any], agent: str) -> Event:
    session = client.headers["X-Test-Session"]
    found = client.post(
        "/v1/events", json=event | {"session_id": session}, headers={"User-Agent": agent}
    )
    assert found.status_code == 202, found.text
    return log.written[-1]


def test_a_page_is_known_by_its_user_agent_and_its_address(tmp_path: Path, places: str) -> None:
    with api(tmp_path, KAIROS_PLACES=places) as (address, _, log):
        with page(address, OTHER) as client:
            event = sent(client, log, seen(), PHONE)
            assert event.context is not None
            assert event.context.utc_offset_min in (60, 120)
            assert event.context == Context("mobile", "iOS", "Safari", "DE", "Berlin", utc_offset_min=event.context.utc_offset_min)  # fmt: skip
            told = seen(context={"device": "desktop", "country": "AT"})
            assert sent(client, log, told, PHONE).context == Context("desktop", "iOS", "Safari", "AT", utc_offset_min=event.context.utc_offset_min)  # fmt: skip
        with page(address) as client:
            assert sent(client, log, seen(), PHONE).context == Context("mobile", "iOS", "Safari")
        assert OTHER not in repr(log.written)


def test_a_bot_is_one_whatever_its_page_says(tmp_path: Path) -> None:
    with api(tmp_path) as (address, _, log), page(address) as client:
        told = seen(context={"device": "mobile"})
        event = sent(client, log, told, CRAWLER)
        assert event.context == Context("bot", browser="Googlebot")


def test_internal_traffic_is_marked(tmp_path: Path) -> None:
    with api(tmp_path, KAIROS_INTERNAL_NETWORKS="127.0.0.2,10.0.0.0/8") as (address, _, log):
        with page(address, OTHER) as client:
            assert sent(client, log, seen(), PHONE).properties == {"internal": "true"}
        with page(address) as client:
            assert sent(client, log, seen(), PHONE).properties == {}


def test_a_server_says_of_whom_it_speaks(tmp_path: Path, places: str) -> None:
    with api(tmp_path, KAIROS_PLACES=places, KAIROS_INTERNAL_NETWORKS="127.0.0.0/8") as (
        at,
        _,
        log,
    ):
        own = seen(session_id="s", context={"user_agent": PHONE, "ip": "203.0.113.7"})
        headers = SERVER | {"User-Agent": CRAWLER}
        found = httpx.post(f"http://{at}/v1/events?strict=true", json=own, headers=headers)
        assert found.status_code == 202, found.text
        event = log.written[-1]
        assert event.context is not None
        assert (event.context.device, event.context.country, event.context.city) == ("mobile", "DE", "Berlin")  # fmt: skip
        assert event.properties == {}
        assert "203.0.113" not in repr(event)


@pytest.mark.parametrize("body", ["decisions", "events"])
def test_what_is_asked_for_is_known_likewise(
    tmp_path: Path, places: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api(tmp_path, KAIROS_PLACES=places) as (address, _, log):

        def send(events: list[Event], *, is_page: bool) -> None:
            assert not is_page
            log.written += events
            raise LogUnavailable("a stand-in")

        monkeypatch.setattr(log, "send", send)
        context = {"context": {"user_agent": PHONE, "ip": "203.0.113.7"}}
        events = [seen(**context)] if body == "events" else []
        asked = {"session_id": "s", "placements": ["home"], "events": events, **context}
        found = httpx.post(f"http://{address}/v1/decisions?strict=true", json=asked, headers=SERVER)
        assert found.status_code == 200, found.text
        for event in log.written:
            assert event.context is not None
            assert (event.context.device, event.context.city) == ("mobile", "Berlin")
        assert log.written


def test_what_is_no_database_ends_the_start() -> None:
    with pytest.raises(ConfigError, match="no database of places"):
        lonely_services(KAIROS_PLACES="/nowhere.mmdb")


def test_a_strict_policy_refuses_names_at_the_door(tmp_path: Path) -> None:
    """As the engine would later, where nobody would be told."""
    with api(tmp_path) as (address, services, log):
        policy = {"strict_events": True, "events": [{"name": "tile_tapped", "role": "view"}]}
        payload = msgspec.json.encode(policy)
        version = Version(0, 0, "p", *read_policy(payload))
        services.knowledge._policies.append(version)
        sent = [seen(session_id="s"), seen(session_id="s") | {"event_type": "tile_tapped"}, seen(session_id="s") | {"event_type": "page_veiwed"}]  # fmt: skip
        found = httpx.post(f"http://{address}/v1/events", json=sent, headers=SERVER).json()
        assert [one.event_type for one in log.written] == ["page_viewed", "tile_tapped"]
        (refused,) = found["rejected"]
        assert refused["index"] == 2
        assert "`page_viewed` is meant?" in refused["reason"]
