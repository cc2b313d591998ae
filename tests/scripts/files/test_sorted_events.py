"""Events in order of time, whatever fits into memory."""

from hypothesis import given
from hypothesis import strategies as st

from scripts.files.sorted_events import ENTRY_BYTES, Encoded, already_in_order, in_order_of_time


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 20))
def test_any_order_becomes_the_order_of_time_and_equal_times_stay(
    times: list[int], run: int
) -> None:
    events = [Encoded(time, "s", str(at), b"v") for at, time in enumerate(times)]
    found = list(in_order_of_time(events, run * ENTRY_BYTES))
    assert found == sorted(events, key=lambda one: one.time_ms)


@given(st.lists(st.integers(0, 5), max_size=50))
def test_what_is_in_order_comes_at_once_and_what_is_not_is_put_in_order_from_there_on(
    times: list[int],
) -> None:
    events = [Encoded(time, "s", str(at), b"v") for at, time in enumerate(times)]
    found = list(already_in_order(events))
    good = next((at for at in range(1, len(times)) if times[at] < times[at - 1]), len(times))
    assert found[:good] == events[:good]
    assert found[good:] == sorted(events[good:], key=lambda one: one.time_ms)
    source = iter([*events, Encoded(9, "s", "last", b"v")])
    next(already_in_order(source), None)
    assert len(list(source)) == len(events), "no more is read than is given"
