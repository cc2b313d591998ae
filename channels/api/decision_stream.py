"""DecisionStream: what the engine decides, as it decides it, for those in this process who wait for it."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from channels.api.kept_decisions import Cause, KeptDecisions, cause_of, keep
from log.following import Follower, Taken, Topics
from log.unusable import LINES_BURST, LINES_PER_S, Budget
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.records import LogRecord
from schemas.topics import DECISIONS

DECISIONS_KEPT_MAX: Final = 10_000
"""Decisions of which a repeat of their event is answered at once; the oldest goes."""
PLACES_KEPT_MAX: Final = 50_000
"""Decisions of which it is known where in Kafka they lie, to explain them; the oldest goes."""
SUBSCRIBERS_MAX: Final = 1_000
SUBSCRIBERS_PER_SESSION_MAX: Final = 8
"""At the bound the session's oldest reader is let go: a page that was closed without a word."""
QUEUE_MAX: Final = 64
"""Decisions that wait for a slow reader; at the bound the reader is let go."""

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a decision lies in Kafka, and its cause; `timestamp_ms` is its record's."""

    partition: int
    offset: int
    timestamp_ms: int
    cause: Cause


class Read(NamedTuple):
    """A decision and the record it is of; `is_new`: it came after this process had begun to read."""

    decision: Decision
    record: LogRecord
    is_new: bool


class TooManyReaders(Exception):
    """SUBSCRIBERS_MAX read already."""


class Subscription:
    """One reader's queue of the decisions of a session; `None` in it: the reader was too slow."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.queue: asyncio.Queue[Decision | None] = asyncio.Queue(QUEUE_MAX)
        self.is_dropped = False

    def put(self, decision: Decision) -> None:
        """Hands a decision over; drops the reader where its queue is full."""
        if self.is_dropped:
            return
        if self.queue.qsize() >= QUEUE_MAX - 1:
            self.end()
        else:
            self.queue.put_nowait(decision)

    def end(self) -> None:
        """Lets the reader go after what it has."""
        self.is_dropped = True
        self.queue.put_nowait(None)


class DecisionStream:
    """Reads all partitions of `decisions`, in a thread and in no group: once for all of the process who want to know.

    It serves what comes; `behind` records of each partition that lie there already are for those who look on only.
    They (`on_decision`) are called in the thread with each that is read, in order, after those who wait were told; an
    error of theirs is logged and holds nobody up. Everything else is called in the loop.
    """

    def __init__(self, kafka: str, prefix: str, behind: int = 0) -> None:
        topic = prefix + DECISIONS
        topics = Topics((topic,), "end", {topic: behind})
        self.follower = Follower(kafka, "decisions", topics, self._take)
        self._waiting: dict[Cause, list[asyncio.Future[Decision]]] = {}
        self._subscribers: dict[str, list[Subscription]] = {}
        self._kept = KeptDecisions(DECISIONS_KEPT_MAX)
        self._places: OrderedDict[str, Place] = OrderedDict()
        self.on_decision: list[Callable[[Read], None]] = []
        self._lines = Budget(LINES_PER_S, LINES_BURST)
        self.waiting = self.readers = self.dropped = 0

    @property
    def is_connected(self) -> bool:
        """Whether decisions are read as they come, as far as is known."""
        return self.follower.is_complete and self.follower.is_connected

    def start(self) -> None:
        """Begins to read; to be called in the running loop."""
        self._loop = asyncio.get_running_loop()
        self.follower.start()

    def close(self) -> None:
        """Ends the thread and every subscription."""
        self.follower.stop()
        self._end_all()

    def end_streams(self) -> None:
        """Ends every subscription soon; may be called from a signal's handler."""
        self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        for subscription in [one for many in self._subscribers.values() for one in many]:
            if not subscription.is_dropped:
                subscription.end()

    def expect(self, cause: Cause) -> asyncio.Future[Decision]:
        """The decision that this event leads to for this placement, done as soon as it is there.

        Call it before the event is sent, and `forget` after.
        """
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(cause, []).append(future)
        self.waiting += 1
        known = self.find(cause)
        if known is not None:
            future.set_result(known)
        return future

    def forget(self, cause: Cause, future: asyncio.Future[Decision]) -> None:
        """Waits no longer."""
        waiting = self._waiting.get(cause, [])
        if future in waiting:
            waiting.remove(future)
            self.waiting -= 1
        if not waiting:
            self._waiting.pop(cause, None)
        future.cancel()

    def find(self, cause: Cause) -> Decision | None:
        """The decision on this event, if it was read lately."""
        return self._kept.find(cause)

    def newest(self, person: str, placement: str) -> Decision | None:
        """The person's newest decision of the placement, if it was read lately."""
        return self._kept.newest(person, placement)

    def place_of(self, decision_id: str) -> Place | None:
        """Where in Kafka the decision lies, if it was read lately."""
        return self._places.get(decision_id)

    def find_id(self, decision_id: str) -> Decision | None:
        """The decision with this id, if it was read lately."""
        place = self._places.get(decision_id)
        found = self.find(place.cause) if place else None
        return found if found is not None and found.decision_id == decision_id else None

    def subscribe(self, session_id: str) -> Subscription:
        """The decisions of a session from now on; raises TooManyReaders."""
        if self.readers >= SUBSCRIBERS_MAX:
            raise TooManyReaders(f"{self.readers} streams are open")
        subscription = Subscription(session_id)
        mine = self._subscribers.setdefault(session_id, [])
        live = [one for one in mine if not one.is_dropped]
        if len(live) >= SUBSCRIBERS_PER_SESSION_MAX:
            live[0].end()
        mine.append(subscription)
        self.readers += 1
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription."""
        found = self._subscribers.get(subscription.session_id, [])
        if subscription in found:
            found.remove(subscription)
            self.readers -= 1
            self.dropped += subscription.is_dropped
        if not found:
            self._subscribers.pop(subscription.session_id, None)

    # --- the thread ---------------------------------------------------------------------------------

    def _take(self, taken: Taken) -> None:
        read = Read(DECISION.decode(taken.record.value), *taken)
        if read.is_new:
            self._serve(read.decision, read.record)
        for look in self.on_decision:
            try:
                look(read)
            except Exception:
                if self._lines.take():
                    logger.exception("a decision was read, and %r failed", look)

    def _serve(self, decision: Decision, record: LogRecord) -> None:
        """Keeps it, and tells those who wait."""
        cause = cause_of(decision, decision.placement)
        sessions = {decision.session_id}
        if decision.kind == "decided":
            self._kept.add(decision, record.value)
        else:  # what was taken back is not shown from here, either, in whichever session it was decided
            sessions |= self._kept.take_back(decision.person, decision.placement)
        place = Place(record.partition, record.offset, record.timestamp_ms, cause)
        keep(self._places, decision.decision_id, place, PLACES_KEPT_MAX)
        if cause in self._waiting or not self._subscribers.keys().isdisjoint(sessions):
            self._tell(decision, sessions)

    def _tell(self, decision: Decision, sessions: Iterable[str]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, decision, sessions)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            return

    def _deliver(self, decision: Decision, sessions: Iterable[str]) -> None:
        if decision.kind == "decided":
            _wake(self._waiting.get(cause_of(decision, decision.placement), ()), decision)
        for session_id in sessions:
            for subscription in self._subscribers.get(session_id, ()):
                subscription.put(decision)


def _wake(waiting: Iterable[asyncio.Future[Decision]], decision: Decision) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(decision)
