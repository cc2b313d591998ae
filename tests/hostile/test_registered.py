"""Hostile records behind a schema's id: an event within bounds or InvalidEvent, whatever a seed makes of real ones."""

import os
import random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import Event, is_name
from schemas.formats import OF_TOPICS
from scripts.bench.made_records import RECORDS, events, readers
from tests.hostile.records import is_within_bounds

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "10000"))
in_ci = settings(derandomize=True, max_examples=200)
at_length = settings(max_examples=EXAMPLES)
seeds = st.integers(0, 2**40)
READERS: Final = readers()
REAL: Final = {name: [RECORDS[name](one) for one in events(12)] for name in OF_TOPICS}


def hostile(name: str, seed: int) -> bytes:
    """A record of the format: bits flipped, a piece cut out or put in, or noise behind its header."""
    chance = random.Random(f"{name}/{seed}")
    data = bytearray(chance.choice(REAL[name]))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randrange(9)]
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(9))
            case _:
                data[at:] = chance.choice(REAL[name])[at:] if at > 5 else data[at:]
    return bytes(data) if chance.randrange(8) else bytes(data[:5]) + chance.randbytes(90)


def taken(name: str, seed: int) -> Event | InvalidEvent:
    """What becomes of it; an event is one within bounds, and can be written."""
    try:
        event = READERS[name].decode(hostile(name, seed))
    except InvalidEvent as error:
        return error
    assert is_within_bounds(event)
    assert is_name(event.event_type)
    assert EVENT.decode(EVENT.encode(event)) == event
    return event


@pytest.mark.parametrize("name", OF_TOPICS)
@given(seed=seeds)
@in_ci
def test_a_hostile_record_is_an_event_within_bounds_or_invalid(name: str, seed: int) -> None:
    assert taken(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", OF_TOPICS)
@given(seed=seeds)
@at_length
def test_many_hostile_records_are_events_within_bounds_or_invalid(name: str, seed: int) -> None:
    assert taken(name, seed)


@pytest.mark.parametrize("name", OF_TOPICS)
def test_hostile_records_are_of_both_kinds(name: str) -> None:
    found = [type(taken(name, seed)) for seed in range(300)]
    assert set(found) == {Event, InvalidEvent}
