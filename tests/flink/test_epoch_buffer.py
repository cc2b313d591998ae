"""Facts wait for the end of their epoch, over a restart too; late ones for the end of the open one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.flink import epoch_buffer
from jobs.flink.epoch_buffer import EpochBuffer, open_epoch
from schemas.knowledge import epoch_end_ms, epoch_of
from schemas.limits import EPOCH_MS
from tests.builders import NOON


class Rows(dict[int, bytes]):
    """Stands for Flink's map state of one key, and the context that hands it out."""

    def get_map_state(self, descriptor: Any) -> "Rows":
        return self

    def put(self, place: int, value: bytes) -> None:
        self[place] = value

    def contains(self, place: int) -> bool:
        return place in self

    def remove(self, place: int) -> None:
        del self[place]


def test_epoch_is_taken_as_it_was_added_and_leaves_nothing() -> None:
    buffer = EpochBuffer(rows := Rows(), "facts")
    for number in range(10):
        buffer.add("k", 7 + number % 2, b"%d" % number)
    assert buffer.take("k", 7) == [b"0", b"2", b"4", b"6", b"8"]
    assert buffer.take("k", 7) == []
    assert buffer.take("k", 8) == [b"1", b"3", b"5", b"7", b"9"]
    assert rows == {}


def test_instance_after_a_restart_goes_on_with_what_is_there() -> None:
    rows = Rows()
    EpochBuffer(rows, "facts").add("k", 7, b"a")
    EpochBuffer(rows, "facts").add("k", 7, b"b")
    last = EpochBuffer(rows, "facts")
    last.add("k", 7, b"c")
    last.add("k", 8, b"d")
    assert last.take("k", 7) == [b"a", b"b", b"c"]
    assert EpochBuffer(rows, "facts").take("k", 8) == [b"d"]
    assert rows == {}


times = st.integers(NOON, NOON + 20 * EPOCH_MS)


@given(times, times)
def test_fact_waits_for_an_epoch_that_has_not_ended(order_ms: int, watermark_ms: int) -> None:
    epoch = open_epoch(order_ms, watermark_ms)
    assert epoch_end_ms(epoch) > watermark_ms
    is_late = epoch_end_ms(epoch_of(order_ms)) <= watermark_ms
    assert (epoch != epoch_of(order_ms)) == is_late
    assert epoch_end_ms(epoch - 1) <= max(order_ms, watermark_ms), "and for no later one"


def test_before_the_first_watermark_nothing_is_late() -> None:
    assert open_epoch(NOON, -(2**63)) == epoch_of(NOON)


def test_facts_beyond_the_bound_of_an_epoch_are_left_out_and_nothing_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(epoch_buffer, "FACTS_PER_EPOCH_MAX", 3)
    buffer = EpochBuffer(Rows(), "facts")
    assert [buffer.add("k", 7, b"%d" % n) for n in range(5)] == [True, True, True, False, False]
    assert buffer.take("k", 7) == [b"0", b"1", b"2"]
