"""The dead letters of a log: one for each place, and which of them have been sent again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.codec import DEAD_LETTER
from schemas.dead_letters import REPLAYED, DeadLetter, key_of
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from scripts.times import time_or_none


class Found(NamedTuple):
    """A dead letter, when it was written, and whether it was sent again since."""

    letter: DeadLetter
    at_ms: int
    is_replayed: bool

    @property
    def place(self) -> str:
        """Of the record that could not be used."""
        return key_of(self.letter)


class Wanted(NamedTuple):
    """Which letters are meant: by reason, by the topic they are of (without its prefix), by place, by when they were written (epoch ms)."""

    reasons: Sequence[str] = ()
    topics: Sequence[str] = ()
    places: Sequence[str] = ()
    from_ms: int | None = None
    to_ms: int | None = None

    def has(self, found: Found, prefix: str = "") -> bool:
        """Whether it is one of them; nothing named = all."""
        letter = found.letter
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic.removeprefix(prefix) in self.topics)
            and (not self.places or found.place in self.places)
            and (self.from_ms is None or found.at_ms >= self.from_ms)
            and (self.to_ms is None or found.at_ms < self.to_ms)
        )


def wanted(
    reasons: Sequence[str] | None,
    topics: Sequence[str] | None,
    places: Sequence[str] | None,
    from_: str | None,
    to: str | None,
) -> Wanted:
    """Of what was said on the command line; raises ConfigError where a time is none."""
    return Wanted(reasons or (), topics or (), places or (), time_or_none(from_), time_or_none(to))


def replayed_places(records: Iterable[LogRecord]) -> frozenset[str]:
    """The places of what has been sent again."""
    return frozenset(key_of(one) for _, one in _letters(records) if one.reason == REPLAYED)


def find_letters(records: Iterable[LogRecord], replayed: frozenset[str]) -> Iterator[Found]:
    """The letters in the order of their log, each place once: a job that goes on from a checkpoint tells some again."""
    seen: set[str] = set()
    for record, letter in _letters(records):
        place = key_of(letter)
        if letter.reason == REPLAYED or place in seen:
            continue
        seen.add(place)
        yield Found(letter, record.timestamp_ms, place in replayed)


def _letters(records: Iterable[LogRecord]) -> Iterator[tuple[LogRecord, DeadLetter]]:
    for record in records:
        try:
            yield record, DEAD_LETTER.decode(record.value)
        except InvalidEvent:
            continue
