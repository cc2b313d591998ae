"""Decisions made again from the log with the versions that they name, and compared byte by byte.

The fold gives the order; whoever is looked at gets all their decisions from the beginning on, because what a
person was offered is part of what later decisions rest on.
"""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Final

from msgspec import Struct, field

from jobs.audit.differences import Again, Difference, difference_of, is_made_again, trace_of
from jobs.audit.late_items import Cut, LateItems
from jobs.audit.logged import NO_MODELS, LoggedDecision, LoggedDecisions, seen_by
from jobs.audit.skew import Skew, skew_of_same
from jobs.audit.taught import Taught
from jobs.fold.fold import Fold, Folded, FoldRules
from schemas.codec import TRACE
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from udfs.decide import decide
from udfs.knowledge.catalogue import Catalogue
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult

TRANSFERS_MAX: Final = 50_000
DIFFERENCES_MAX: Final = 10_000
"""Differences that are kept to be looked into; the others are counted by cause and feature."""


class Compared(Struct):
    """What a comparison found so far. The four counts say where a replay without the names would differ:
    a decision that names an older epoch than the one of its time, a newer one, another policy or model, an
    older catalogue (or decided before `late_items` came). `left_out`: those whose trace had no room for all of it;
    what it holds is compared. `skew`: what the vectors tell of those that are reproduced, or whose difference is not kept.
    `trace`: of the one decision that is looked at, if it is reproduced (see trace_of).
    """

    decisions: int = 0
    reproduced: int = 0
    repeats: int = 0
    knowledge_late: int = 0
    knowledge_ahead: int = 0
    control_late: int = 0
    catalogue_late: int = 0
    late_items: set[str] = set()
    left_out: int = 0
    differences: dict[str, Difference] = {}
    extra: dict[str, Difference] = {}
    not_kept: dict[str, int] = {}
    met: set[str] = set()
    skew: Skew = field(default_factory=Skew)
    trace: DecisionTrace | None = None
    erasures: Erasures | None = None
    erased_sessions: set[str] = set()
    erased_persons: set[str] = set()

    def take_reproduced(
        self, logged: LoggedDecisions, decision: LoggedDecision, trace: DecisionTrace | None
    ) -> None:
        """Counts a decision that came out byte by byte, with its trace."""
        self.reproduced += 1
        self.trace = trace
        self.skew.add(skew_of_same(TRACE.decode(logged.bytes_of(decision.traces[-1]))))

    def _rests_on_erased(self, found: Difference) -> bool:
        """Whether events of who was erased stand behind it: its person's, its visit's, or one that became the person's."""
        session_id, person, time_ms = found.event[0], found.person, found.event_time_ms
        if person in self.erased_persons or session_id in self.erased_sessions:
            return True
        return self.erasures is not None and (
            self.erasures.is_erased("person", person, time_ms)
            or self.erasures.is_erased("session", session_id, time_ms)
        )

    def keep(self, found: Difference, among: dict[str, Difference]) -> None:
        """Keeps a difference among those of its kind; at the bound it is only counted. Of somebody erased it is no surprise."""
        if self._rests_on_erased(found):
            found.cause = "erased"
        if len(among) < DIFFERENCES_MAX:
            among[found.decision_id] = found
        else:
            self.not_kept[found.cause] = self.not_kept.get(found.cause, 0) + 1
            self.skew.add(found.skew)


class AuditFold(Fold):
    """The fold, with every decision made by the versions that it names, and `compared` to what was logged.

    The rules say on which events everything must have been logged; `cause_of` says why one is not that is made on them.
    `late_items` are in no decision's versions: what differs is made with the catalogues of before they came, too.
    """

    def __init__(
        self,
        taught: Taught,
        rules: FoldRules,
        logged: LoggedDecisions,
        late_items: LateItems,
        cause_of: Callable[[Decision], str],
    ) -> None:
        super().__init__(taught.knowledge, rules)
        self._taught, self._logged, self._cause_of = taught, logged, cause_of
        self._late_items = late_items
        self.unknown_until: dict[Cut, int] = {}
        """The newest decision that was made without these late items."""
        self._older: dict[str, int] = {}
        self._touched: dict[str, set[str]] = {}
        self.transfers: dict[bytes, Transfer] = {}
        """What visitors gave, by the transfer's id, the first TRANSFERS_MAX: for whoever makes a person's decisions in another order."""
        self.compared = Compared(erasures=taught.knowledge.erasures)

    def decide(self, state: PersonState | None, news: SessionNews) -> PersonResult:
        """One piece of news; decisions only for those who are looked at, and on events that are."""
        event, seed = news.event, self._rules.seed
        if news.session_id in self.compared.erased_sessions:
            self.compared.erased_persons.add(news.person)
        is_wanted = event is not None and self._rules.decides(event)
        if event is None or not (is_wanted or news.person in self._logged.persons):
            return decide(state, news, self.knowledge_at(news.order_ms), seed, is_wanted=False)
        self._taught.look(news.order_ms)
        logged = self._logged.of((event.session_id, event.event_id))
        before = list(self._late_items.catalogues(event.event_time_ms)) if logged else []
        kept = PERSON_STATE.encode(state) if before and state is not None else b""
        result, again = self._decide_as_named(state, news, self._knowledge)
        if before and not self._is_made_again(logged, again):
            result, again = self._as_before(before, kept, news, logged) or (result, again)
        self._compare(news, event, logged, again)
        if is_wanted:
            self._find_extra(event, next(reversed(again.values())), logged)
        self._note_touched(news, event, result.state, logged)
        return result

    def knowledge_at(self, time_ms: int) -> Knowledge:
        """With the catalogue that live had then, as far as decisions say."""
        catalogue = self._late_items.catalogue_at(time_ms)
        return self._knowledge if catalogue is self._knowledge.catalogue else self._with(catalogue)

    def _move(self, given: Claim | Transfer) -> Folded:
        is_kept = isinstance(given, Transfer) and given.state
        if is_kept and isinstance(given, Transfer) and len(self.transfers) < TRANSFERS_MAX:
            self.transfers[given.transfer_id] = given
        return super()._move(given)

    def explain_late(self) -> None:
        """Names the late items behind what differs, where others show that live decided without them."""
        late = {name for cut in self.unknown_until for name in cut.item_ids}
        catalogue = self._knowledge.catalogue
        for decision_id, touched in self._touched.items():
            found = self.compared.differences[decision_id]
            older_ms = self._older.get(found.person)
            unknown = touched & late
            if older_ms is not None:
                unknown |= {
                    name
                    for name in touched
                    if catalogue.at(name, found.event_time_ms) is not catalogue.at(name, older_ms)
                }
            if unknown:
                found.cause, found.late_items = "late_items", sorted(unknown)

    def _with(self, catalogue: Catalogue) -> Knowledge:
        seen = copy(self._knowledge)
        seen.catalogue = catalogue
        return seen

    def _decide_as_named(
        self, state: PersonState | None, news: SessionNews, knowledge: Knowledge
    ) -> tuple[PersonResult, Again]:
        return decide_as_named(state, news, knowledge, self._rules.seed, self._taught, self._logged)

    def _is_made_again(self, logged: dict[str, LoggedDecision], again: Again) -> bool:
        return all(is_made_again(self._logged, one, again) for one in logged.values())

    def _as_before(
        self,
        catalogues: Iterable[tuple[Cut, Catalogue]],
        kept: bytes,
        news: SessionNews,
        logged: dict[str, LoggedDecision],
    ) -> tuple[PersonResult, Again] | None:
        """What a catalogue without late items gives, if that is what was logged."""
        for cut, catalogue in catalogues:
            state = PERSON_STATE.decode(kept) if kept else None
            result, again = self._decide_as_named(state, news, self._with(catalogue))
            if self._is_made_again(logged, again):
                late = self._late_items.met(cut, news.order_ms)
                self.unknown_until.update(
                    {one: max(self.unknown_until.get(one, 0), news.order_ms) for one in late}
                )
                self.compared.catalogue_late += len(logged.keys() - self.compared.met)
                self.compared.late_items.update(name for one in late for name in one.item_ids)
                return result, again
        return None

    def _compare(
        self, news: SessionNews, event: Event, logged: dict[str, LoggedDecision], again: Again
    ) -> None:
        compared = self.compared
        for one in logged.values():
            if one.decision_id in compared.met:
                continue  # its event lies twice in the log
            compared.met.add(one.decision_id)
            compared.decisions += 1
            compared.repeats += len(one.decisions) > 1
            compared.left_out += any(kept.has_left_out for kept in one.traces)
            self._count(one, news, event)
            known = self._taught.known_for(one.versions.knowledge)
            found = difference_of(self._logged, one, again, known)
            if found is None:
                compared.take_reproduced(self._logged, one, trace_of(self._logged, one, again))
            else:
                compared.keep(found, compared.differences)

    def _find_extra(
        self, event: Event, result: PersonResult, logged: dict[str, LoggedDecision]
    ) -> None:
        extra = self.compared.extra
        for decision, _ in result.decisions:
            if decision.decision_id not in logged and decision.decision_id not in extra:
                found = Difference(
                    self._cause_of(decision), decision.decision_id, (event.session_id, event.event_id),
                    decision.person, decision.placement, decision.event_time_ms,
                )  # fmt: skip
                self.compared.keep(found, extra)

    def _note_touched(
        self,
        news: SessionNews,
        event: Event,
        state: PersonState | None,
        logged: Iterable[str],
    ) -> None:
        """Which items stand behind what differs: in the session, the event and the profile."""
        differences = self.compared.differences
        differing = [one for one in logged if one in differences]
        if not differing:
            return
        touched = {*news.visit.items, *news.visit.cart, *event.item_ids}
        if state is not None:
            touched.update(state.recent_items, state.exposures)
        for decision_id in differing:
            if differences[decision_id].cause == "differs":
                self._touched[decision_id] = touched

    def _count(self, one: LoggedDecision, news: SessionNews, event: Event) -> None:
        """Where a replay, which goes by time, would have seen something else."""
        newest = one.versions
        known, compared = self._knowledge.at(event.event_time_ms), self.compared
        compared.knowledge_late += newest.knowledge < self._taught.due
        compared.knowledge_ahead += newest.knowledge > self._taught.due
        due = {one.version for one in (known.scorer, *known.others.values()) if one is not None}
        is_other_model = bool(due) and newest.model not in due | NO_MODELS
        compared.control_late += newest.policy != known.policy_version or is_other_model
        if newest.catalogue < known.catalogue_ms:
            compared.catalogue_late += 1
            oldest_ms = self._older.get(news.person, newest.catalogue)
            self._older[news.person] = min(oldest_ms, newest.catalogue)


def decide_as_named(
    state: PersonState | None,
    news: SessionNews,
    knowledge: Knowledge,
    seed: str,
    taught: Taught,
    logged: LoggedDecisions,
) -> tuple[PersonResult, Again]:
    """One piece of news by the versions that its decisions name; where their records name several, by each.

    First what the person's state goes on with: the result by the versions that the newest record names.
    """
    event = news.event
    named = logged.named((event.session_id, event.event_id)) if event is not None else []
    if not named:
        taught.put_in_force(taught.due)
        result = decide(state, news, knowledge, seed)
        return result, {("", 0, 0): result}
    before = PERSON_STATE.encode(state) if state is not None and len(named) > 1 else b""
    made = {}
    for versions in named:
        taught.put_in_force(versions.knowledge)
        own = PERSON_STATE.decode(before) if before else state
        result = made[seen_by(versions)] = decide(own, news, knowledge, seed, named=versions)
    return result, made
