"""What a checkpoint holds is bytes: those of older versions are read, and no pickle is ever run."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.flink.plain_state import PLAIN, ValueOfBytes, bytes_in
from schemas.state.person import PERSON_STATE, PersonState


class Cell:
    """Stands for Flink's value state of one key, and the context that hands it out."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data

    def get_state(self, descriptor: Any) -> "Cell":
        return self

    def value(self) -> bytes | None:
        return self.data

    def update(self, data: bytes) -> None:
        self.data = data


RAN: list[str] = []


class Evil:
    """An object whose pickle, when it is loaded, leaves a sign."""

    def __reduce__(self) -> Any:
        return RAN.append, ("ran",)


@given(st.binary(max_size=300))
def test_what_is_kept_comes_back_whatever_it_begins_with(data: bytes) -> None:
    cell = Cell()
    ValueOfBytes(cell, "x").update(data)
    assert cell.data is not None
    assert cell.data[:1] == PLAIN
    assert ValueOfBytes(cell, "x").value() == data


@pytest.mark.parametrize("size", [0, 1, 3, 255, 256, 65_535, 65_536, 200_000])
def test_bytes_that_an_older_version_pickled_are_read(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    assert bytes_in(pickle.dumps(data[:size], 4)) == data[:size]


def test_state_of_an_older_version_comes_back_as_it_was() -> None:
    state = PersonState(0, 0, timer_ms=7)
    cell = Cell(pickle.dumps(PERSON_STATE.encode(state), 4))
    kept = ValueOfBytes(cell, "person").value()
    assert kept is not None
    assert PERSON_STATE.decode(kept) == state


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_pickle_is_refused_and_does_not_run(protocol: int) -> None:
    with pytest.raises(ValueError, match="state"):
        bytes_in(pickle.dumps(Evil(), protocol))
    assert RAN == []


@pytest.mark.parametrize(
    "value",
    ["text", 1, 2**4000, None, [b"a"], (b"a",), (b"a", b"b"), {b"a": b"b"}, bytearray(b"a"), Evil(), 0.5],
    ids=lambda one: type(one).__name__,  # the same in every process of xdist
)  # fmt: skip
def test_pickles_of_anything_but_bytes_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="state"):
        bytes_in(pickle.dumps(value, 4))
    assert RAN == []


@pytest.mark.parametrize("size", [3, 300, 70_000])
def test_what_is_cut_off_or_has_more_behind_it_is_refused(size: int) -> None:
    whole = pickle.dumps(b"a" * size, 4)
    evil = pickle.dumps(Evil(), 4)
    for data in (whole[:-1], whole[:-2], whole[: len(whole) // 2], whole + b".", whole + evil):
        with pytest.raises(ValueError, match=r"\w"):
            bytes_in(data)
    with pytest.raises(ValueError, match=r"\w"):
        bytes_in(whole[:-1] + evil[2:])
    assert RAN == []


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x80", b"\x80\x04", b"\x80\x04.", b"\x00abc", b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8e" + b"\xff" * 8 + b"a", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fa",
        b"\x80\x04B\xff\xff\xff\xffa", b"\x80\x04C\x01a\x94C\x01b\x94.", b"\x80\x04\x80\x04C\x01a\x94.",
    ],
)  # fmt: skip
def test_bytes_that_nobody_wrote_are_refused_without_taking_memory(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        bytes_in(data)


@given(st.binary(max_size=200))
def test_random_pickles_are_refused_or_bytes(data: bytes) -> None:
    try:
        found = bytes_in(b"\x80\x04" + data)
    except ValueError:
        return
    assert isinstance(found, bytes)
