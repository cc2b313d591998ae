"""CloudEvents: what an envelope adds to the event within, and which format that is."""

import json
from typing import Any

import pytest

from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.cloudevents import WITHIN, event_from_cloudevent, event_from_cloudevent_json

TIME_MS = 1_769_860_800_000
OURS = {"session_id": "s1", "anonymous_id": "a1"}
DATA: dict[str, dict[str, Any]] = {
    "segment": {"type": "track", "event": "Cart Viewed", "anonymousId": "a1"},
    "ga4": {"event_name": "view_cart", "user_pseudo_id": "a1"},
    "snowplow": {"event_name": "page_view", "domain_sessionid": "s1", "domain_userid": "a1"},
}


def envelope(kind: str = "example.cart_viewed", data: object = None, **fields: Any) -> dict[str, Any]:  # fmt: skip
    made = {
        "specversion": "1.0", "id": "c1", "source": "https://shop.example/web", "type": kind,
        "time": "2026-01-31T12:00:00Z", "data": OURS if data is None else data,
    }  # fmt: skip
    return {name: one for name, one in (made | fields).items() if one is not None}


def refusal(made: dict[str, Any]) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        event_from_cloudevent(made)
    return caught.value


def test_an_envelope_fills_in_what_the_event_lacks() -> None:
    event = event_from_cloudevent(envelope())
    assert (event.event_id, event.event_type, event.event_time_ms) == ("c1", "cart_viewed", TIME_MS)
    assert event.properties == {"source": "https://shop.example/web"}


def test_what_the_event_says_itself_stands() -> None:
    own = OURS | {
        "event_id": "e1", "event_type": "page_viewed", "event_time_ms": TIME_MS + 5, "properties": {"source": "till"},
    }  # fmt: skip
    event = event_from_cloudevent(envelope(data=own))
    assert (event.event_id, event.event_type, event.event_time_ms) == (
        "e1",
        "page_viewed",
        TIME_MS + 5,
    )
    assert event.properties == {"source": "till"}


@pytest.mark.parametrize("name", WITHIN)
def test_the_last_part_of_the_type_says_which_format_is_within(name: str) -> None:
    event = event_from_cloudevent(envelope(f"example.{name}", DATA[name]))
    assert isinstance(event, Event)
    assert (event.event_id, event.event_time_ms, event.anonymous_id) == ("c1", TIME_MS, "a1")
    assert event.properties["source"] == "https://shop.example/web"


def test_every_format_within_is_tried() -> None:
    assert set(DATA) == set(WITHIN)


@pytest.mark.parametrize(
    ("name", "own", "event_id", "time_ms"),
    [
        ("segment", {"messageId": "m1", "timestamp": "2026-01-31T12:00:01Z"}, "m1", TIME_MS + 1_000),
        ("ga4", {"event_timestamp": (TIME_MS + 2_000) * 1_000}, "c1", TIME_MS + 2_000),
        ("snowplow", {"event_id": "p1", "derived_tstamp": "2026-01-31 12:00:03"}, "p1", TIME_MS + 3_000),
    ],
)  # fmt: skip
def test_formats_within_keep_their_own_ids_and_times(
    name: str, own: dict[str, Any], event_id: str, time_ms: int
) -> None:
    event = event_from_cloudevent(envelope(f"example.{name}", DATA[name] | own))
    assert (event.event_id, event.event_time_ms) == (event_id, time_ms)


def test_a_body_of_the_protocol_within_has_the_time_of_the_envelope() -> None:
    body = {"client_id": "a1", "events": [{"name": "view_cart"}]}
    assert event_from_cloudevent(envelope("x.ga4", body)).event_time_ms == TIME_MS


def test_an_id_of_ours_is_never_taken_for_a_made_one() -> None:
    event = event_from_cloudevent(envelope(data=OURS | {"event_id": "made-by-hand"}))
    assert event.event_id == "made-by-hand"


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (envelope(specversion=None), "specversion"),
        (envelope(specversion="0.3"), "specversion"),
        (envelope(id=None), "id"),
        (envelope(id=""), "id"),
        (envelope(source=None), "source"),
        ({k: v for k, v in envelope().items() if k != "type"}, "type"),
        ({k: v for k, v in envelope().items() if k != "data"}, "data"),
        (envelope(data=[OURS]), "data"),
        (envelope(data=7), "data"),
        (envelope(time="yesterday"), "time"),
        (envelope(time=1_769_860_800), "time"),
        (envelope("x.segment", DATA["segment"], time=None), "timestamp"),
        (envelope("x.ga4", DATA["ga4"], time=None), "event_timestamp"),
    ],
)
def test_a_refusal_names_the_field(made: dict[str, Any], field: str) -> None:
    assert refusal(made).message.startswith(f"{field}: ")


def test_without_any_time_it_is_no_event() -> None:
    assert "event_time_ms" in refusal(envelope(time=None)).message


@pytest.mark.parametrize("data", ["!", "e30=e30=", "4pi"])
def test_what_is_no_base64_is_malformed(data: str) -> None:
    made = {k: v for k, v in envelope().items() if k != "data"} | {"data_base64": data}
    assert refusal(made).reason == "malformed"


def test_the_reason_of_the_event_within_is_told() -> None:
    error = refusal(envelope("x.segment", DATA["segment"] | {"event": "Clock Ticked"}))
    assert (error.reason, error.event_time_ms) == ("unknown_event_type", TIME_MS)
    assert "'Clock Ticked'" in error.message


def test_names_that_nobody_reads_are_hinted_at_as_in_our_own_json() -> None:
    error = refusal(envelope(data={"session": "s1", "anonymous_id": "a1"}))
    assert "`session_id` is meant?" in error.message


def test_placements_and_candidates_come_through() -> None:
    ranked = OURS | {"placements": ["rerank"], "candidates": [{"item_id": "p1"}]}
    event = event_from_cloudevent_json(json.dumps(envelope("x.ranking_requested", ranked)).encode())
    assert (event.placements, [one.item_id for one in event.candidates]) == (("rerank",), ["p1"])
