"""A pace is steady: who comes late is told when it was due, and nobody goes ahead of it."""

import time
from itertools import islice, pairwise

from jobs.publish import now_ms
from scripts.bench.pace import moments

RATE = 100


def test_moments_are_due_at_the_rate_and_come_no_earlier() -> None:
    due_ms = []
    for one in islice(moments(RATE), 8):
        assert now_ms() >= one - 1, "clocks are rounded to a millisecond"
        due_ms.append(one)
    assert {later - one for one, later in pairwise(due_ms)} == {1_000 // RATE}


def test_who_falls_behind_is_told_when_it_was_due() -> None:
    pace = moments(RATE)
    first_ms = next(pace)
    time.sleep(0.05)
    assert [one - first_ms for one in islice(pace, 3)] == [10, 20, 30]
