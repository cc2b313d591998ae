"""Bounds at the door: whatever JSON may say, what passes can be written to the wire and to state."""

from typing import Any

import msgspec
import pytest

from schemas.codec import CONTROL, DEAD_LETTER, DECISION, EVENT, ITEM, Codec, check_event_size
from schemas.control import Control
from schemas.dead_letters import dead_letter
from schemas.errors import InvalidEvent
from schemas.formats.json_lines import event_from_json, item_from_json
from schemas.limits import (
    DEAD_LETTER_RAW_BYTES_MAX,
    EVENT_BYTES_MAX,
    EVENT_TIME_MAX_MS,
    EVENT_WRITTEN_BYTES_MAX,
    ITEM_BYTES_MAX,
    WHOLE_MAX,
)
from schemas.records import LogRecord
from tests.builders import NOON, make_event
from tests.channels.decisions import make_decision

EVENT_FIELDS = msgspec.to_builtins(make_event())
HUGE = (WHOLE_MAX + 1, -WHOLE_MAX - 1, 2**63, 2**64, 10**400)


def as_json(fields: dict[str, Any]) -> bytes:
    return "{{{}}}".format(
        ",".join(
            f'"{name}":{value if type(value) is int else msgspec.json.encode(value).decode()}'
            for name, value in fields.items()
        )
    ).encode()


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("field", ["sent_at_ms", "quantity", "event_time_ms", "price"])
def test_a_number_that_avro_cannot_hold_is_refused(field: str, value: int) -> None:
    event: Any = None
    with pytest.raises(InvalidEvent):
        event = event_from_json(as_json(EVENT_FIELDS | {field: value * 1_000_000}))
    assert event is None


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("field", ["created_ms", "stock", "effective_from_ms"])
def test_an_items_number_that_avro_cannot_hold_is_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidEvent):
        item_from_json(as_json({"item_id": "i1", field: value}))


def test_numbers_at_their_bounds_are_written() -> None:
    for sent_at_ms in (-WHOLE_MAX, WHOLE_MAX):
        event = event_from_json(as_json(EVENT_FIELDS | {"sent_at_ms": sent_at_ms}))
        assert EVENT.decode(EVENT.encode(event)) == event
    fields = {
        "stock": WHOLE_MAX,
        "created_ms": -WHOLE_MAX,
        "effective_from_ms": EVENT_TIME_MAX_MS - 1,
    }
    item = item_from_json(as_json({"item_id": "i1"} | fields))
    assert ITEM.decode(ITEM.encode(item)) == item


@pytest.mark.parametrize(
    ("codec", "record"),
    [
        (DECISION, make_decision(1, kind="guessed")),
        (CONTROL, Control("policy", "", "1", 0)),
        (CONTROL, Control("policy", "shop", "1", -1)),
    ],
)
def test_a_value_that_the_schema_allows_and_we_do_not_is_refused(
    codec: Codec[Any], record: Any
) -> None:
    with pytest.raises(InvalidEvent, match="invalid_value"):
        codec.decode(codec.encode(record))


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(InvalidEvent, match="too_large"):
        event_from_json(b" " * (EVENT_BYTES_MAX + 1))
    with pytest.raises(InvalidEvent, match="too_large"):
        item_from_json(b" " * (ITEM_BYTES_MAX + 1))


def test_a_dead_letter_is_cut_and_says_so() -> None:
    record = LogRecord("events", 0, 1, NOON, "s1", b"x" * (DEAD_LETTER_RAW_BYTES_MAX + 5))
    letter = dead_letter(record, InvalidEvent("malformed", "m" * 9000))
    assert len(letter.raw) == DEAD_LETTER_RAW_BYTES_MAX
    assert letter.message == "m" * 500 + " (the last 5 raw bytes are left out)"
    assert DEAD_LETTER.decode(DEAD_LETTER.encode(letter)) == letter
    whole = dead_letter(record._replace(value=b"x"), InvalidEvent("malformed", "short"))
    assert (whole.message, whole.raw) == ("short", b"x")


def test_an_event_that_is_larger_as_avro_than_as_json_is_measured_as_it_is_written() -> None:
    features = {chr(0x4E00 + n): 1.0 for n in range(32)}
    candidates = [{"item_id": f"{n}", "features": features} for n in range(1_000)]
    event = make_event(candidates=candidates, properties={f"{n}": "x" * 2_048 for n in range(64)})
    check_event_size(event)
    filler = {f"{'盾' * 682}{n}": "盾" * 682 for n in range(64)}
    larger = make_event(
        candidates=[{"item_id": "盾" * 200 + f"{n}", "features": features} for n in range(1_000)],
        properties=filler,
    )
    assert len(EVENT.encode(larger)) > EVENT_WRITTEN_BYTES_MAX
    with pytest.raises(InvalidEvent, match="too_large"):
        check_event_size(larger)
    check_event_size(make_event())
