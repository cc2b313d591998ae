"""What the stream taught, as decisions that are made again need it."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from schemas.errors import InvalidEvent
from schemas.knowledge import EpochEnd, KnowledgeRecord, effective_from_ms, learnt_record
from schemas.limits import EPOCHS_KEPT
from schemas.records import LogRecord
from udfs.knowledge.knowledge import Knowledge

T = TypeVar("T")


def taught_from_ms(records: Iterable[LogRecord]) -> int:
    """From when on the topic `knowledge` tells what was known; 0 = since ever. `records` are its own, from the first.

    Kafka compacts what is older than all that asks for it: then offsets are missing in front of the first end marker.
    """
    is_whole = True
    for expected, record in enumerate(records):
        is_whole &= record.offset == expected
        try:
            learnt = learnt_record(record.value, record.timestamp_ms)
        except InvalidEvent:
            continue
        if isinstance(learnt, EpochEnd):
            return 0 if is_whole else learnt.effective_from_ms
    return 0


class Taught:
    """What the stream taught, learnt as far as decisions name it: no sooner than the job did.

    `from_ms`: what was in force up to then is not told any more (see taught_from_ms).
    """

    def __init__(
        self, knowledge: Knowledge, records: Iterable[KnowledgeRecord], from_ms: int = 0
    ) -> None:
        self.knowledge, self._records = knowledge, iter(records)
        self._from_ms = from_ms
        self._next = next(self._records, None)
        self._ahead: deque[KnowledgeRecord] = deque()
        self.epoch = 0
        """The newest epoch that is learnt."""
        self.due = 0
        """The newest epoch in force at the time of `look`: what a replay would see."""
        self.back = 0
        """How many epochs behind the newest the oldest was that had to be seen again."""

    def known_for(self, epoch: int) -> int:
        """The newest epoch that is learnt; 0 where this one is not told any more."""
        return self.epoch if self._tells(epoch) else 0

    def learn(self, epoch: int) -> None:
        """Learns everything up to this epoch; each epoch comes into force at its time."""
        if epoch and self._tells(epoch):  # of others there is nothing to see
            self.back = max(self.back, self.epoch - epoch)
        while self.epoch < epoch and (record := self._take()) is not None:
            self.knowledge.learn(record)
            if isinstance(record, EpochEnd):
                self.epoch = record.epoch

    def put_in_force(self, epoch: int) -> None:
        """Learns everything up to this epoch and has it in force, whatever the time."""
        self.learn(epoch)
        self.knowledge.advance(effective_from_ms(epoch))

    def look(self, time_ms: int) -> None:
        """Finds what is in force at `time_ms`, which never goes back; learns nothing."""
        while self._next is not None and self._next.effective_from_ms <= time_ms:
            if isinstance(self._next, EpochEnd):
                self.due = self._next.epoch
            self._ahead.append(self._next)
            self._next = next(self._records, None)

    def _tells(self, epoch: int) -> bool:
        return effective_from_ms(epoch) > self._from_ms

    def _take(self) -> KnowledgeRecord | None:
        if self._ahead:
            return self._ahead.popleft()
        record, self._next = self._next, next(self._records, None)
        return record


class LookingBack:
    """Passes over the log whose decisions see every epoch that they name; `teach` is told how many to keep.

    Epochs are kept as far back as the job keeps them; if that was too little, a pass is made once more, and later ones
    keep as many. Where knowledge came late to one partition's people and not to another's, decisions that lie side by
    side name epochs that are further apart than that.
    """

    def __init__(self, teach: Callable[[int], Taught], say: Callable[[str], None]) -> None:
        self._teach, self._say = teach, say
        self._kept = EPOCHS_KEPT

    def run(self, go: Callable[[Taught], T]) -> T:
        """What a pass gives."""
        while True:
            taught = self._teach(self._kept)
            found = go(taught)
            if taught.back <= self._kept:
                return found
            self._kept = taught.back
            self._say(
                f"decisions go back and forth by {taught.back:,} epochs of knowledge: once more, keeping so many"
            )
