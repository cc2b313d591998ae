"""Where an event is of: to about a kilometre, whichever way it comes, and refused where no such place is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import Context, Event, event_from_fields
from schemas.formats.json_lines import event_from_json
from tests.builders import make_event
from tests.examples.write import FOLDER

EXACT = {"latitude": 52.516274, "longitude": 13.377703}
FIELDS = msgspec.to_builtins(make_event())


def contexts_of(context: dict[str, Any]) -> list[Context | None]:
    """The context by JSON that is read at once, by JSON that is read closely, by fields, and by the log."""
    fields = FIELDS | {"context": context}
    close = msgspec.json.encode(fields | {"who": "knows"})
    found: list[Event] = [event_from_json(msgspec.json.encode(fields)), event_from_json(close), event_from_fields(fields)]  # fmt: skip
    return [one.context for one in [*found, EVENT.decode(EVENT.encode(found[0]))]]


def test_a_point_is_kept_to_two_places_by_every_way_in() -> None:
    assert contexts_of(EXACT) == [Context(latitude=52.52, longitude=13.38)] * 4


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_no_context_is_more_exact_and_none_is_further_off(north: float, east: float) -> None:
    found = Context(latitude=north, longitude=east)
    assert found.latitude is not None
    assert found.longitude is not None
    assert max(abs(found.latitude - north), abs(found.longitude - east)) <= 0.00501
    assert found == Context(latitude=found.latitude, longitude=found.longitude)


@pytest.mark.parametrize(
    "context",
    [
        {"latitude": 91.0, "longitude": 0.0}, {"latitude": 0.0, "longitude": 180.5}, {"latitude": float("nan")}, {"latitude": "52"},
        {"region": 5}, {"currency": "E" * 3_000},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_place_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match="context"):
        event_from_fields(FIELDS | {"context": context})


def test_an_event_of_before_says_no_more_than_it_did() -> None:
    old = EVENT.decode((FOLDER / "event/v5/everything.avro").read_bytes())
    assert old.context == Context("phone", "Android", "Firefox", "DE", "Köln", "https://example.org/", "spring", 60, True)  # fmt: skip
