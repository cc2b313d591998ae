"""What a reader leaves out: counted, told without what is in it, put aside with its place, and never a flood."""

import logging

import pytest

from log.unusable import ASIDE_BURST, Aside, Budget, Unusable
from schemas.codec import DEAD_LETTER
from schemas.errors import InvalidEvent
from schemas.records import LogRecord

RECORD = LogRecord("p.decisions", 3, 42, 0, "anna@example.org", b"anna")
FAULT = InvalidEvent("invalid_value", "anna@example.org is wrong")


class Letters:
    """Keeps what a producer is handed."""

    def __init__(self) -> None:
        self.found: list[tuple[str, bytes, bytes]] = []

    def produce(self, topic: str, value: bytes, key: bytes, /, timestamp: int) -> None:
        self.found.append((topic, key, value))

    def poll(self, timeout: float, /) -> int:
        return 0

    def flush(self, timeout: float, /) -> int:
        return 0


def test_a_line_names_the_place_and_the_reason_and_no_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    letters = Letters()
    unusable = Unusable(logging.getLogger("test"), Aside(letters, "p."))
    unusable.add(RECORD, FAULT)
    assert caplog.messages == ["p.decisions/3/42 cannot be used: invalid_value"]
    ((topic, key, value),) = letters.found
    assert (topic, key) == ("p.dead_letters", b"p.decisions/3/42")
    letter = DEAD_LETTER.decode(value)
    assert (letter.reason, letter.raw, letter.offset) == ("invalid_value", b"anna", 42)


def test_what_was_there_before_is_only_counted_and_a_letter_makes_no_letter() -> None:
    letters = Letters()
    unusable = Unusable(logging.getLogger("test"), Aside(letters, "p."))
    unusable.add(RECORD, FAULT, is_new=False)
    unusable.add(RECORD._replace(topic="p.dead_letters"), FAULT)
    assert (unusable.count, letters.found) == (2, [])


def test_a_flood_is_counted_whole_and_told_in_part(caplog: pytest.LogCaptureFixture) -> None:
    letters = Letters()
    unusable = Unusable(logging.getLogger("test"), Aside(letters, ""))
    for _ in range(5_000):
        unusable.add(RECORD, FAULT)
    assert unusable.count == unusable.reasons["invalid_value"] == 5_000
    assert len(caplog.messages) < 100
    assert ASIDE_BURST <= len(letters.found) < 4_000


def test_a_budget_flows_back_with_time() -> None:
    now = [0.0]
    budget = Budget(2.0, 3.0, lambda: now[0])
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 1.0
    assert [budget.take() for _ in range(3)] == [True, True, False]
    now[0] = 1_000.0
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
