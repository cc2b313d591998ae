"""Decisions made again from the log with the versions that they name, and compared byte by byte.

The fold gives the order; whoever is looked at gets all their decisions from the beginning on, because what a
person was offered is part of what later decisions rest on.
"""

from collections.abc import Container, Iterable, Iterator
from copy import copy
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct, to_builtins

from jobs.audit.late_items import Cut, LateItems
from jobs.audit.logged import (
    NO_MODELS,
    EventKey,
    Kept,
    LoggedDecision,
    LoggedDecisions,
    Seen,
    seen_by,
)
from jobs.audit.taught import Taught
from jobs.fold.fold import Fold, FoldRules
from jobs.learning.examples import matrix_of
from schemas import CODE_VERSION
from schemas.codec import DECISION, HEADER_BYTES, TRACE, Codec
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from udfs.decide import decide
from udfs.explain.fit_records import Made, leave_out
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.catalogue import Catalogue
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult

FIELDS_MAX: Final = 20
"""Fields of one difference that are named; the rest is counted."""
DIFFERENCES_MAX: Final = 10_000
"""Differences that are kept; the rest is counted."""
SHARED: Final = (
    "decision_id", "person", "session_id", "event_id", "event_time_ms", "placement", "sequence", "versions",
)  # fmt: skip
"""What a decision and its trace both say."""

T = TypeVar("T")


class Field(NamedTuple):
    """One field that differs, in words; None = it is not there."""

    name: str
    logged: str | None
    recomputed: str | None


class Difference(Struct):
    """A decision that is not reproduced: why, which records it concerns, and in what it differs.

    `late_items`: what its person had touched and its operator may not have known, because it was published late.
    """

    cause: str
    decision_id: str
    event: EventKey
    person: str
    placement: str
    event_time_ms: int
    places: list[str] = []
    fields: list[Field] = []
    more_fields: int = 0
    suspects: list[str] = []
    late_items: list[str] = []


class Compared(Struct):
    """What a comparison found so far. The four counts say where a replay without the names would differ:
    a decision that names an older epoch than the one of its time, a newer one, another policy or model, an
    older catalogue (or decided before `late_items` came). `left_out`: those whose trace had no room for all of it;
    what it holds is compared.
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
    not_kept: int = 0
    extra: dict[str, Difference] = {}
    met: set[str] = set()


class AuditFold(Fold):
    """The fold, with every decision made by the versions that it names, and `compared` to what was logged.

    The rules say on which events everything must have been logged. `late_policies` were published after their
    time: live may have decided nothing where they ask for something. `late_items` are in no decision's versions:
    what differs is made with the catalogues of before they came, too.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        rules: FoldRules,
        taught: Taught,
        logged: LoggedDecisions,
        late_policies: Container[str] = frozenset(),
        late_items: LateItems | None = None,
    ) -> None:
        super().__init__(knowledge, rules)
        self._taught, self._logged, self._late_policies = taught, logged, late_policies
        self._late_items = late_items or LateItems(knowledge.catalogue)
        self.unknown_until: dict[Cut, int] = {}
        """The newest decision that was made without these late items."""
        self._older: dict[str, int] = {}
        self._touched: dict[str, tuple[str, set[str]]] = {}
        self.compared = Compared()

    def decide(self, state: PersonState | None, news: SessionNews) -> PersonResult:
        """One piece of news; decisions only for those who are looked at, and on events that are."""
        event, seed = news.event, self._rules.seed
        is_wanted = event is not None and self._rules.decides(event)
        if event is None or not (is_wanted or news.person in self._logged.persons):
            return decide(state, news, self.knowledge_at(news.order_ms), seed, is_wanted=False)
        self._taught.look(news.order_ms)
        logged = self._logged.of((event.session_id, event.event_id))
        before = list(self._late_items.catalogues(event.event_time_ms)) if logged else []
        kept = PERSON_STATE.encode(state) if before and state is not None else b""
        result, made = decide_as_named(
            state, news, self._knowledge, seed, self._taught, self._logged
        )
        if before and not self._is_reproduced(logged, made):
            result, made = self._as_before(before, kept, news, logged) or (result, made)
        if is_wanted or logged:
            self._compare(news, event, made, is_wanted)
            self._note_touched(news, event, result.state, logged)
        return result

    def knowledge_at(self, time_ms: int) -> Knowledge:
        """With the catalogue that live had then, as far as decisions say."""
        catalogue = self._late_items.catalogue_at(time_ms)
        return self._knowledge if catalogue is self._knowledge.catalogue else self._with(catalogue)

    def _with(self, catalogue: Catalogue) -> Knowledge:
        seen = copy(self._knowledge)
        seen.catalogue = catalogue
        return seen

    def explain_late(self) -> None:
        """Names the late items behind what differs, where others show that live decided without them."""
        late = {name for cut in self.unknown_until for name in cut.item_ids}
        for decision_id, (person, touched) in self._touched.items():
            one = self.compared.differences[decision_id]
            older_ms, catalogue = self._older.get(person), self._knowledge.catalogue
            unknown = touched & late
            if older_ms is not None:
                unknown |= {
                    name
                    for name in touched
                    if catalogue.at(name, one.event_time_ms) is not catalogue.at(name, older_ms)
                }
            if unknown:
                one.cause, one.late_items = "late_items", sorted(unknown)

    def _is_reproduced(
        self, logged: dict[str, LoggedDecision], made: dict[Seen, PersonResult]
    ) -> bool:
        return all(
            not any(_others(self._logged, one, _again(one, made))) for one in logged.values()
        )

    def _as_before(
        self,
        catalogues: Iterable[tuple[Cut, Catalogue]],
        kept: bytes,
        news: SessionNews,
        logged: dict[str, LoggedDecision],
    ) -> tuple[PersonResult, dict[Seen, PersonResult]] | None:
        """What a catalogue without late items gives, if that is what was logged."""
        for cut, catalogue in catalogues:
            state = PERSON_STATE.decode(kept) if kept else None
            result, made = decide_as_named(
                state, news, self._with(catalogue), self._rules.seed, self._taught, self._logged
            )
            if self._is_reproduced(logged, made):
                late = self._late_items.met(cut, news.order_ms)
                self.unknown_until.update(
                    {one: max(self.unknown_until.get(one, 0), news.order_ms) for one in late}
                )
                self.compared.catalogue_late += len(logged.keys() - self.compared.met)
                self.compared.late_items.update(name for one in late for name in one.item_ids)
                return result, made
        return None

    def _compare(
        self, news: SessionNews, event: Event, made: dict[Seen, PersonResult], is_wanted: bool
    ) -> None:
        key = (event.session_id, event.event_id)
        logged, compared = self._logged.of(key), self.compared
        for one in logged.values():
            if one.decision_id in compared.met:
                continue  # its event lies twice in the log
            compared.met.add(one.decision_id)
            compared.decisions += 1
            compared.repeats += len(one.decisions) > 1
            compared.left_out += any(kept.has_left_out for kept in one.traces)
            self._count(one, news, event)
            found = compare(self._logged, one, made, self._taught.epoch)
            if found is None:
                compared.reproduced += 1
                continue
            if len(compared.differences) < DIFFERENCES_MAX:
                compared.differences[one.decision_id] = found
            else:
                compared.not_kept += 1
        if is_wanted:
            self._find_extra(key, next(reversed(made.values())), logged)

    def _note_touched(
        self,
        news: SessionNews,
        event: Event,
        state: PersonState | None,
        logged: Iterable[str],
    ) -> None:
        """Which items stand behind what differs: in the session, the event and the profile."""
        differing = [one for one in logged if one in self.compared.differences]
        if differing:
            touched = {*news.visit.items, *news.visit.cart, *event.item_ids}
            if state is not None:
                touched.update(state.recent_items, state.exposures)
            for decision_id in differing:
                if self.compared.differences[decision_id].cause == "differs":
                    self._touched[decision_id] = (news.person, touched)

    def _find_extra(
        self, key: EventKey, result: PersonResult, logged: dict[str, LoggedDecision]
    ) -> None:
        for decision, _ in result.decisions:
            extra = self.compared.extra
            if decision.decision_id not in logged and len(extra) < DIFFERENCES_MAX:
                is_late = decision.versions.policy in self._late_policies
                extra[decision.decision_id] = Difference(
                    "late_policy" if is_late else "not_logged", decision.decision_id, key, decision.person,
                    decision.placement, decision.event_time_ms,
                )  # fmt: skip

    def _count(self, one: LoggedDecision, news: SessionNews, event: Event) -> None:
        """Where a replay, which goes by time, would have seen something else."""
        newest = (one.decisions or one.traces)[-1].versions
        known, compared = self._knowledge.at(event.event_time_ms), self.compared
        compared.knowledge_late += newest.knowledge < self._taught.due
        compared.knowledge_ahead += newest.knowledge > self._taught.due
        is_other_model = (
            newest.model not in NO_MODELS
            and known.scorer is not None
            and known.scorer.version != newest.model
        )
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
) -> tuple[PersonResult, dict[Seen, PersonResult]]:
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


def compare(
    logged: LoggedDecisions, one: LoggedDecision, made: dict[Seen, PersonResult], epoch: int
) -> Difference | None:
    """Compares all records of a decision with what was made by the versions that each names."""
    again = _again(one, made)
    others = _others(logged, one, again)
    if one.decisions and one.traces and not (others[0] or others[1]):
        return None
    fields: list[Field] = []
    for at, records in enumerate(others):
        for kept in records[-1:]:
            pair = again.get(seen_by(kept.versions))
            fields += _fields(_decoded(logged, kept, at), pair[at] if pair else None)
    cause, places = _cause(logged, one, others, again, epoch)
    return Difference(
        cause, one.decision_id, one.event, one.person, one.placement, one.event_time_ms,
        [str(kept.place) for kept in places], fields[:FIELDS_MAX], max(0, len(fields) - FIELDS_MAX),
    )  # fmt: skip


def _again(one: LoggedDecision, made: dict[Seen, PersonResult]) -> dict[Seen, Made | None]:
    """What each of the versions made of a decision."""
    return {
        seen: next((pair for pair in result.decisions if pair[0].decision_id == one.decision_id), None)
        for seen, result in made.items()
    }  # fmt: skip


def _others(
    logged: LoggedDecisions, one: LoggedDecision, again: dict[Seen, Made | None]
) -> list[list[Kept]]:
    """The records of a decision, and those of its trace, that came out otherwise."""
    return [
        [kept for kept in records if not _is_same(logged, kept, again, at)]
        for at, records in enumerate((one.decisions, one.traces))
    ]


def _is_same(logged: LoggedDecisions, kept: Kept, again: dict[Seen, Made | None], at: int) -> bool:
    made = again.get(seen_by(kept.versions))
    if made is None:
        return False
    data = logged.bytes_of(kept)
    if not at:
        return _is_of(DECISION, data, made[0])
    left_out = TRACE.decode(data).left_out if kept.has_left_out else None
    return _is_of(TRACE, data, leave_out(made[1], left_out) if left_out else made[1])


def _is_of(codec: Codec[T], data: bytes, value: T) -> bool:
    """Whether the bytes are the value's; where an older schema wrote them, whether they say the same."""
    encoded = codec.encode(value)
    if data[:HEADER_BYTES] == encoded[:HEADER_BYTES]:
        return data == encoded
    return codec.decode(data) == value


def _cause(
    logged: LoggedDecisions,
    one: LoggedDecision,
    others: list[list[Kept]],
    again: dict[Seen, Made | None],
    epoch: int,
) -> tuple[str, list[Kept]]:
    """Why a decision is not reproduced, as far as its own records tell, and the records it concerns."""
    every = [*one.decisions, *one.traces]
    wrong = [*others[0], *others[1]]
    if not one.decisions:
        return "no_decision", one.traces
    if not one.traces:
        return ("no_trace", one.decisions) if not wrong else ("differs", wrong)
    if len(wrong) < len(every) and others[0]:
        # a trace holds all that its decision rests on: with a right one the decision cannot be wrong. A pair
        # that is, beside one that is not, was written before a restart
        return ("repeated" if others[1] else "altered"), wrong
    decision, trace = _decoded(logged, one.decisions[-1], 0), _decoded(logged, one.traces[-1], 1)
    if any(getattr(decision, name) != getattr(trace, name) for name in SHARED):
        return "altered", every
    versions = decision.versions
    if versions.code != CODE_VERSION or getattr(trace, "feature_set", "") != FEATURE_SPACE.digest:
        return "other_code", every
    made = again.get(seen_by(versions))
    if made is None:
        return "not_made", every
    if made[0].versions != versions:
        return "unknown_version", every
    if epoch < versions.knowledge:
        return "unknown_epoch", every
    return "differs", wrong


def _decoded(logged: LoggedDecisions, kept: Kept, at: int) -> Decision | DecisionTrace:
    return (TRACE if at else DECISION).decode(logged.bytes_of(kept))


def _fields(logged: Decision | DecisionTrace, made: Decision | DecisionTrace | None) -> list[Field]:
    """What differs, field by field."""
    if made is None:
        return []
    before, after = dict(_leaves(logged)), dict(_leaves(made))
    kind = "trace" if isinstance(logged, DecisionTrace) else "decision"
    return [
        Field(f"{kind}.{name}", before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _leaves(value: Decision | DecisionTrace) -> Iterator[tuple[str, str]]:
    """Every value of a record under its path; a trace's vectors by candidate and name of the feature."""
    if isinstance(value, DecisionTrace):
        if value.feature_set == FEATURE_SPACE.digest:
            rows = matrix_of(value).tolist()
            for at, row in enumerate(rows):
                for name, number in zip(FEATURE_SPACE.names, row, strict=True):
                    yield f"features[{at}].{name}", repr(number)
        else:
            yield "features", value.features.hex()[:80]
    fields = to_builtins(value, builtin_types=(bytes,))
    fields.pop("features", None)
    yield from _walk("", fields)


def _walk(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), one)
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _walk(f"{path}[{at}]", one)
    else:
        yield path, repr(value)
