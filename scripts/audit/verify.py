"""The audit: logged decisions, made again from the log and compared byte by byte.

Each is made with the versions that it names, and its person's events are taken in the order in which the log
of decisions says that live took them. What is not reproduced has a cause. `kairos verify replay` shows all of it,
`kairos verify skew` what it tells of feature vectors.
"""

from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest
from tempfile import TemporaryFile
from typing import Final, NamedTuple

from msgspec import Struct

from jobs.audit.decoded import decoded
from jobs.audit.differences import Difference, difference_of_unmet
from jobs.audit.logged import FOR_EVER_MS, EventKey, LoggedDecisions, Scope
from jobs.audit.recompute import Compared
from jobs.audit.refusals import Letters, lines_of, suspects
from jobs.audit.skew import Skew
from log.range import LogRange
from schemas.codec import TRACE
from schemas.counted import counted
from schemas.decisions import DecisionTrace
from schemas.errors import ConfigError
from schemas.records import LogRecord
from schemas.topics import DECISIONS, EVENTS, KNOWLEDGE, TRACES, earliest_record_ms
from scripts.audit.causes import EXPLAINED, UNEXPLAINED
from scripts.audit.deployed_log import Log
from scripts.audit.passes import Passes
from scripts.console import say
from scripts.progress import Watched
from udfs.facts.features import FEATURE_SPACE

SUSPECTS_MAX: Final = 100
"""Sessions whose events are looked at one by one."""
PART_OF: Final = {
    "no_decision": DECISIONS,
    "no_trace": TRACES,
    "unknown_epoch": KNOWLEDGE,
    "not_logged": DECISIONS,
}
"""Causes that a topic explains which no longer goes back to its beginning."""


class Fault(NamedTuple):
    """A record that is not what was written, by itself or by what another says of it."""

    place: str
    said: str


class Audit(Struct):
    """What an audit found. `decisions` were logged, of which `reproduced` came out byte by byte, decision and
    trace, `in_live_order` of them only when the person's simultaneous sessions were taken as live did.

    The next four count decisions that a replay by time would have made otherwise, because what they saw
    came late (or, `knowledge_ahead`, what they should have seen was forgotten); all are made with what they
    name, or with the catalogue of before the `late_items` came. `differing`: causes with their number, `differences`
    the first of each in full. `skew`: what their vectors tell.
    """

    decisions: int
    reproduced: int
    in_live_order: int
    repeats: int
    knowledge_late: int
    knowledge_ahead: int
    control_late: int
    catalogue_late: int
    late_items: list[str]
    left_out: int
    differing: dict[str, int]
    differences: list[Difference]
    faults: list[Fault]
    from_ms: int
    to_ms: int
    skew: Skew
    refused: int = 0
    """Records that a replay refuses: each has its dead letter, or is a fault."""

    @property
    def unexplained(self) -> int:
        """Differences without a cause outside the log's bytes, and faults of records."""
        return len(self.faults) + sum(
            count for cause, count in self.differing.items() if cause in UNEXPLAINED
        )

    @property
    def not_named(self) -> int:
        """Differences that are counted and no more."""
        return sum(self.differing.values()) - len(self.differences)

    @property
    def is_whole(self) -> bool:
        """Whether something was reproduced and nothing differs without a cause."""
        is_something = self.reproduced > 0 or self.differing.get("erased", 0) > 0
        return is_something and not self.unexplained


def scope_of(from_ms: int | None, to_ms: int | None, decision_id: str | None = None) -> Scope:
    """The decisions of a time, which may be open, or one of them; raises ConfigError where that can be none."""
    scope = Scope(from_ms or 0, FOR_EVER_MS if to_ms is None else to_ms, decision_id)
    if scope.from_ms >= scope.to_ms:
        raise ConfigError("--from is not before --to: nothing lies between them")
    return scope


def verify(
    log: Log, scope: Scope, limit: int | None = None, counts: Counter[str] | None = None
) -> Audit:
    """Audits the decisions of the scope, at most `limit` of them, sampled; raises ConfigError where there are none.

    `counts` is told what became of the records that were replayed (Passes).
    """
    if limit is not None:
        scope = scope._replace(sample=_sample(log, scope, limit))
    with TemporaryFile() as file:
        logged = LoggedDecisions(file, scope)
        _read(log, logged, scope)
        say(f"{counted(len(logged), 'decision')}; replaying from the beginning of the log")
        passes = Passes(log, logged, scope)
        compared, in_order = passes.run()
        for decision in logged:
            if decision.decision_id not in compared.met:
                compared.decisions += 1
                compared.keep(difference_of_unmet(logged, decision), compared.differences)
        audit = _audit(log, logged, compared, passes.letters, in_order)
        _find_suspects(log, audit, logged, compared)
        if counts is not None:
            counts.update(passes.counts)
        return audit


def trace_again(log: Log, decision_id: str) -> DecisionTrace | None:
    """The whole trace of a logged decision, made again from the log; None where it comes out otherwise.

    Raises ConfigError where there is no such decision.
    """
    with TemporaryFile() as file:
        logged = LoggedDecisions(file, scope_of(None, None, decision_id))
        _read(log, logged, logged.scope)
        say("its trace holds a digest of its features: replaying from the beginning of the log")
        compared, _ = Passes(log, logged, logged.scope).run()
        return compared.trace


def _sample(log: Log, scope: Scope, limit: int) -> frozenset[str]:
    """Of the decisions those with the least ids, which are hashes; first of those whose vectors can be compared."""
    found = set()
    for trace in decoded(
        _watched("reading traces", _since(log, TRACES, scope.from_ms)), TRACE.decode, say
    ):
        if scope.holds(trace):
            is_other = trace.feature_set != FEATURE_SPACE.digest or trace.left_out is not None
            found.add((is_other, trace.decision_id))
    return frozenset(decision_id for _, decision_id in nsmallest(limit, found))


def _since(log: Log, topic: str, from_ms: int) -> LogRange:
    """The records of decisions on events from here on."""
    # to the end: an imported event may be years older than what was decided on it
    return log.records(topic, earliest_record_ms(from_ms) or None)


def _read(log: Log, logged: LoggedDecisions, scope: Scope) -> None:
    for topic in (TRACES, DECISIONS):
        records = _since(log, topic, scope.from_ms)
        logged.read(_watched(f"reading {topic}", records), topic)
    lonely_ms = min((one.event_time_ms for one in logged if not one.traces), default=None)
    if lonely_ms is not None:  # while the decisions were read, their traces came
        logged.read(_since(log, TRACES, lonely_ms), TRACES)
    if not len(logged) and not logged.faults:
        what = f"decision {scope.decision_id!r}" if scope.decision_id else "decision of this time"
        raise ConfigError(f"no {what} in {log.name(DECISIONS)} and {log.name(TRACES)}")
    if logged.faults:
        first = logged.faults[0]
        say(
            f"{counted(len(logged.faults), 'record')} cannot be read; the first: {first.place}, {first.what}"
        )
    logged.read_past(_watched("reading decisions before", log.records(DECISIONS)))


def _watched(name: str, records: LogRange) -> Watched[LogRecord]:
    return Watched(name, records, len(records))


def _audit(
    log: Log, logged: LoggedDecisions, compared: Compared, letters: Letters, in_order: int
) -> Audit:
    is_complete = log.records(EVENTS).begins_at_first
    shortened = {cause for cause, topic in PART_OF.items() if not log.begins_at_first(topic)}

    def explained(cause: str) -> str:
        if cause in shortened:
            return "expired"
        is_older = cause in ("differs", "not_made", "not_logged") and not is_complete
        return "older_state" if is_older else cause

    every = [*compared.differences.values(), *compared.extra.values()]
    differing: Counter[str] = Counter()
    for cause, count in compared.not_kept.items():
        differing[explained(cause)] += count
    for one in every:
        compared.skew.add(one.skew)
        one.cause = explained(one.cause)
        differing[one.cause] += 1
    every.sort(key=lambda one: (one.cause in EXPLAINED, one.event_time_ms, one.decision_id))
    times = [one.event_time_ms for one in logged]
    return Audit(
        compared.decisions, compared.reproduced, in_order, compared.repeats,
        compared.knowledge_late, compared.knowledge_ahead, compared.control_late, compared.catalogue_late,
        sorted(compared.late_items.union(*(one.late_items for one in every))), compared.left_out,
        dict(differing), every, list(_faults(log, logged, letters, is_complete)),
        min(times, default=0), max(times, default=0), compared.skew, letters.met,
    )  # fmt: skip


def _faults(
    log: Log, logged: LoggedDecisions, letters: Letters, is_complete: bool
) -> Iterator[Fault]:
    for one in logged.faults:
        yield Fault(str(one.place), f"is no such record: {one.what}")
    if is_complete:
        for refused in letters.refused:
            said = f"{refused.reason}, {refused.message}"
            yield Fault(str(refused.place), f"the job took it, now it is refused: {said}")
        for refused in letters.taken(log.name(EVENTS)):
            yield Fault(
                str(refused.place), f"the job refused it ({refused.reason}), now it is taken"
            )


def _find_suspects(log: Log, audit: Audit, logged: LoggedDecisions, compared: Compared) -> None:
    """Names the events behind what is not explained: of each session, for the first decision of it."""
    first: dict[str, Difference] = {}
    for one in audit.differences:
        if one.cause in ("altered", "differs", "not_made", "not_logged"):
            first.setdefault(one.event[0], one)
    wanted = dict(list(first.items())[:SUSPECTS_MAX])
    if not wanted:
        return
    lines = lines_of(log.records(EVENTS), wanted.keys(), log.rules.decode)
    foreign = {one.event for one in compared.extra.values()}

    def is_vouched(event: EventKey) -> bool:
        return bool(logged.of(event)) and not logged.of(event).keys() & compared.differences.keys()

    for session_id, one in wanted.items():
        found = suspects(
            lines.get(session_id, []), one.event[1], is_vouched, foreign.__contains__, session_id
        )
        one.suspects = [str(place) for place in found]
