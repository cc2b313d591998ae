"""The fold: the steps of the decide job in one process, in the order that defines the job.

Sessions are folded in the order of their log; their news reaches the persons in the order of
(order_ms, session_id, position). Visitors and the people who have signed in have states of their own, as in the job, and what a visitor
gives comes in the place of its claim. A session's timer runs when the watermark passes it: the least,
over the partitions, of the newest record timestamp, less the allowed lateness.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from jobs.fold.learner import NOTHING_LEARNED, Learner
from schemas.dead_letters import DeadLetter
from schemas.events import Event
from schemas.limits import LATENESS_MS, SECOND_MS
from schemas.outcomes import Outcome
from schemas.outputs import Written
from schemas.records import LogRecord
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PersonState
from schemas.state.session import SessionNews, SessionState
from udfs.decide import decide, expire_person
from udfs.explain.fit_records import Made, fit_letters
from udfs.explain.tracing import WHOLE, Tracing
from udfs.facts.consent import agreed
from udfs.inputs import INPUTS, PersonInput, is_for_member
from udfs.knowledge.knowledge import Knowledge
from udfs.results import (
    PersonResult,
    SessionResult,
    dead_letters_in,
    decisions_in,
)
from udfs.session.limit_rate import USUAL_RATE, Rate
from udfs.session.visit_of_history import look_again_ms
from udfs.track_session import expire_session, track_session


class FoldRules(NamedTuple):
    """`end_ms`: no timer after it acts; None = the newest record timestamp.

    `decides`: whether a decision that this event asks for is wanted; all else goes on as ever.
    `tracing`: what traces hold; with the room of the job's records where its very bytes are wanted.
    """

    decode: Callable[[bytes], Event]
    seed: str
    lateness_ms: int = LATENESS_MS
    rate: Rate = USUAL_RATE
    end_ms: int | None = None
    decides: Callable[[Event], bool] = lambda _: True
    tracing: Tracing = WHOLE


class Folded(NamedTuple):
    """What one step gave: `outputs` for topics, of a record or of `news` that its person was told, and counts.

    `moved`: the claim or transfer that was taken, instead of news. `outcomes`: what the learn job writes of what came of decisions.
    """

    news: SessionNews | None = None
    outputs: tuple[Written, ...] = ()
    counts: tuple[str, ...] = ()
    moved: Claim | Transfer | None = None
    outcomes: tuple[Outcome, ...] = ()

    @property
    def decisions(self) -> tuple[Made, ...]:
        """The decisions with their traces."""
        return decisions_in(self.outputs)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Of a record that could not be used, or of decisions that cannot be written."""
        return dead_letters_in(self.outputs)


class Fold:
    """All sessions and persons of one log; their states can be looked at between two records.

    With a `learner` the log itself teaches what is known of items; else `knowledge` holds what was learnt.
    """

    def __init__(
        self, knowledge: Knowledge, rules: FoldRules, learner: Learner | None = None
    ) -> None:
        self.sessions: dict[str, SessionState] = {}
        self.visitors: dict[str, PersonState] = {}
        self.members: dict[str, PersonState] = {}
        self.erased = 0
        """Events that were dropped, as of before their person was erased."""
        self._knowledge = knowledge
        self._rules = rules
        self._learner = learner
        self._delay_ms = rules.lateness_ms + SECOND_MS
        """How far the watermark stays behind the newest record."""
        self._session_timers: list[tuple[int, str]] = []
        self._timer_set: dict[str, int] = {}
        self._put_off: dict[str, int] = {}
        """Until when a visit of history that is imported into a live log waits for its next event, as in the job (`look_again_ms`)."""
        self._watermark_ms = 0
        self._person_timers: list[tuple[int, bool, str]] = []
        self._pending: list[tuple[int, str, int, PersonInput]] = []
        self._newest: dict[int, int] = {}

    def run(self, log: Iterable[LogRecord], partitions: int = 1) -> Iterator[Folded]:
        """Folds the log (each partition in its order) and yields what comes out, as it comes.

        A log whose partitions have been merged in order of time is as one of a single partition.
        """
        for record in log:
            yield from self._take(record)
            partition = record.partition if partitions > 1 else 0
            self._newest[partition] = max(self._newest.get(partition, 0), record.timestamp_ms)
            if len(self._newest) == partitions:
                least_ms = min(self._newest.values()) - self._delay_ms
                if least_ms > self._watermark_ms:
                    self._watermark_ms = least_ms
                    yield from self._advance(least_ms)
        for session_id in [*self._put_off]:  # nothing more comes
            del self._put_off[session_id]
            self._set_timer(self.sessions[session_id].timer_ms, session_id)
        said_ms = self._rules.end_ms
        end_ms = max(self._newest.values(), default=0) if said_ms is None else said_ms
        yield from self._advance(end_ms)
        yield from self._deliver(None)
        yield from self._ignored(end_ms)

    @property
    def persons(self) -> Mapping[str, PersonState]:
        """Everybody's state, to be looked at: of two who are called alike that of who has signed in."""
        return ChainMap(self.members, self.visitors)

    def state_of(self, given: PersonInput) -> PersonState | None:
        """The state of whom this is for."""
        return self._states(is_member=is_for_member(given)).get(given.person)

    def teaches(self, news: SessionNews | None) -> bool:
        """Whether others may learn from what was just decided on the news, or from how its person answered."""
        state = self.state_of(news) if news is not None else None
        if state is None:
            return False
        holds = agreed(state.consent, self._knowledge.assumed)
        return holds.is_counted and holds.may_profile

    def knowledge_at(self, _time_ms: int) -> Knowledge:
        """What an event of this time is folded with, when nothing is decided on it."""
        return self._knowledge

    def _take(self, record: LogRecord) -> Iterator[Folded]:
        state = self.sessions.get(record.key)
        rules = self._rules
        result = track_session(
            state,
            record,
            rules.decode,
            self.knowledge_at(record.timestamp_ms),
            rules.lateness_ms,
            rules.rate,
        )
        if result.state is None:
            self.sessions.pop(record.key, None)
            self._put_off.pop(record.key, None)
        else:
            self.sessions[record.key] = result.state
            self._see_to_timer(result.state, record.key)
        self.erased += "erased" in result.counts
        yield from self._emit(result)

    def _advance(self, watermark_ms: int) -> Iterator[Folded]:
        """Runs the timers of silent sessions that are due, then tells the persons what is due."""
        timers = self._session_timers
        while timers and timers[0][0] <= watermark_ms:
            set_ms, session_id = heappop(timers)
            if self._timer_set.get(session_id) != set_ms:
                continue  # an earlier one was set since
            del self._timer_set[session_id]
            state = self.sessions.get(session_id)
            if state is not None:
                yield from self._expire_session(state, session_id, watermark_ms)
        yield from self._deliver(watermark_ms)

    def _expire_session(
        self, state: SessionState, session_id: str, watermark_ms: int
    ) -> Iterator[Folded]:
        put_off_ms = self._put_off.get(session_id, 0)
        if max(state.timer_ms, put_off_ms) <= watermark_ms:
            self._put_off.pop(session_id, None)
            result = expire_session(state, session_id, state.timer_ms, watermark_ms)
            yield from self._emit(result)
            if result.state is None:
                del self.sessions[session_id]
                return
            put_off_ms = 0
        self._set_timer(max(state.timer_ms, put_off_ms), session_id)

    def _see_to_timer(self, state: SessionState, session_id: str) -> None:
        """Sets the timer of a session that an event has come of."""
        again_ms = look_again_ms(state, self._watermark_ms)
        if again_ms > state.timer_ms:
            self._put_off[session_id] = again_ms
        else:
            self._put_off.pop(session_id, None)
        self._set_timer(again_ms, session_id)

    def _set_timer(self, time_ms: int, session_id: str) -> None:
        """Keeps one timer per session: a session's time moves on with each event, so it is only
        set where there is none, or one that is later, and looked at again when it is due.
        """
        set_ms = self._timer_set.get(session_id)
        if set_ms is None or time_ms < set_ms:
            self._timer_set[session_id] = time_ms
            heappush(self._session_timers, (time_ms, session_id))

    def _emit(self, result: SessionResult) -> Iterator[Folded]:
        room = self._rules.tracing.room
        written: list[Written] = []
        for one in result.outputs if room is None else fit_letters(result.outputs, room.bytes_max):
            if isinstance(one, SessionNews | Claim | Transfer):
                self._await(one)
            else:
                written.append(one)
        if written or result.counts:
            yield Folded(outputs=tuple(written), counts=result.counts)

    def _await(self, given: PersonInput) -> None:
        heappush(self._pending, (given.order_ms, given.session_id, given.position, given))

    def _deliver(self, until_ms: int | None) -> Iterator[Folded]:
        while self._pending and (until_ms is None or self._pending[0][0] <= until_ms):
            given = heappop(self._pending)[3]
            yield from self._expire_persons(given.order_ms)
            yield from self._ignored(given.order_ms)
            self._learn(given.order_ms)
            if isinstance(given, SessionNews):
                result = self.decide(self.state_of(given), given)
                learned = self._learner.add(given, self._knowledge) if self._learner else NOTHING_LEARNED  # fmt: skip
                self._keep(given, result)
                yield Folded(given, result.written, result.counts, outcomes=learned.outcomes)
            else:
                yield self._move(given)

    def _move(self, given: Claim | Transfer) -> Folded:
        """Takes a claim, whose answer comes next, or a transfer."""
        step = INPUTS[given.kind].step
        result = step(self.state_of(given), given, self._knowledge, self._rules.seed)
        self._keep(given, result)
        for one in result.told:
            self._await(one)
        return Folded(outputs=result.written, counts=result.counts, moved=given)

    def decide(self, state: PersonState | None, news: SessionNews) -> PersonResult:
        """One piece of news for its person, by the rules."""
        rules, event = self._rules, news.event
        is_wanted = event is None or rules.decides(event)
        return decide(state, news, self._knowledge, rules.seed, is_wanted, tracing=rules.tracing)

    def _ignored(self, now_ms: int) -> Iterator[Folded]:
        """What becomes an outcome because nothing more was done."""
        if self._learner is not None and (found := self._learner.expire(now_ms).outcomes):
            yield Folded(outcomes=found)

    def _learn(self, now_ms: int) -> None:
        """Closes the epochs that have ended; the person step brings them into force in their time."""
        if self._learner is not None:
            for record in self._learner.close(now_ms):
                self._knowledge.learn(record)

    def _states(self, *, is_member: bool) -> dict[str, PersonState]:
        return self.members if is_member else self.visitors

    def _keep(self, given: PersonInput, result: PersonResult) -> None:
        person, is_member = given.person, is_for_member(given)
        states = self._states(is_member=is_member)
        before = states.get(person)
        if result.state is None:
            states.pop(person, None)
            return
        states[person] = result.state
        # a profile's time moves on; what is left of an erased one goes sooner
        is_sooner = before is None or result.state.timer_ms < before.timer_ms
        if is_sooner and result.timer_ms is not None:
            heappush(self._person_timers, (result.timer_ms, is_member, person))

    def _expire_persons(self, now_ms: int) -> Iterator[Folded]:
        timers = self._person_timers
        while timers and timers[0][0] < now_ms:
            _, is_member, person = heappop(timers)
            states = self._states(is_member=is_member)
            state = states.get(person)
            if state is None:
                continue
            result = expire_person(state, now_ms)
            if result.state is None:
                del states[person]
                yield Folded(counts=result.counts)
            else:
                heappush(timers, (state.timer_ms, is_member, person))
