"""`kairos verify skew`: replays the log and compares every feature vector with the one that was logged.

Each decision is made again with the versions that it names. State comes from all that was before, so
the replay begins with the log, and only decisions of the range are made and compared. What a live job saw
in another way than a replay can is counted apart: knowledge that came after its time, and events of one
person's simultaneous sessions that arrived in another order.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from itertools import zip_longest
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from jobs.audit.decoded import decoded
from jobs.audit.late_items import Cut, LateItems, late_cuts
from jobs.audit.taught import Taught, looking_back
from jobs.config import Config
from jobs.fold.fold import Fold, FoldRules
from jobs.learning.examples import matrix_of
from log.kafka import read_to_end
from schemas.codec import TRACE
from schemas.decisions import DecisionTrace, TracedCandidate, Versions
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import AHEAD_OF_LOG_MAX_MS
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from schemas.topics import EVENTS, ITEMS, TRACES
from scripts.audit.deployed_log import Log
from scripts.console import say
from scripts.progress import Watched
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult


class Example(NamedTuple):
    """One value that differs; None = missing."""

    decision_id: str
    item_id: str
    logged: float | None
    replayed: float | None


class CandidateExample(NamedTuple):
    """The first place where a decision offered another item, each as ITEM (SOURCE); None = the list had ended."""

    decision_id: str
    place: int
    logged: str | None
    replayed: str | None


class FeatureSkew(Struct):
    """How many vectors differ in one feature, and the first of them."""

    count: int
    example: Example


class Skew(Struct):
    """What a comparison found.

    `compared` decisions with `vectors` candidates, of which `differing` differ in `features`. `missing`
    decisions were logged and are not made again; those of `other_candidates` offered other items. The
    others (scripts/audit/skew_view.py) can say nothing of skew.
    """

    compared: int = 0
    vectors: int = 0
    differing: int = 0
    missing: int = 0
    other_candidates: int = 0
    other_knowledge: int = 0
    left_out: int = 0
    late: int = 0
    reordered: int = 0
    other_sets: dict[str, int] = {}
    features: dict[str, FeatureSkew] = {}
    candidates_example: CandidateExample | None = None

    @property
    def is_none(self) -> bool:
        """Whether all that was compared is the same, and something was."""
        return self.compared > 0 and not (self.differing or self.missing or self.other_candidates)


class Place(NamedTuple):
    """Where a logged trace lies in a file, the event that caused it, and the versions that it names."""

    offset: int
    size: int
    event: tuple[str, str]
    versions: Versions


class Logged:
    """Traces in a file, by decision: only their places are in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[str, Place] = {}
        self._taken: set[str] = set()
        self._versions: dict[tuple[str, str], Versions] = {}
        self.other_sets: dict[str, int] = {}
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._places) - len(self._taken)

    def begin(self) -> None:
        """All of them anew: nothing is taken."""
        self._taken.clear()

    def add(self, trace: DecisionTrace) -> None:
        """Keeps a trace; of the same decision written twice the newest counts."""
        if trace.feature_set != FEATURE_SPACE.digest:
            self.other_sets[trace.feature_set] = self.other_sets.get(trace.feature_set, 0) + 1
            return
        if trace.left_out is not None:
            self.left_out += 1
            return
        data, event = TRACE.encode(trace), (trace.session_id, trace.event_id)
        self._places[trace.decision_id] = Place(self._file.tell(), len(data), event, trace.versions)
        self._versions[event] = trace.versions
        self._file.write(data)

    def sample(self, count: int) -> None:
        """Keeps `count` of the decisions: those with the least ids, which are hashes."""
        self._places = dict(sorted(self._places.items())[:count])
        self._versions = {one.event: one.versions for one in self._places.values()}

    def versions_of(self, event: Event) -> Versions | None:
        """What the decisions on this event name as what they saw; None = there are none."""
        return self._versions.get((event.session_id, event.event_id))

    def take(self, decision_id: str) -> DecisionTrace | None:
        """The logged trace, once."""
        found = self.look(decision_id)
        if found is not None:
            self._taken.add(decision_id)
        return found

    def look(self, decision_id: str) -> DecisionTrace | None:
        """The logged trace, as long as it was not taken."""
        place = self._places.get(decision_id)
        if place is None or decision_id in self._taken:
            return None
        self._file.seek(place.offset)
        return TRACE.decode(self._file.read(place.size))


def verify(
    kafka: str,
    config: Config,
    from_ms: int | None,
    to_ms: int | None,
    limit: int | None,
    archive: str | None = None,
) -> Skew:
    """Compares the traces of decisions on events of [from_ms, to_ms); at most `limit` of them, sampled.

    Raises ConfigError where there are none.
    """
    prefix = config.topic_prefix
    with TemporaryFile() as file:
        logged = Logged(file)
        for trace in read_traces(kafka, prefix + TRACES, from_ms, to_ms):
            logged.add(trace)
        if limit is not None:
            logged.sample(limit)
        if not (len(logged) or logged.other_sets or logged.left_out):
            raise ConfigError(f"no decision of this time in {prefix + TRACES}")
        say(f"{len(logged):,} decisions to compare; replaying from the beginning of the log")
        log = Log(kafka, config, archive)
        # what came first came to an empty catalogue, and a decision names that it had none
        cuts = [one for one in late_cuts(log.records(ITEMS)) if one.position]

        def run(taught: Taught) -> Skew:
            events = log.records(EVENTS)
            watched = Watched("replaying", events, len(events))
            return compare_log(watched, taught, log.rules, logged, cuts)

        return looking_back(log.taught, run, say)


def read_traces(
    kafka: str, topic: str, from_ms: int | None, to_ms: int | None
) -> Iterator[DecisionTrace]:
    """The traces of decisions on events of [from_ms, to_ms)."""
    # a trace's record bears the time of the event's record, which the event may be ahead of
    since_ms = None if from_ms is None else max(0, from_ms - AHEAD_OF_LOG_MAX_MS)
    records = Watched("reading traces", read_to_end(kafka, [topic], since_ms))
    for trace in decoded(records, TRACE.decode, say):
        is_after = from_ms is None or trace.event_time_ms >= from_ms
        if is_after and (to_ms is None or trace.event_time_ms < to_ms):
            yield trace


class SkewFold(Fold):
    """The fold; what does not come out as logged is decided without the items that came late, too."""

    def __init__(
        self, knowledge: Knowledge, rules: FoldRules, logged: Logged, cuts: Sequence[Cut]
    ) -> None:
        super().__init__(knowledge, rules)
        self._logged, self._late_items = logged, LateItems(knowledge.catalogue, cuts)

    def decide(self, state: PersonState | None, news: SessionNews) -> PersonResult:
        """One piece of news, with the catalogue that gives what was logged."""
        event = news.event
        is_wanted = event is not None and self._rules.decides(event)
        before = self._late_items.catalogues(event.event_time_ms) if event and is_wanted else ()
        kept = PERSON_STATE.encode(state) if is_wanted and state is not None else b""
        result = super().decide(state, news)
        if not is_wanted or self._is_logged(result):
            return result
        whole = self._knowledge
        for cut, catalogue in before:
            self._knowledge = copy(whole)
            self._knowledge.catalogue = catalogue
            again = super().decide(PERSON_STATE.decode(kept) if kept else None, news)
            self._knowledge = whole
            if self._is_logged(again):
                self._late_items.met(cut, news.order_ms)
                return again
        return result

    def _is_logged(self, result: PersonResult) -> bool:
        """Whether every trace has the vectors that it was logged with."""
        for _, trace in result.decisions:
            logged = self._logged.look(trace.decision_id)
            if logged is not None and not _is_alike(logged, trace):
                return False
        return True


def compare_log(
    log: Iterable[LogRecord],
    taught: Taught,
    rules: FoldRules,
    logged: Logged,
    cuts: Sequence[Cut] = (),
) -> Skew:
    """Folds the log until every logged decision has been made again, and compares each."""
    skew = Skew(other_sets=logged.other_sets, left_out=logged.left_out)
    knowledge = taught.knowledge
    logged.begin()

    def named(event: Event) -> Versions | None:
        versions = logged.versions_of(event)
        if versions is not None:
            taught.learn(versions.knowledge)
        return versions

    audit = rules._replace(decides=lambda event: logged.versions_of(event) is not None, named=named)
    late_items = frozenset(name for one in cuts for name in one.item_ids)
    for one in SkewFold(knowledge, audit, logged, cuts).run(log):
        for _, replayed in one.decisions:
            trace = logged.take(replayed.decision_id)
            if trace is not None:
                is_late = knowledge.statistics.epoch < trace.versions.knowledge
                compare(skew, trace, replayed, is_late, late_items)
        if not len(logged):
            break
    skew.missing = len(logged)
    return skew


def compare(
    skew: Skew,
    logged: DecisionTrace,
    replayed: DecisionTrace,
    is_late: bool,
    late_items: Collection[str] = frozenset(),
) -> None:
    """Adds what one decision tells: bit by bit, but one missing value is as good as another.

    One that could not know `late_items`, or not as they are, says nothing of skew.
    """
    ours, theirs = replayed.versions, logged.versions
    if is_late:
        skew.late += 1
    elif (ours.policy, ours.catalogue) != (theirs.policy, theirs.catalogue) or (
        _is_without(logged, replayed, late_items)
    ):
        skew.other_knowledge += 1
    elif logged.sequence != replayed.sequence:
        skew.reordered += 1
    else:
        skew.compared += 1
        items = [one.item_id for one in logged.candidates]
        if items != [one.item_id for one in replayed.candidates]:
            skew.other_candidates += 1
            skew.candidates_example = skew.candidates_example or _first_other(logged, replayed)
        else:
            _compare_vectors(skew, logged, replayed)


def _is_without(
    logged: DecisionTrace, replayed: DecisionTrace, late_items: Collection[str]
) -> bool:
    """Whether late items, and nothing else, are what only the replay knows of, or knows otherwise."""
    if not late_items:
        return False
    before = [one.item_id for one in logged.candidates]
    after = [one.item_id for one in replayed.candidates]
    if before != after:
        return any(one in late_items and one not in before for one in after)
    rows = _others(matrix_of(logged), matrix_of(replayed)).any(axis=1).nonzero()[0]
    return len(rows) > 0 and all(before[row] in late_items for row in rows)


def _is_alike(one: DecisionTrace, other: DecisionTrace) -> bool:
    """Whether two traces have the same candidates with the same vectors."""
    items = [candidate.item_id for candidate in one.candidates]
    if items != [candidate.item_id for candidate in other.candidates]:
        return False
    return not _others(matrix_of(one), matrix_of(other)).any()


def _others(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two matrices differ in a bit; one missing value is as good as another."""
    both_missing = np.isnan(before) & np.isnan(after)
    found: NDArray[np.bool_] = (before.view("<u4") != after.view("<u4")) & ~both_missing
    return found


def _first_other(logged: DecisionTrace, replayed: DecisionTrace) -> CandidateExample:
    """The first place at which the candidates of two traces are not the same."""
    pairs = enumerate(zip_longest(logged.candidates, replayed.candidates))
    place, (before, after) = next(one for one in pairs if _item(one[1][0]) != _item(one[1][1]))
    return CandidateExample(logged.decision_id, place, _named(before), _named(after))


def _item(one: TracedCandidate | None) -> str | None:
    return one.item_id if one is not None else None


def _named(one: TracedCandidate | None) -> str | None:
    return f"{one.item_id} ({one.source})" if one is not None else None


def _compare_vectors(skew: Skew, logged: DecisionTrace, replayed: DecisionTrace) -> None:
    before, after = matrix_of(logged), matrix_of(replayed)
    is_other = _others(before, after)
    skew.vectors += len(before)
    skew.differing += int(is_other.any(axis=1).sum())
    for column in np.flatnonzero(is_other.any(axis=0)):
        name = FEATURE_SPACE.names[column]
        rows = np.flatnonzero(is_other[:, column])
        row = int(rows[0])
        example = Example(
            logged.decision_id, logged.candidates[row].item_id,
            _value(before[row, column]), _value(after[row, column]),
        )  # fmt: skip
        found = skew.features.setdefault(name, FeatureSkew(0, example))
        found.count += len(rows)


def _value(number: np.float32) -> float | None:
    return None if np.isnan(number) else float(number)
