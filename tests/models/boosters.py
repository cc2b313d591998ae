"""Boosters as somebody would make them who wants to end the process that loads them."""

import random
import struct
from collections.abc import Iterator

FIELDS = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "base_weights",
    "default_left", "split_type", "sum_hessian", "loss_changes",
)  # fmt: skip
NUMBERS = (-2, 7, 2**20, 2**31 - 1, -(2**31))


def mutated(booster: bytes) -> list[tuple[str, bytes]]:
    """Named boosters that are not this one."""
    return [(name, data) for name, data in _mutations(booster) if data != booster]


def _mutations(booster: bytes, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Mutations: numbers of arrays out of range, parameters, sizes, cut ends, random bytes."""
    for field in FIELDS:
        for value in NUMBERS[:2] if field in ("default_left", "split_type") else NUMBERS:
            yield f"{field}={value}", with_number(booster, field, value)
    for name, text in (
        ("num_nodes", b"9"), ("num_trees", b"99"), ("num_feature", b"9"), ("num_class", b"9"),
        ("num_target", b"9"), ("size_leaf_vector", b"9"), ("num_parallel_tree", b"9"),
    ):  # fmt: skip
        yield f"{name}={text.decode()}", with_text(booster, name, text)
    yield "another kind", booster.replace(b"gbtree", b"dart\0\0")
    yield "cut in the middle", booster[: len(booster) // 2]
    yield "cut at the end", booster[:-1]
    yield "more at the end", booster + b"}"
    chance = random.Random(seed)
    for at in range(24):
        data = bytearray(booster)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        yield f"random bytes {at}", bytes(data)


def with_number(booster: bytes, field: str, value: int) -> bytes:
    """The first number of the first array of this name is another one."""
    at = booster.index(field.encode() + b"[$") + len(field) + 2
    kind, length = booster[at : at + 1], booster[at + 2 : at + 3]
    at += 3 + {b"L": 8, b"l": 4, b"i": 1, b"U": 1}[length]
    if kind == b"U":
        return booster[:at] + bytes([value % 256]) + booster[at + 1 :]
    return booster[:at] + struct.pack(">i", value) + booster[at + 4 :]


def with_text(booster: bytes, name: str, text: bytes) -> bytes:
    """Parameters of this name have another value of one or two characters."""
    found, mark = booster, name.encode() + b"SL"
    at = found.find(mark)
    while at >= 0:
        end = at + len(mark) + 8
        (length,) = struct.unpack(">q", found[at + len(mark) : end])
        found = found[: end - 8] + struct.pack(">q", len(text)) + text + found[end + length :]
        at = found.find(mark, end)
    return found
