"""Sparse buckets with a live head."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.state.session import Bucket
from udfs.session.count_windows import bucket_at, buckets_in

KEPT = 5
indexes = st.lists(st.integers(0, 30), max_size=40)


def count_all(found: list[int]) -> list[Bucket]:
    buckets: list[Bucket] = []
    for index in found:
        bucket = bucket_at(buckets, index, Bucket, KEPT)
        if bucket is not None:
            bucket.events += 1
    return buckets


def test_a_bucket_is_made_where_something_happens() -> None:
    assert count_all([7, 7, 9]) == [Bucket(7, 2), Bucket(9, 1)]


def test_a_late_index_gets_its_own_bucket_in_order() -> None:
    assert count_all([9, 7, 8, 7]) == [Bucket(7, 2), Bucket(8, 1), Bucket(9, 1)]
    assert count_all([9, 5]) == [Bucket(5, 1), Bucket(9, 1)]


def test_an_index_out_of_the_kept_is_refused() -> None:
    assert count_all([9, 4]) == [Bucket(9, 1)]


def test_a_new_head_pushes_the_oldest_out() -> None:
    assert count_all([1, 2, 3, 6]) == [Bucket(2, 1), Bucket(3, 1), Bucket(6, 1)]
    assert count_all([1, 2, 100]) == [Bucket(100, 1)]


def test_a_window_ends_with_its_head() -> None:
    buckets = count_all([1, 3, 4, 5])
    assert [one.index for one in buckets_in(buckets, 4, 2)] == [3, 4]
    assert [one.index for one in buckets_in(buckets, 9, 4)] == []
    assert [one.index for one in buckets_in(buckets, 5, 5)] == [1, 3, 4, 5]


@given(indexes)
def test_buckets_are_in_order_without_gaps_in_time_or_number(found: list[int]) -> None:
    """Counting in buckets is the same as counting the indexes that were within the kept ones."""
    expected: dict[int, int] = {}
    newest = -1
    for index in found:
        newest = max(newest, index)
        if index > newest - KEPT:
            expected[index] = expected.get(index, 0) + 1
        expected = {one: count for one, count in expected.items() if one > newest - KEPT}
    assert [(one.index, one.events) for one in count_all(found)] == sorted(expected.items())
