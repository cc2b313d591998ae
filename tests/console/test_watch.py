"""What the console counts of dead letters."""

from channels.console.traffic import Traffic
from channels.console.watch import Watch
from log.following import Taken
from schemas.codec import DEAD_LETTER
from schemas.dead_letters import DeadLetter, dead_letter, replayed
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS
from tests.builders import NOON


class Counted(Traffic):
    """Traffic that keeps the letters it is told of."""

    def __init__(self) -> None:
        self.told: list[DeadLetter] = []

    def add_letter(self, letter: DeadLetter, at_ms: int) -> None:
        self.told.append(letter)


def test_what_says_that_a_letter_was_sent_again_is_none_itself() -> None:
    letter = dead_letter(
        LogRecord("events", 0, 1, NOON, "", b"{"), InvalidEvent("malformed", "why")
    )
    traffic = Counted()
    watch = Watch("127.0.0.1:1", "", traffic)
    for one in (letter, replayed(letter)):
        record = LogRecord(DEAD_LETTERS, 0, 0, NOON, "", DEAD_LETTER.encode(one))
        watch._take(Taken(record, is_new=True))
    assert traffic.told == [letter]
