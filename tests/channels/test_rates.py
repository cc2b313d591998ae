"""Token buckets, and what is held open: nobody gets a fresh bucket by making up names."""

import pytest

from channels.api.rates import Open, Rates


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_who_has_anything_left_may_take_more_and_waits_for_all_of_it(clock: Clock) -> None:
    rates = Rates(10, 20, clock)
    assert rates.wait_s("a", 50) == 0
    assert rates.wait_s("a", 1) == pytest.approx(3.1)
    clock.now_s = 3.0
    assert rates.look_s("a") > 0
    clock.now_s = 3.2
    assert rates.wait_s("a", 1) == 0
    clock.now_s = 1_000.0
    assert rates.wait_s("a", 20) == 0
    assert rates.wait_s("a", 1) > 0, "at most the burst is kept"


def test_looking_takes_nothing(clock: Clock) -> None:
    rates = Rates(1, 1, clock)
    assert [rates.look_s("a") for _ in range(5)] == [0.0] * 5
    assert len(rates) == 0
    assert rates.wait_s("a") == 0
    assert rates.look_s("a") == 1.0


def test_a_flood_of_names_neither_resets_a_bucket_nor_grows_without_end(clock: Clock) -> None:
    rates = Rates(1, 10, clock, names_max=100)
    assert rates.wait_s("flooder", 500) == 0
    passed = sum(not rates.wait_s(f"made-up-{one}") for one in range(10_000))
    assert passed == 99 + 10, "those for whom there is room, and the bucket that the others share"
    assert len(rates) == 101
    assert rates.wait_s("flooder") > 400, "it is not forgotten while anything is owed"


def test_full_buckets_make_room_and_that_changes_nothing(clock: Clock) -> None:
    rates = Rates(1, 10, clock, names_max=100)
    assert not any(rates.wait_s(f"early-{one}") for one in range(100))
    clock.now_s = 2.0
    assert not any(rates.wait_s(f"late-{one}") for one in range(100))
    assert len(rates) == 100


def test_what_is_open_is_counted_under_every_name_or_under_none() -> None:
    opened = Open()
    both = [("all", 3), ("address", 2)]
    assert [opened.enter(both) for _ in range(3)] == [None, None, "address"]
    assert opened.enter([("all", 3), ("another", 2)]) is None
    assert opened.enter([("all", 3), ("third", 2)]) == "all"
    assert (opened.count("all"), opened.count("address"), opened.count("third")) == (3, 2, 0)
    opened.leave(both)
    assert opened.enter([("all", 3), ("third", 2)]) is None
