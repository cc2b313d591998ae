"""Hostile records of formats of others: an event within bounds or InvalidEvent, whatever a seed makes of their examples."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import Event, is_name
from schemas.formats import FORMATS, OF_OTHERS, SNOWPLOW
from tests.hostile.records import TEXTS, is_within_bounds

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "10000"))
in_ci = settings(derandomize=True, max_examples=200)
at_length = settings(max_examples=EXAMPLES)
seeds = st.integers(0, 2**40)
FOLDER: Final = Path(__file__).parents[1] / "schemas/formats/examples"
NAMES: Final = (*OF_OTHERS, SNOWPLOW)
REAL: Final = {name: (FOLDER / f"{name}.jsonl").read_bytes().splitlines() for name in OF_OTHERS} | {
    SNOWPLOW: [
        one
        for name in ("snowplow/enriched.tsv", "visit/snowplow.jsonl")
        for one in (FOLDER.parent / name).read_bytes().splitlines()
    ]
}
VALUES: Final[tuple[Any, ...]] = (
    *TEXTS, None, True, False, 0, -1, 2**53 + 1, -(2**63), 2**64 - 1, 1e12, 1e300, -0.0, 5e-324, "19,99", "1.299,00", "1e999", "NaN",
    "\U0001f600" * 2_000, [], {}, [[]], [{}], {"a": 1}, [None], ["a"] * 300, {f"{n}": n for n in range(300)}, "2026-02-30T25:00:00Z", 1_769_860_800,
    1_769_860_800_000, 1_769_860_800_000_000, "1769860800", "31.12.2026", "2026-01-31T12:00:00", "0000-00-00", "9999-12-31T23:59:59+23:59",
)  # fmt: skip


def hostile(name: str, seed: int) -> bytes:
    """A record of the format, changed by the seed."""
    chance = random.Random(f"{name}/{seed}")
    return chance.choice(WAYS)(chance, chance.choice(REAL[name]), name)


def _noise(chance: random.Random, real: bytes, name: str) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 70, 1_001)))


def _flipped(chance: random.Random, real: bytes, name: str) -> bytes:
    data = bytearray(real)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _cut(chance: random.Random, real: bytes, name: str) -> bytes:
    return real[: chance.randrange(len(real))]


def _spliced(chance: random.Random, real: bytes, name: str) -> bytes:
    other = chance.choice(REAL[name])
    return real[: chance.randrange(len(real))] + other[chance.randrange(len(other)) :]


def _of_another_format(chance: random.Random, real: bytes, name: str) -> bytes:
    return chance.choice(REAL[chance.choice(NAMES)])


def _with_values(chance: random.Random, real: bytes, name: str) -> bytes:
    """One value or a few, wherever they stand, are others."""
    if not real.startswith(b"{"):
        return _with_columns(chance, real)
    fields = msgspec.json.decode(real)
    for path in chance.sample(list(paths_in(fields)), chance.randint(1, 3)):
        holder = fields
        for step in path[:-1]:
            holder = holder[step] if _has(holder, step) else {}
        if _has(holder, path[-1]):
            holder[path[-1]] = chance.choice(VALUES)
    return msgspec.json.encode(fields)


def _with_columns(chance: random.Random, real: bytes) -> bytes:
    """A column or a few of a line are others."""
    columns = real.split(b"\t")
    for at in chance.sample(range(len(columns)), chance.randint(1, 3)):
        value = chance.choice(VALUES)
        columns[at] = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    return b"\t".join(columns)


def _has(holder: Any, step: Any) -> bool:
    if isinstance(holder, list):
        return isinstance(step, int) and step < len(holder)
    return isinstance(holder, dict) and step in holder


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a record."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()  # fmt: skip
    for step, one in inner:
        yield (*path, step)
        yield from paths_in(one, (*path, step))


WAYS: Final[tuple[Callable[[random.Random, bytes, str], bytes], ...]] = (
    _noise, _flipped, _cut, _spliced, _of_another_format, *[_with_values] * 6,
)  # fmt: skip


def taken(name: str, seed: int) -> list[Event | InvalidEvent]:
    """What becomes of the records that a hostile value of a file is; what is an event is one within bounds, and can be written."""
    found: list[Event | InvalidEvent] = []
    for record in FORMATS[name].split(hostile(name, seed)):
        try:
            found.append(FORMATS[name].decode(record))
        except InvalidEvent as error:
            found.append(error)
    for one in found:
        if isinstance(one, InvalidEvent):
            assert one.message
            continue
        assert is_within_bounds(one)
        assert is_name(one.event_type)
        assert EVENT.decode(EVENT.encode(one)) == one
    return found


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@in_ci
def test_a_hostile_record_is_an_event_within_bounds_or_invalid(name: str, seed: int) -> None:
    assert taken(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@at_length
def test_many_hostile_records_are_events_within_bounds_or_invalid(name: str, seed: int) -> None:
    assert taken(name, seed)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_many_come_far(name: str) -> None:
    assert [hostile(name, seed) for seed in range(50)] == [
        hostile(name, seed) for seed in range(50)
    ]
    found: Counter[str] = Counter()
    for seed in range(300):
        found.update("taken" if isinstance(one, Event) else one.reason for one in taken(name, seed))
    assert found["taken"] > 40
    assert found["invalid_value"] > 30
    assert found["malformed"] > 30
