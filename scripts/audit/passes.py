"""The log folded for an audit: in the order of time, and for what differs in the order in which live took the events."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from jobs.audit.late_items import Cut, LateItems, late_cuts
from jobs.audit.logged import LoggedDecisions, Scope
from jobs.audit.recheck import Recheck, Rechecked
from jobs.audit.recompute import AuditFold, Compared
from jobs.audit.refusals import Letters
from jobs.audit.taught import LookingBack, Taught
from jobs.fold.arrival_order import ArrivalFold
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import EVENT_TIME_MAX_MS, SECOND_MS
from schemas.records import LogRecord
from schemas.state.inputs import Transfer
from schemas.topics import DEAD_LETTERS, EVENTS, ITEMS
from scripts.audit.deployed_log import Log
from scripts.console import say
from scripts.progress import Watched
from udfs.knowledge.knowledge import Knowledge

LATE_MAX: Final = 4
"""Publications of late items, the newest, of which is found out when they came."""
IN_FLIGHT_MS: Final = 10 * SECOND_MS
"""So much before the newest logged decision others may still be on their way into the log."""


class Passes:
    """The passes over one log, beside what was `logged` of a scope. `letters`: what the newest one refused; `counts`: what became of
    the records that the newest one by time `read`.
    """

    def __init__(self, log: Log, logged: LoggedDecisions, scope: Scope) -> None:
        self._log, self._logged, self._scope = log, logged, scope
        self._events = log.records(
            EVENTS
        )  # up to now: what is refused of them lies in the next one
        refused = log.records(DEAD_LETTERS)
        self.letters = Letters(refused, refused.begins_at_first)
        self.counts: Counter[str] = Counter()
        self._looking_back = LookingBack(log.taught, say)
        self._transfers: dict[bytes, Transfer] = {}
        self._late_policies = log.late_policies()
        self._cuts = late_cuts(log.records(ITEMS))
        self._named = [
            (one.event_time_ms, kept.versions.catalogue) for one in logged for kept in one.traces
        ]

    def run(self) -> tuple[Compared, int]:
        """What was found, and how many are reproduced in the order of live only."""
        compared = self._by_time()
        return compared, self._in_live_order(compared)

    def _by_time(self) -> Compared:
        """In order of time. Where items came late and something differs, once more with what live knew when.

        When late items came is not in the log; with sessions that never know them, the last decision that comes out
        without them tells.
        """
        first = best = self._fold({})
        is_open = any(one.cause == "differs" for one in first.compared.differences.values())
        newest_ms = self._logged.newest_ms
        cuts_met = [cut for cut in self._cuts if cut.effective_from_ms <= newest_ms][-LATE_MAX:]
        if is_open and cuts_met:
            passes = len(cuts_met) + 1
            say(f"some differ, and items came late: looking for when, in {passes} more passes")
            unknown: dict[Cut, int] = {}
            for cut in cuts_met:
                until_ms = self._fold(unknown | {cut: EVENT_TIME_MAX_MS}).unknown_until.get(cut)
                if until_ms is not None:
                    unknown[cut] = until_ms
            if unknown:
                best = self._fold(unknown)
        best = max(first, best, key=lambda fold: fold.compared.reproduced)
        best.explain_late()
        self._transfers = best.transfers
        return best.compared

    def _fold(self, unknown_until: dict[Cut, int]) -> AuditFold:
        """One pass, as a replay takes events, until all of the scope has come by."""

        def run(taught: Taught) -> AuditFold:
            catalogue = taught.knowledge.catalogue
            late_items = LateItems(catalogue, self._cuts, unknown_until, self._named)
            rules = self._log.rules._replace(decides=self._decides)
            fold = AuditFold(taught, rules, self._logged, late_items, self._cause_of)
            self._play(fold, taught.knowledge)
            return fold

        return self._looking_back.run(run)

    def _play(self, fold: AuditFold, knowledge: Knowledge) -> None:
        self.letters.begin()
        self.counts.clear()
        until_ms = min(self._scope.to_ms, self._logged.newest_ms + 1) + self._log.config.lateness_ms
        watched = Watched("replaying", self._events, len(self._events))
        for step in fold.run(self._read(watched)):
            if step.news is None and step.moved is None:
                self.counts.update(step.counts)
            for letter in step.dead_letters:
                self.letters.take(letter)
            if step.news is None and "erased" in step.counts:
                fold.compared.erased_sessions.add(self.letters.pass_over(knowledge))
            # not by time alone: what was imported into a live log lies behind clock ticks of much later
            is_over = step.news is not None and step.news.order_ms > until_ms
            is_met = fold.compared.decisions == len(self._logged)
            if is_met and (is_over or not self._scope.is_all):
                return

    def _read(self, records: Iterable[LogRecord]) -> Iterator[LogRecord]:
        for record in self.letters.watch(records):
            self.counts["read"] += 1
            yield record

    def _decides(self, event: Event) -> bool:
        """Whether all decisions on an event must have been logged."""
        scope = self._scope
        return scope.is_all and scope.from_ms <= event.event_time_ms < scope.to_ms

    def _cause_of(self, made: Decision) -> str:
        """Why a decision that is made again was not logged."""
        if made.versions.policy in self._late_policies:
            return "late_policy"
        if made.decision_id in self.letters.too_large:
            return "too_large"
        is_on_its_way = made.event_time_ms > self._logged.newest_ms - IN_FLIGHT_MS
        return "not_yet" if is_on_its_way else "not_logged"

    def _in_live_order(self, compared: Compared) -> int:
        """Those that differ once more, in the order in which live took the events; how many are reproduced so."""
        differing = [one for one in compared.differences.values() if one.cause == "differs"]
        if not differing:
            return 0
        people = len({one.person for one in differing})
        say(f"{len(differing):,} differ; taking the events of {people:,} people as live did")
        config, events = self._log.config, self._events

        def run(taught: Taught) -> Rechecked:
            recheck = Recheck(
                taught, self._logged, config.seed, differing, config.lateness_ms, self._transfers
            )
            watched = Watched("replaying again", events, len(events))
            fold = ArrivalFold(taught.knowledge, self._log.rules)
            return recheck.run(fold, watched, events.partitions)

        result = self._looking_back.run(run)
        count = 0
        for one in differing:
            if one.person not in result.simultaneous:
                continue  # there is but one order
            found = result.found.get(one.decision_id, one)
            if found is None:
                count += 1
                del compared.differences[one.decision_id]
                decision = self._logged.of(one.event)[one.decision_id]
                compared.take_reproduced(self._logged, decision, result.traces[one.decision_id])
            else:
                compared.differences[one.decision_id] = found
        return count
