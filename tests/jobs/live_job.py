"""A live decide job in one process: partitions that lag behind one another, news taken as it arrives."""

import random
from collections.abc import Iterator
from heapq import heappop, heappush, merge
from typing import Final
from zlib import crc32

import msgspec

from jobs.fold.learner import Learner
from schemas.codec import CONTROL, DEAD_LETTER, DECISION, EVENT, ITEM, TRACE
from schemas.decisions import Decision, DecisionTrace
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    ActionKnowledge,
    EpochEnd,
    ItemKnowledge,
    KnowledgeRecord,
    PastSession,
)
from schemas.limits import DAY_MS, LATENESS_MS, SECOND_MS
from schemas.policy import DEFAULT_CONTROL, DEFAULT_POLICY, Policy
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SessionNews, SessionState
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, ITEMS, KNOWLEDGE, TRACES
from tests.builders import make_catalogue
from tests.logs import Line
from udfs.inputs import INPUTS, PersonInput, is_for_member
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.results import SessionResult
from udfs.session.visit_of_history import look_again_ms
from udfs.track_session import expire_session, track_session

PARTITIONS: Final = 4
SEED: Final = "kairos"
LEARNT_AFTER_MS: Final = 2 * SECOND_MS
Topics = dict[str, list[LogRecord]]


class LiveJob:
    """Decides on a log as the jobs do live; `topics` is all that is in Kafka then.

    The watermark is `delay_ms` behind: so much later it is found that a session has ended. With `import_ms` the lines are
    history of long ago: the log's time is far ahead of theirs and goes on by so much with each record.
    """

    def __init__(
        self,
        lines: list[Line],
        lag_ms: int,
        seed: int = 3,
        delay_ms: int = SECOND_MS,
        import_ms: int | None = None,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self._delay_ms, self._import_ms, self._policy = delay_ms, import_ms, policy
        self._watermark_ms = 0
        self._due: dict[str, int] = {}
        self.topics: Topics = {
            name: []
            for name in (EVENTS, ITEMS, CONTROL_TOPIC, KNOWLEDGE, DECISIONS, TRACES, DEAD_LETTERS)
        }
        self._knowledge, self._learner = Knowledge(), Learner()
        self._sessions: dict[str, SessionState] = {}
        self._persons: dict[tuple[bool, str], PersonState | None] = {}
        self._timers: list[tuple[int, str]] = []
        self._told: list[SessionNews] = []
        self._publish()
        for line in lines:
            self._write(EVENTS, line.timestamp_ms, line.key, line.value)
        self._run(arrivals(self.topics[EVENTS], lag_ms, seed))

    def _publish(self) -> None:
        control = msgspec.structs.replace(
            DEFAULT_CONTROL, payload=msgspec.json.encode(self._policy)
        )
        version, from_ms = control.version, control.effective_from_ms
        self._knowledge.add_policy(version, from_ms, 0, compile_policy(self._policy))
        self._write(CONTROL_TOPIC, 0, "policy/default", CONTROL.encode(control), 0)
        for position, item in enumerate(make_catalogue()):
            self._knowledge.add_item(item, position)
            self._write(ITEMS, item.effective_from_ms, item.item_id, ITEM.encode(item), 0)

    def _run(self, arriving: list[LogRecord]) -> None:
        newest: dict[int, int] = {}
        end_ms = max(record.timestamp_ms for record in arriving)
        if self._import_ms is not None:
            self._advance(end_ms + DAY_MS)
        for record in arriving:
            state = self._sessions.get(record.key)
            self._keep(
                record.key,
                track_session(state, record, EVENT.decode, self._knowledge, LATENESS_MS),
            )
            newest[record.partition] = max(newest.get(record.partition, 0), record.timestamp_ms)
            least_ms = min(newest.values()) - self._delay_ms
            if self._import_ms is not None:
                self._advance(self._watermark_ms + self._import_ms)
            elif len(newest) == PARTITIONS and least_ms > self._watermark_ms:
                self._advance(least_ms)

    def _advance(self, watermark_ms: int) -> None:
        self._watermark_ms = watermark_ms
        while self._timers and self._timers[0][0] <= watermark_ms:
            due_ms, key = heappop(self._timers)
            state = self._sessions.get(key)
            if state is not None and due_ms == self._due[key]:
                self._keep(key, expire_session(state, key, state.timer_ms))
        for news in self._told:
            self._learner.add(news, self._knowledge)
        self._told.clear()
        for record in self._learner.close(watermark_ms - LEARNT_AFTER_MS):
            self._knowledge.learn(record)
            self._write(KNOWLEDGE, record.effective_from_ms, "", encoded(record), 0)

    def _keep(self, key: str, result: SessionResult) -> None:
        if result.state is None:
            self._sessions.pop(key, None)
        else:
            self._sessions[key] = result.state
            due_ms = look_again_ms(result.state, self._watermark_ms)
            self._due[key] = due_ms
            heappush(self._timers, (due_ms, key))
        for letter in result.dead_letters:
            self._write(DEAD_LETTERS, letter.event_time_ms or 0, "", DEAD_LETTER.encode(letter), 0)
        for one in result.told:
            self._act(one)

    def _act(self, given: PersonInput) -> None:
        if isinstance(given, SessionNews):
            self._told.append(given)
        key = is_for_member(given), given.person
        result = INPUTS[given.kind].step(self._persons.get(key), given, self._knowledge, SEED)
        self._persons[key] = result.state
        for told in result.told:
            self._act(told)
        for one in result.outputs:
            if isinstance(one, Decision):
                self._write(DECISIONS, one.event_time_ms, one.person, DECISION.encode(one))
            elif isinstance(one, DecisionTrace):
                self._write(TRACES, one.event_time_ms, one.decision_id, TRACE.encode(one))

    def _write(
        self, topic: str, time_ms: int, key: str, value: bytes, partition: int | None = None
    ) -> None:
        at = crc32(key.encode()) % PARTITIONS if partition is None else partition
        records = self.topics[topic]
        offset = sum(record.partition == at for record in records)
        records.append(LogRecord(topic, at, offset, time_ms, key, value))


def arrivals(events: list[LogRecord], lag_ms: int, seed: int) -> list[LogRecord]:
    """Each partition in its order, each record up to `lag_ms` later than its time."""
    chance = random.Random(seed)
    reached = dict.fromkeys(range(PARTITIONS), 0.0)
    timed = []
    for at, record in enumerate(events):
        due = record.timestamp_ms + chance.random() * lag_ms
        reached[record.partition] = max(reached[record.partition], due)
        timed.append((reached[record.partition], at, record))
    return [record for _, _, record in sorted(timed)]


def encoded(record: KnowledgeRecord) -> bytes:
    """A record of the topic `knowledge`."""
    match record:
        case ItemKnowledge():
            return ITEM_KNOWLEDGE.encode(record)
        case ActionKnowledge():
            return ACTION_KNOWLEDGE.encode(record)
        case PastSession():
            return PAST_SESSION.encode(record)
        case EpochEnd():
            return EPOCH_END.encode(record)


def decided(topics: Topics) -> list[LogRecord]:
    """The records of `decisions` that say what was decided, not what was taken back."""
    return [one for one in topics[DECISIONS] if DECISION.decode(one.value).kind == "decided"]


class Range:
    """What a `LogRange` gives, of records in memory."""

    def __init__(self, records: list[LogRecord], begins_at_first: bool = True) -> None:
        self.partitions = PARTITIONS
        self.begins_at_first = begins_at_first
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[LogRecord]:
        lines = [
            [record for record in self._records if record.partition == at]
            for at in range(self.partitions)
        ]
        return merge(*lines, key=lambda record: record.timestamp_ms)
