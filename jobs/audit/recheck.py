"""Decisions that a replay does not reproduce, made once more in the order in which live took the events.

The decisions of a person tell in which order the events behind them came (`jobs/fold/arrival_order.py`). The order of
the events between them is not in the log, nor when live found that a session had ended: where a decision still
differs, orders that live may have taken are tried (`jobs/audit/live_orders.py`), of the person and of the visitors whose
state became theirs. An order that gives the logged bytes is proof enough.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from jobs.audit.differences import Difference, difference_of, trace_of
from jobs.audit.live_orders import (
    after_held,
    after_later,
    before_earlier,
    given_otherwise,
    is_worse,
)
from jobs.audit.live_person import Person, Step
from jobs.audit.logged import LoggedDecisions
from jobs.audit.made_again import Act, Play, awaits_of
from jobs.audit.taught import Taught
from jobs.fold.arrival_order import ArrivalFold, LiveOrder
from schemas.decisions import DecisionTrace
from schemas.limits import MINUTE_MS
from schemas.records import LogRecord
from schemas.state.inputs import Claim, Transfer
from udfs.inputs import PersonInput, is_for_member

AHEAD_MS: Final = MINUTE_MS
"""By how much later news may have come before a decision."""


class Rechecked(NamedTuple):
    """`found`: of the decisions that were made again, what still differs; `traces`: see trace_of. `simultaneous`: the persons
    with news of two sessions within the time by which live may have taken them otherwise, or behind the end of another
    one, or with a visitor of whom that holds; only theirs can be explained by an order.
    """

    found: dict[str, Difference | None]
    traces: dict[str, DecisionTrace | None]
    simultaneous: set[str]


class Recheck:
    """A second pass over the log, for the persons of these differences, and the visitors whose state became theirs, only."""

    def __init__(
        self,
        taught: Taught,
        logged: LoggedDecisions,
        seed: str,
        differing: Iterable[Difference],
        wait_ms: int,
        transfers: Mapping[bytes, Transfer],
    ) -> None:
        self._taught, self._logged, self._wait_ms = taught, logged, wait_ms
        self._play = Play(taught, logged, seed, dict(transfers))
        self._persons: dict[tuple[bool, str], Person] = {}
        self._wanted: set[str] = set()
        for one in differing:
            self._wanted.add(one.decision_id)
            # whether a visitor or who has signed in, the log of decisions does not say
            self._look_at(is_member=False, name=one.person)
            self._look_at(is_member=True, name=one.person)
        for given in transfers.values():
            if (True, given.person) in self._persons:
                self._look_at(is_member=False, name=given.anonymous_id)
        self._givers: dict[bytes, Person] = {}
        """Whose state a transfer brings."""
        self._result = Rechecked({}, {}, set())
        self._due: deque[tuple[int, Person]] = deque()

    def run(self, fold: ArrivalFold, log: Iterable[LogRecord], partitions: int) -> Rechecked:
        """Folds the sessions of the log and makes the decisions of these persons in their order."""
        for one in fold.run(log, partitions):
            given = one.news or one.moved
            if given is not None:
                self._offer(given)
        for person in self._persons.values():
            person.coming.extend(person.order.rest())
        for (_, name), person in self._persons.items():
            while person.coming:
                self._take_next(person)
            if person.is_simultaneous:
                self._result.simultaneous.add(name)
        return self._result

    def _look_at(self, *, is_member: bool, name: str) -> None:
        if (is_member, name) not in self._persons:
            order = LiveOrder(self._logged.orders.get(name, ()), self._wait_ms)
            self._persons[is_member, name] = Person(order)

    def _offer(self, given: PersonInput) -> None:
        """Puts it in its place in the order of whom it is for."""
        self._take_due(given.order_ms - AHEAD_MS)
        person = self._persons.get((is_for_member(given), given.person))
        if person is None:
            return
        if isinstance(given, Claim):
            self._givers[given.transfer_id] = person
        person.see(given, self._wait_ms)
        for news in person.order.offer(given):
            person.coming.append(news)
            self._due.append((given.order_ms, person))

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
            self._go_on(person, [self._play.act(person.state, found)])
        for transfer_id in awaits_of(news):
            self._have_given(person, transfer_id)
        act = self._play.act(person.state, news)
        acts = None
        if act.step.differing and person.is_simultaneous:
            kept = act.step.before
            acts = (
                after_held(self._play, person, kept, news)
                or after_later(self._play, person, kept, news)
                or before_earlier(self._play, person, news)
                or self._after_given_otherwise(person, kept, news)
            )
        self._go_on(person, acts or [act])

    def _have_given(self, person: Person, transfer_id: bytes) -> None:
        """Has the visitor come to the claim, where that is one of those who are looked at."""
        giver = self._givers.get(transfer_id)
        if giver is None:
            return
        while transfer_id not in giver.gave and giver.coming:
            self._take_next(giver)
        person.is_simultaneous |= giver.is_simultaneous

    def _after_given_otherwise(
        self, person: Person, kept: bytes, news: PersonInput
    ) -> list[Act] | None:
        """What a visitor gave as their state was in another order, if this person's decisions come out as logged so."""
        done = list(person.done)
        line, states = [*(one.news for one in done), news], [*(one.before for one in done), kept]
        for at in reversed(range(len(line))):
            for transfer_id in awaits_of(line[at]):
                acts = self._with_another(transfer_id, person, states[at], line[at:], done[at:])
                if acts is not None:
                    person.step_back(len(done) - at)
                    return acts
        return None

    def _with_another(
        self, transfer_id: bytes, person: Person, before: bytes, line: list[PersonInput], done: list[Step]
    ) -> list[Act] | None:  # fmt: skip
        """The line with another answer to a claim, if that gives what was logged; else the answer stays what it was."""
        transfers, giver = self._play.transfers, self._givers.get(transfer_id)
        given = transfers.get(transfer_id)
        if giver is None or given is None or person.tries_left <= 0:
            return None
        for other in given_otherwise(self._play, giver, transfer_id):
            if not person.may_try():
                break
            transfers[transfer_id] = other.transfer
            acts = self._play.line(before, line)
            if not acts[-1].step.differing and not is_worse(acts, done):
                giver.step_back(other.steps)
                giver.held = other.held
                self._go_on(giver, other.acts)
                return acts
        transfers[transfer_id] = given
        return None

    def _go_on(self, person: Person, acts: Iterable[Act]) -> None:
        for one in acts:
            self._keep(person, one)
            person.state = one.after

    def _keep(self, person: Person, act: Act) -> None:
        person.done.append(act.step)
        for given in act.gave:
            person.gave.add(given.transfer_id)
            self._play.transfers[given.transfer_id] = given
        for one in self._play.decided(act.step.news):
            if one.decision_id in self._wanted:
                known = self._taught.known_for(one.versions.knowledge)
                found = difference_of(self._logged, one, act.again, known)
                self._result.found[one.decision_id] = found
                if found is None:
                    self._result.traces[one.decision_id] = trace_of(self._logged, one, act.again)
