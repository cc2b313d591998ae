"""From what channels send to events: times in any form, ids that do not change, bad ones apart."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.api.read_events import ReadEvents, Sender, read_events, read_session
from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats.json_lines import read_event
from schemas.limits import AHEAD_OF_LOG_MAX_MS, HOUR_MS, MINUTE_MS

NOW: Final = 1_700_000_000_000
SENDER: Final = Sender("s", "a")


def session(*events: dict[str, Any], now_ms: int = NOW, page: str | None = None) -> ReadEvents:
    return read_session(events, SENDER, now_ms, page)


def view(product: str = "p", **fields: Any) -> dict[str, Any]:
    return {"event": "product_viewed", "product_id": product, **fields}


@pytest.mark.parametrize(
    "written",
    [NOW, float(NOW), str(NOW), "2023-11-14T22:13:20Z", "2023-11-14T22:13:20", "2023-11-14T23:13:20.000+01:00"],
)  # fmt: skip
def test_a_time_is_milliseconds_or_iso_8601_at_every_door(written: Any) -> None:
    for found in (
        session(view(timestamp=written)),
        session(view(event_time_ms=written)),
        read(full(event_time_ms=written)),
        read(full(timestamp=written)),
    ):
        assert [one.event_time_ms for one in found.events] == [NOW]
    event = read_event(msgspec.json.encode(full(event_id="e", timestamp=written))).event
    assert event.event_time_ms == NOW


NO_TIMES: Final = (
    "yesterday", "", "nan", "inf", "-1", "1e300", -5, 1e15, "9999-99-99", 10**400, NOW * 1000, 9_999_999_999_999,
)  # fmt: skip


@pytest.mark.parametrize("written", NO_TIMES, ids=range(len(NO_TIMES)))
def test_what_is_no_time_is_refused_alone_at_every_door(written: Any) -> None:
    for found in (
        session(view(timestamp=written), view()),
        session(view(event_time_ms=written), view()),
        read(full(event_time_ms=written), full()),
        read(full(timestamp=written), full()),
    ):
        assert len(found.events) == 1
        assert "is no time" in found.bad[0].rejected.reason


@pytest.mark.parametrize("written", [1_700_000_000, 1_700_000_000.25, "1700000000"])
def test_seconds_are_told_what_was_meant_at_every_door(written: Any) -> None:
    for found in (
        session(view(timestamp=written)),
        session(view(event_time_ms=written)),
        read(full(event_time_ms=written)),
        read(full(timestamp=written)),
    ):
        assert found.events == []
        assert "in seconds it would be 2023-11-14T22:13:20" in found.bad[0].rejected.reason
    with pytest.raises(InvalidEvent, match=r"event_time_ms: .*in seconds it would be"):
        read_event(msgspec.json.encode(full(event_id="e", event_time_ms=written)))


def test_the_seed_contracts_events() -> None:
    read = session(
        view("SKU-441", timestamp=NOW - 5_000),
        {"event": "filter_applied", "attribute": "size", "value": "10", "timestamp": NOW - 1_000},
    )
    first, second = read.events
    assert (first.event_type, first.item_ids, first.event_time_ms) == (
        "product_viewed",
        ("SKU-441",),
        NOW - 5_000,
    )
    assert (second.attribute, second.value, second.session_id, second.anonymous_id) == (
        "size",
        "10",
        "s",
        "a",
    )
    assert read.bad == []


def test_a_number_is_the_text_that_a_person_would_write() -> None:
    read = session(
        {"event": "filter_applied", "attribute": "size", "value": 10.0},
        {"event": "filter_applied", "attribute": "new", "value": True, "product_id": 17},
    )
    assert [one.value for one in read.events] == ["10", "true"]
    assert read.events[1].item_ids == ("17",)


def test_the_same_events_have_the_same_ids_wherever_they_stand_in_the_list() -> None:
    one, two, three = (
        view("p", timestamp=NOW),
        view("q", timestamp=NOW + 1),
        view("r", timestamp=NOW + 2),
    )
    before = {event.item_ids: event.event_id for event in session(one, two).events}
    after = {
        event.item_ids: event.event_id for event in session(two, three, one, now_ms=NOW + 9).events
    }
    assert {ids: after[ids] for ids in before} == before
    assert len(set(after.values())) == 3


def test_with_a_time_the_same_event_twice_is_one_and_without_it_is_two() -> None:
    timed = session(view(timestamp=NOW), view(timestamp=NOW)).events
    assert timed[0].event_id == timed[1].event_id
    untimed = session(view(), view()).events
    assert untimed[0].event_id != untimed[1].event_id
    again = session(view(), view(), view(), now_ms=NOW + 5).events
    assert [one.event_id for one in again[:2]] == [one.event_id for one in untimed]


@pytest.mark.parametrize("off_ms", [-400 * 24 * HOUR_MS, -31 * MINUTE_MS, 2 * MINUTE_MS, 10**12])
def test_a_clock_that_is_wrong_is_set_by_the_newest_event(off_ms: int) -> None:
    newest = NOW + off_ms
    read = session(view("p", timestamp=newest - 20_000), view("q", timestamp=newest))
    assert [one.event_time_ms for one in read.events] == [NOW - 20_000, NOW]


@pytest.mark.parametrize("off_ms", [-29 * MINUTE_MS, -1, 0, 30_000])
def test_a_clock_that_is_nearly_right_is_believed(off_ms: int) -> None:
    read = session(view(timestamp=NOW + off_ms))
    assert [one.event_time_ms for one in read.events] == [NOW + off_ms]


def test_a_bad_event_is_named_and_the_others_are_taken() -> None:
    read = session(view(), {"event": "view\n"}, view("q", timestamp="soon"), view("r"))
    assert [one.item_ids for one in read.events] == [("p",), ("r",)]
    assert [(one.at, one.error.reason) for one in read.bad] == [
        (1, "invalid_value"),
        (2, "invalid_value"),
    ]


def test_a_name_that_is_none_of_ours_is_taken_and_told_with_the_nearest() -> None:
    read = session(view(), {"event": "level_completed"}, {"event": "product_veiwed"})
    assert not read.bad
    assert [one.event_type for one in read.events[1:]] == ["level_completed", "product_veiwed"]
    told = {one.field: one for one in read.notices}
    assert told["level_completed"].meant is None
    assert told["product_veiwed"].meant == "product_viewed"


def test_strictly_a_name_that_is_nearly_ours_is_refused_and_one_of_its_own_is_not() -> None:
    given = [{"event_type": "level_completed"}, {"event_type": "product_veiwed"}]
    read = read_events(given, Sender("s1", "a1"), NOW, is_strict=True)
    assert [one.event_type for one in read.events] == ["level_completed"]
    assert "`product_viewed` is meant?" in read.bad[0].error.message


def test_the_newest_event_is_on_the_current_page() -> None:
    read = session(view(), view("q"), page="/now")
    assert [one.page for one in read.events] == [None, "/now"]
    assert session(view(page="/own"), page="/now").events[0].page == "/own"


def full(**fields: Any) -> dict[str, Any]:
    return {"event_type": "page_viewed", "session_id": "s1", "anonymous_id": "a1", **fields}


def read(*given: object, sender: Sender = SENDER) -> ReadEvents:
    return read_events(given, sender, NOW)


def test_what_an_event_leaves_out_is_filled_in() -> None:
    event = read({"event_type": "page_viewed"}).events[0]
    assert (event.session_id, event.anonymous_id, event.event_time_ms) == ("s", "a", NOW)
    assert (len(event.event_id), event.sent_at_ms) == (32, NOW)
    alone = read(
        {"event_type": "page_viewed", "session_id": "x"}, sender=Sender(None, None)
    ).events[0]
    assert alone.anonymous_id == "x"


def test_who_signs_out_without_saying_who_goes_on_is_nobody_known() -> None:
    given = [{"event_type": kind, "session_id": "s"} for kind in ("page_viewed", "signed_out")]
    read = read_events(given, Sender(None, None), 1_700_000_000_000, lambda _: "customer-7")
    assert [one.anonymous_id for one in read.events] == ["customer-7", "s"]


def test_an_event_with_its_own_time_has_an_id_of_its_own() -> None:
    first, second = (read(full(event_time_ms=NOW - 5)).events[0].event_id for _ in range(2))
    assert first == second != read(full(event_time_ms=NOW - 6)).events[0].event_id
    without = read(full(), full()).events
    assert without[0].event_id != without[1].event_id


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (5, "malformed"),
        (None, "malformed"),
        ([], "malformed"),
        ({}, "invalid_value"),
        ({"event_type": "page_viewed", "session_id": ""}, "invalid_value"),
        (full(event_type=""), "invalid_value"),
        (full(event_type="x" * 101), "invalid_value"),
        (full(event_type="level\u202e"), "invalid_value"),
        (full(event_type=7), "invalid_value"),
        (full(event_type="clock_ticked"), "invalid_value"),
        (full(event_type="identified"), "invalid_value"),
        (full(price=-1), "invalid_value"),
        (full(event_time_ms=0), "invalid_value"),
        (full(event_time_ms="now"), "invalid_value"),
        (full(event_time_ms=True), "invalid_value"),
        (full(event_time_ms=[]), "invalid_value"),
        (full(event_time_ms=NOW + AHEAD_OF_LOG_MAX_MS + 1), "ahead_of_log"),
        (full(item_ids=["i"] * 201), "invalid_value"),
        (full(event_id="x" * 257), "invalid_value"),
        (full(properties={"deep": {"deeper": 1}}), "invalid_value"),
        (full(properties={"x" * 2_000 + str(at): "y" * 2_000 for at in range(64)}, candidates=[
            {"item_id": f"{at:04}" + "i" * 250, "features": {"f" * 1_900: 1.0}} for at in range(1_000)
        ]), "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_told_with_its_reason(given: object, reason: str) -> None:
    found = read(full(), given)
    assert [one.session_id for one in found.events] == ["s1"]
    assert [(one.at, one.error.reason) for one in found.bad] == [(1, reason)]


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)
NAMES: Final = st.sampled_from([one.name for one in msgspec.structs.fields(Event)])


@settings(max_examples=300)
@given(
    st.lists(JSON | st.dictionaries(NAMES, JSON | st.just("page_viewed"), max_size=8), max_size=4)
)
def test_whatever_is_sent_each_event_is_taken_or_named_and_what_is_taken_goes_through_the_wire(
    given: list[object],
) -> None:
    found = read_events(given, SENDER, NOW)
    assert len(found.events) + len(found.bad) == len(given)
    for event in found.events:
        assert EVENT.decode(EVENT.encode(event)) == event


def test_nobody_says_by_the_api_when_an_event_was_imported() -> None:
    for found in (session(view(imported_at_ms=NOW)), read(full(imported_at_ms=NOW))):
        assert [one.imported_at_ms for one in found.events] == [None]
