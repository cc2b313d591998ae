"""Events in order of time, whatever fits into memory."""

from hypothesis import given
from hypothesis import strategies as st

from scripts.sorted_events import ENTRY_BYTES, Encoded, in_order_of_time


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 20))
def test_any_order_becomes_the_order_of_time_and_equal_times_stay(
    times: list[int], run: int
) -> None:
    events = [Encoded(time, "s", str(at), b"v") for at, time in enumerate(times)]
    found = list(in_order_of_time(events, run * ENTRY_BYTES))
    assert found == sorted(events, key=lambda one: one.time_ms)
