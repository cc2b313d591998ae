"""Which dead letters there are, each place once, and which of them were sent again."""

import pytest

from schemas.codec import DEAD_LETTER
from schemas.dead_letters import DeadLetter, dead_letter, replayed
from schemas.errors import InvalidEvent, InvalidReason
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS
from scripts.letters.find_letters import Wanted, find_letters, replayed_places
from tests.builders import NOON


def letter(offset: int, reason: InvalidReason = "malformed", topic: str = "events") -> DeadLetter:
    return dead_letter(LogRecord(topic, 0, offset, NOON, "", b"raw"), InvalidEvent(reason, "why"))


def logged(*letters: DeadLetter) -> list[LogRecord]:
    return [
        LogRecord(DEAD_LETTERS, 0, at, NOON + at, "", DEAD_LETTER.encode(one))
        for at, one in enumerate(letters)
    ]


def places(records: list[LogRecord], **wanted: object) -> list[str]:
    found = find_letters(records, replayed_places(records))
    return [one.place for one in found if Wanted(**wanted).has(one, "shop.")]  # type: ignore[arg-type]


def test_each_place_is_there_once_however_often_it_is_told() -> None:
    assert places(logged(letter(1), letter(2), letter(1))) == ["events/0/1", "events/0/2"]


def test_what_was_sent_again_is_known_wherever_it_stands() -> None:
    records = logged(letter(1), letter(2), replayed(letter(1)), letter(1))
    found = list(find_letters(records, replayed_places(records)))
    assert [(one.place, one.is_replayed) for one in found] == [("events/0/1", True), ("events/0/2", False)]  # fmt: skip
    assert found[0].letter.raw == b"raw", "the letter itself, not what says so"


def test_what_says_so_holds_no_bytes() -> None:
    one = replayed(letter(1))
    assert (one.raw, one.reason, DEAD_LETTER.decode(DEAD_LETTER.encode(one))) == (
        b"",
        "replayed",
        one,
    )


def test_records_that_are_none_are_passed_over() -> None:
    bad = LogRecord(DEAD_LETTERS, 0, 9, NOON, "", b"\x00")
    assert places([bad, *logged(letter(1))]) == ["events/0/1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, 3), ({"reasons": ["malformed"]}, 2), ({"topics": ["events"]}, 2), ({"topics": ["import:a"]}, 1),
        ({"places": ["shop.events/0/2"]}, 1), ({"from_ms": NOON + 1}, 2), ({"to_ms": NOON + 1}, 1),
        ({"reasons": ["malformed"], "topics": ["import:a"]}, 0),
    ],
)  # fmt: skip
def test_they_are_chosen_by_reason_topic_place_and_time(
    wanted: dict[str, object], expected: int
) -> None:
    records = logged(
        letter(1, topic="shop.events"),
        letter(2, topic="shop.events"),
        letter(3, "too_late", "import:a"),
    )
    assert len(places(records, **wanted)) == expected
