"""Hostile records, by topic, from a seed: the same seed gives the same bytes.

`hostile_record(seed)` names a topic and gives a value for it; `hostile_value(topic, seed)` gives one for that topic.
Most are changed from real records (tests/examples), so that they come far: bits flipped, cut, spliced, numbers at
their extremes, absurd times, huge and empty collections, another topic's record; the rest is noise.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import inf, nan
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

import msgspec

from schemas.codec import HEADER_BYTES, WRITER_SCHEMAS, Codec
from schemas.limits import EVENT_TIME_MAX_MS, EVENT_TIME_MIN_MS, FLOAT_MAX
from schemas.topics import (
    ALERTS,
    CONTROL,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    ITEMS,
    KNOWLEDGE,
    OUTCOMES,
    TRACES,
)
from tests.examples.write import CODECS, FOLDER

RECORDS: Final[Mapping[str, tuple[str, ...]]] = {
    EVENTS: ("event",),
    ITEMS: ("item",),
    CONTROL: ("control",),
    KNOWLEDGE: ("item_knowledge", "action_knowledge", "past_session", "epoch_end"),
    DECISIONS: ("decision",),
    TRACES: ("trace",),
    OUTCOMES: ("outcome",),
    ALERTS: ("alert",),
    DEAD_LETTERS: ("dead_letter",),
}
"""The records of each topic."""
WHOLE_EXTREMES: Final = (
    -(2**63), -(2**53) - 1, -1, 0, 1, EVENT_TIME_MIN_MS - 1, EVENT_TIME_MAX_MS, 2**53, 2**53 + 1, 2**60, 2**63 - 1,
)  # fmt: skip
FLOAT_EXTREMES: Final = (
    nan, inf, -inf, -FLOAT_MAX, FLOAT_MAX, -1.0, -0.0, 5e-324, 1e12, 1e300, 3.5e38,
)  # fmt: skip
TEXTS: Final = (
    "",
    "\0",
    "\ud7ff",
    "盾" * 700,
    "x" * 3_000,
    "\t",
    "../..",
    "{item.name}",
    "a:b",
    "NaN",
)
NESTED: Final = frozenset({"context", "versions", "left_out", "place", "off", "cause"})
"""Fields that are records themselves."""
LENGTHS: Final = (0, 1, 70, 1_001, 20_000)

Real = dict[str, list[bytes]]
REAL: Final[Real] = {
    topic: [
        one.read_bytes() for record in records for one in sorted(FOLDER.glob(f"{record}/v*/*.avro"))
    ]
    for topic, records in RECORDS.items()
}
"""What was ever written, by topic."""


def hostile_record(seed: int) -> tuple[str, bytes]:
    """A topic and a value for it."""
    topics = sorted(RECORDS)
    return topics[seed % len(topics)], hostile_value(topics[seed % len(topics)], seed)


def hostile_value(topic: str, seed: int) -> bytes:
    """A value for the topic: none that its readers need expect, now and then a good one."""
    chance = random.Random(f"{topic}/{seed}")
    real = chance.choice(REAL[topic])
    return chance.choice(WAYS)(chance, topic, real)


def codec_of(data: bytes) -> Codec[Any]:
    """The codec that wrote a real record."""
    name = next(one.record for one in WRITER_SCHEMAS if one.header == data[:HEADER_BYTES])
    return CODECS[name]


# --- ways -----------------------------------------------------------------------------------------------


def _noise(chance: random.Random, topic: str, real: bytes) -> bytes:
    return chance.randbytes(chance.choice(LENGTHS))


def _noise_behind_a_header(chance: random.Random, topic: str, real: bytes) -> bytes:
    return real[:HEADER_BYTES] + chance.randbytes(chance.choice(LENGTHS))


def _flipped(chance: random.Random, topic: str, real: bytes) -> bytes:
    data = bytearray(real)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(HEADER_BYTES, len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _cut(chance: random.Random, topic: str, real: bytes) -> bytes:
    return real[: chance.randrange(len(real))]


def _spliced(chance: random.Random, topic: str, real: bytes) -> bytes:
    other = chance.choice(REAL[topic])
    return real[: chance.randrange(HEADER_BYTES, len(real))] + other[chance.randrange(len(other)) :]


def _of_another_topic(chance: random.Random, topic: str, real: bytes) -> bytes:
    return chance.choice(REAL[chance.choice(sorted(REAL))])


def _with_another_header(chance: random.Random, topic: str, real: bytes) -> bytes:
    return chance.choice(WRITER_SCHEMAS).header + real[HEADER_BYTES:]


def _huge_lengths(chance: random.Random, topic: str, real: bytes) -> bytes:
    at = chance.randrange(HEADER_BYTES, len(real))
    return real[:at] + b"\xff" * 9 + b"\x01" + real[at:]


def _with_numbers(chance: random.Random, topic: str, real: bytes) -> bytes:
    """One number or a few at their extremes, written as another program may write it."""
    return _written(real, lambda fields: _numbers_changed(chance, fields))


def _with_texts(chance: random.Random, topic: str, real: bytes) -> bytes:
    return _written(real, lambda fields: _texts_changed(chance, fields))


def _with_collections(chance: random.Random, topic: str, real: bytes) -> bytes:
    """Each collection empty, or one as long as it gets."""
    return _written(real, lambda fields: _collections_changed(chance, fields))


def _good(chance: random.Random, topic: str, real: bytes) -> bytes:
    return real


WAYS: Final[tuple[Callable[[random.Random, str, bytes], bytes], ...]] = (
    _noise, _noise_behind_a_header, _flipped, _cut, _spliced, _of_another_topic, _with_another_header,
    _huge_lengths, _with_numbers, _with_numbers, _with_numbers, _with_texts, _with_collections, _good,
)  # fmt: skip


def _written(real: bytes, change: Callable[[Any], Any]) -> bytes:
    """The record with other fields; where Avro itself cannot hold them, the real one."""
    codec = codec_of(real)
    value = codec.decode(real)
    fields = msgspec.to_builtins(value, builtin_types=(bytes,))
    try:
        return codec.encode(built(type(value), change(fields)))
    except (ValueError, OverflowError, TypeError):
        return real


def _numbers_changed(chance: random.Random, fields: Any) -> Any:
    paths = list(numbers_in(fields))
    for path, before in chance.sample(paths, min(len(paths), chance.randint(1, 3))):
        extremes: tuple[float, ...] = WHOLE_EXTREMES if isinstance(before, int) else FLOAT_EXTREMES
        fields = changed(fields, path, chance.choice(extremes))
    return fields


def _texts_changed(chance: random.Random, fields: Any) -> Any:
    names = [name for name, one in fields.items() if isinstance(one, str)]
    return fields | {name: chance.choice(TEXTS) for name in names if chance.random() < 0.5}


def _collections_changed(chance: random.Random, fields: Any) -> Any:
    found = dict(fields)
    names = [
        name
        for name, one in fields.items()
        if isinstance(one, list | tuple | dict | bytes) and name not in NESTED
    ]
    for name in names:
        one = fields[name]
        if chance.random() < 0.5 or not one:
            found[name] = type(one)()
        elif isinstance(one, dict):
            found[name] = {f"{n}": value for n in range(chance.choice(LENGTHS[:4])) for value in [next(iter(one.values()))]}  # fmt: skip
        else:
            found[name] = one * chance.choice((2, 300))
    return found


# --- numbers in records ---------------------------------------------------------------------------------


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The path of every number in the builtins of a record."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from numbers_in(one, (*path, name))
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from numbers_in(one, (*path, at))
    elif type(value) in (int, float):
        yield path, value


def changed(value: Any, path: tuple[Any, ...], number: Any) -> Any:
    """A copy with another number under the path."""
    if not path:
        return number
    if isinstance(value, dict):
        return value | {path[0]: changed(value[path[0]], path[1:], number)}
    found = list(value)
    found[path[0]] = changed(value[path[0]], path[1:], number)
    return tuple(found)


def is_within_bounds(value: Any) -> bool:
    """Whether every number in a decoded value is finite and no larger than any bound."""
    return all(
        abs(one) <= (2**53 if isinstance(one, int) else FLOAT_MAX)
        for _, one in numbers_in(msgspec.to_builtins(value, builtin_types=(bytes,)))
    )


@cache
def _types_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {one.name: one.type for one in msgspec.structs.fields(kind)}


def built(kind: Any, value: Any) -> Any:
    """A record with these fields, unchecked, as another program may write it."""
    if value is None:
        return None
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        types = _types_of(kind)
        return kind(**{name: built(types[name], one) for name, one in value.items()})
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return built(next(one for one in get_args(kind) if one is not NoneType), value)
    if hasattr(kind, "__metadata__"):
        return built(get_args(kind)[0], value)
    if origin is tuple:
        return tuple(built(get_args(kind)[0], one) for one in value)
    return value
