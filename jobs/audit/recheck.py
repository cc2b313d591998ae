"""Decisions that a replay does not reproduce, made once more in the order in which live took the events.

The decisions of a person tell in which order the events behind them came (`jobs/fold/arrival_order.py`). The order of
the events between them is not in the log, nor when live found that a session had ended: where a decision still
differs, a few of another session's events that lie next to it, or the ends of sessions before it, are tried
on its other side. An order that gives the logged bytes is proof enough.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Final, NamedTuple

from jobs.audit.differences import Again, Difference, difference_of, is_made_again, trace_of
from jobs.audit.live_person import Person, Step
from jobs.audit.logged import LoggedDecision, LoggedDecisions
from jobs.audit.recompute import decide_as_named
from jobs.audit.taught import Taught
from jobs.fold.arrival_order import ArrivalFold, LiveOrder
from jobs.fold.fold import Folded
from schemas.decisions import DecisionTrace
from schemas.limits import MINUTE_MS
from schemas.records import LogRecord
from schemas.state.inputs import Transfer
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from udfs.inputs import INPUTS, PersonInput, is_for_member

NEAR: Final = 12
"""News before and after a decision that may have come on its other side."""
MOVED_MAX: Final = 4
"""News of one session that is moved at once."""
AHEAD_MS: Final = MINUTE_MS
"""By how much later news may have come before a decision."""


class Rechecked(NamedTuple):
    """`found`: of the decisions that were made again, what still differs; `traces`: see trace_of. `simultaneous`: the persons
    with news of two sessions within the time by which live may have taken them otherwise, or behind the end of another
    one; only theirs can be explained by an order.
    """

    found: dict[str, Difference | None]
    traces: dict[str, DecisionTrace | None]
    simultaneous: set[str]


class Act(NamedTuple):
    """A step with what was made at it, and the person's state after it."""

    step: Step
    again: Again
    after: PersonState | None


class Recheck:
    """A second pass over the log, for the persons of these differences only."""

    def __init__(
        self,
        taught: Taught,
        logged: LoggedDecisions,
        seed: str,
        differing: Iterable[Difference],
        wait_ms: int,
        transfers: Mapping[bytes, Transfer],
    ) -> None:
        self._knowledge, self._taught = taught.knowledge, taught
        self._logged, self._seed = logged, seed
        self._wait_ms = wait_ms
        self._transfers = transfers
        self._persons: dict[tuple[bool, str], Person] = {}
        self._wanted: set[str] = set()
        for one in differing:
            self._wanted.add(one.decision_id)
            # whether a visitor or who has signed in, the log of decisions does not say
            for key in ((False, one.person), (True, one.person)):
                if key not in self._persons:
                    order = LiveOrder(logged.orders.get(one.person, ()), wait_ms)
                    self._persons[key] = Person(order)
        self._result = Rechecked({}, {}, set())
        self._due: deque[tuple[int, Person]] = deque()

    def run(self, fold: ArrivalFold, log: Iterable[LogRecord], partitions: int) -> Rechecked:
        """Folds the sessions of the log and makes the decisions of these persons in their order."""
        for one in fold.run(log, partitions):
            for given in self._given(one):
                self._take_due(given.order_ms - AHEAD_MS)
                person = self._persons.get((is_for_member(given), given.person))
                if person is None:
                    continue
                person.see(given, self._wait_ms)
                for news in person.order.offer(given):
                    person.coming.append(news)
                    self._due.append((given.order_ms, person))
        for (_, name), person in self._persons.items():
            person.coming.extend(person.order.rest())
            while person.coming:
                self._take_next(person)
            if person.is_simultaneous:
                self._result.simultaneous.add(name)
        return self._result

    def _given(self, one: Folded) -> Iterator[PersonInput]:
        """What somebody is told; of a claim also the answer that it got in the first pass, which goes by time."""
        if one.news is not None:
            yield one.news
        elif one.moved is not None:
            yield one.moved
            if one.moved.transfer_id in self._transfers:
                yield self._transfers[one.moved.transfer_id]

    def _take_due(self, before_ms: int) -> None:
        """Takes of each person what has been here for long enough that nothing near it is still to come."""
        while self._due and self._due[0][0] < before_ms:
            _, person = self._due.popleft()
            if person.coming:
                self._take_next(person)

    def _take_next(self, person: Person) -> None:
        """Takes what comes next, in the order that gives what was logged if one is found."""
        news = person.coming.popleft()
        if person.holds_back(news):
            return
        for found in person.found_before(news):
            self._go_on(person, [self._act(person.state, found)])
        act = self._act(person.state, news)
        acts = None
        if act.step.differing and person.is_simultaneous:
            kept = act.step.before
            acts = (
                self._after_held(person, kept, news)
                or self._after_later(person, kept, news)
                or self._before_earlier(person, news)
            )
        self._go_on(person, acts or [act])

    def _go_on(self, person: Person, acts: Iterable[Act]) -> None:
        for one in acts:
            self._keep(person, one)
            person.state = one.after

    def _after_held(self, person: Person, kept: bytes, news: PersonInput) -> list[Act] | None:
        """The held ends taken before it, all or the first of them, if its decisions come out as logged so."""
        held = person.held or []
        for count in range(len(held), 0, -1):
            if not person.may_try():
                break
            acts = self._play(kept, [*held[:count], news])
            if not acts[-1].step.differing:
                del held[:count]
                return acts
        return None

    def _after_later(self, person: Person, kept: bytes, news: PersonInput) -> list[Act] | None:
        """What comes after it taken before it, if its decisions come out as logged so."""
        for later in self._runs(islice(person.coming, NEAR), news):
            if not person.may_try():
                break
            acts = self._play(kept, [*later, news])
            if not any(act.step.differing for act in acts):
                for one in later:
                    person.coming.remove(one)
                return acts
        return None

    def _before_earlier(self, person: Person, news: PersonInput) -> list[Act] | None:
        """What came before it left for after it, if its decisions come out as logged so."""
        done = list(person.done)
        line = [step.news for step in reversed(done)]
        for early in chain(self._runs(line[:NEAR], news), ends(line, news)):
            if not person.may_try():
                break
            first = next(at for at, step in enumerate(done) if step.news is early[-1])
            again = [step.news for step in done[first:] if step.news not in early]
            acts = self._play(done[first].before, [*again, news])
            known = {name for step in done[first:] for name in step.differing}
            if acts[-1].step.differing or any(act.step.differing - known for act in acts):
                continue
            for _ in done[first:]:
                person.done.pop()
            if all(one.kind == "ended" for one in early):
                person.held = [*reversed(early), *(person.held or ())]
            else:
                person.coming.extendleft(early)
            return acts
        return None

    def _runs(self, line: Iterable[PersonInput], news: PersonInput) -> Iterator[list[PersonInput]]:
        """The nearest news of each other session, one, two … of them, none with a logged decision."""
        found: dict[str, list[PersonInput]] = {}
        closed = {news.session_id}
        for one in line:
            if one.session_id in closed:
                continue
            run = found.setdefault(one.session_id, [])
            if self._is_decided(one) or len(run) == MOVED_MAX:
                closed.add(one.session_id)
                continue
            run.append(one)
            yield list(run)

    def _play(self, kept: bytes, line: list[PersonInput]) -> list[Act]:
        state = PERSON_STATE.decode(kept) if kept else None
        acts = []
        for news in line:
            acts.append(self._act(state, news))
            state = acts[-1].after
        return acts

    def _act(self, state: PersonState | None, news: PersonInput) -> Act:
        before = b"" if state is None else PERSON_STATE.encode(state)
        if isinstance(news, SessionNews):
            result, again = decide_as_named(
                state, news, self._knowledge, self._seed, self._taught, self._logged
            )
        else:
            result = INPUTS[news.kind].step(state, news, self._knowledge, self._seed)
            again = {}
        differing = frozenset(
            one.decision_id
            for one in self._decided(news)
            if not is_made_again(self._logged, one, again)
        )
        return Act(Step(news, before, differing), again, result.state)

    def _keep(self, person: Person, act: Act) -> None:
        person.done.append(act.step)
        for one in self._decided(act.step.news):
            if one.decision_id in self._wanted:
                known = self._taught.known_for(one.versions.knowledge)
                found = difference_of(self._logged, one, act.again, known)
                self._result.found[one.decision_id] = found
                if found is None:
                    self._result.traces[one.decision_id] = trace_of(self._logged, one, act.again)

    def _decided(self, news: PersonInput) -> Iterable[LoggedDecision]:
        """The logged decisions on this news."""
        if not isinstance(news, SessionNews) or news.kind != "event" or news.event is None:
            return ()
        return self._logged.of((news.session_id, news.event.event_id)).values()

    def _is_decided(self, news: PersonInput) -> bool:
        if not isinstance(news, SessionNews) or news.kind != "event" or news.event is None:
            return False
        return bool(self._logged.named((news.session_id, news.event.event_id)))


def ends(line: Iterable[PersonInput], news: PersonInput) -> Iterator[list[PersonInput]]:
    """The nearest ends of other sessions that were not heard of again, one, two … of them."""
    heard = {news.session_id}
    found: list[PersonInput] = []
    for one in line:
        if one.kind == "ended" and one.session_id not in heard:
            found.append(one)
            yield list(found)
        heard.add(one.session_id)
