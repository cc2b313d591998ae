"""`kairos verify replay`: logged decisions, made again from the log and compared byte by byte.

Each is made with the versions that it names, and its person's events are taken in the order in which the log
of decisions says that live took them. What is not reproduced has a cause; what has none makes exit code 1.
"""

from collections import Counter
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from jobs.audit.late_items import Cut, LateItems, late_cuts
from jobs.audit.logged import EventKey, LoggedDecisions, Scope
from jobs.audit.recheck import Recheck, Rechecked
from jobs.audit.recompute import AuditFold, Compared, Difference
from jobs.audit.refusals import Letters, lines_of, suspects
from jobs.audit.taught import Taught, looking_back
from jobs.fold.arrival_order import ArrivalFold
from log.range import LogRange
from schemas.errors import ConfigError
from schemas.limits import EVENT_TIME_MAX_MS, SECOND_MS
from schemas.records import LogRecord
from schemas.topics import (
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    ITEMS,
    KNOWLEDGE,
    TRACES,
    earliest_record_ms,
)
from scripts.audit.deployed_log import Log
from scripts.console import say, show
from scripts.progress import Watched
from scripts.times import utc

T = TypeVar("T")
SUSPECTS_MAX: Final = 100
"""Sessions whose events are looked at one by one."""
PLACES_SHOWN: Final = 8
SHOWN_MAX: Final = 20
LATE_MAX: Final = 4
"""Publications of late items, the newest, of which is found out when they came."""
IN_FLIGHT_MS: Final = 10 * SECOND_MS
"""So much before the newest logged decision others may still be on their way into the log."""

EXPLAINED: Final = {
    "repeated": "were written before a restart and again after it; the repeat is reproduced",
    "other_code": "were made by another version of the code or its features: check that version out",
    "expired": "have a part whose topic no longer goes back so far: read it from an archive (--archive)",
    "older_state": "rest on events from before the log's beginning: read them from an archive (--archive)",
    "too_large": "are made again and were too large to be written: a dead letter says so",
    "late_items": "rest on items that were published after the time from which they hold",
    "late_policy": "a replay makes and live did not: the policy was published after its time",
    "not_yet": "a replay makes and live had not made by the newest logged decision",
}
"""Causes of a difference that is none of the log's bytes, in words."""
UNEXPLAINED: Final = {
    "altered": "contradict their traces, or these are right: the decision was altered, or its event was",
    "differs": "come out otherwise: an event, or code or settings, are not what they were",
    "not_made": "are not made again: the event behind them is missing or is another",
    "no_decision": "have a trace and no decision",
    "no_trace": "have no trace",
    "unknown_version": "name a policy or model that is not on `control`",
    "unknown_epoch": "name a knowledge epoch that is not in `knowledge`",
    "not_logged": "are made again and were not logged",
}
SETTINGS: Final = "seed, lateness, rate and catalogue (KAIROS_SEED, _LATENESS_MS, _SESSION_*, _UNCATALOGUED) must be those of the job"


class Fault(NamedTuple):
    """A record that is not what was written, by itself or by what another says of it."""

    place: str
    said: str


class Audit(Struct):
    """What an audit found. `decisions` were logged, of which `reproduced` came out byte by byte, decision and
    trace, `in_live_order` of them only when the person's simultaneous sessions were taken as live did.

    The next four count decisions that a replay by time would have made otherwise, because what they saw
    came late (or, `knowledge_ahead`, what they should have seen was forgotten); all are made with what they
    name, or with the catalogue of before the `late_items` came. `differing`: causes with their number, `differences` the first of each in full.
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

    @property
    def unexplained(self) -> int:
        """Differences without a cause outside the log's bytes, and faults of records."""
        return len(self.faults) + sum(
            count for cause, count in self.differing.items() if cause in UNEXPLAINED
        )

    @property
    def is_whole(self) -> bool:
        """Whether something was reproduced and nothing differs without a cause."""
        return self.reproduced > 0 and not self.unexplained


def verify(log: Log, scope: Scope) -> Audit:
    """Audits the decisions of the scope; raises ConfigError where there are none."""
    with TemporaryFile() as file:
        logged = LoggedDecisions(file, scope)
        _read(log, logged, scope)
        events, refused = log.records(EVENTS), log.records(DEAD_LETTERS)
        letters = Letters(refused, refused.begins_at_first)
        say(f"{len(logged):,} decisions; replaying from the beginning of the log")
        compared = _first_passes(log, logged, letters, scope, events)
        in_order = _second_pass(log, logged, compared, events)
        _find_left(logged, compared)
        audit = _audit(log, logged, compared, letters, in_order, events.begins_at_first)
        _find_suspects(log, audit, logged, compared)
        return audit


def _read(log: Log, logged: LoggedDecisions, scope: Scope) -> None:
    # to the end: an imported event may be years older than what was decided on it
    since_ms = earliest_record_ms(scope.from_ms) or None
    logged.read(_watched("reading traces", log.records(TRACES, since_ms)), TRACES)
    logged.read(_watched("reading decisions", log.records(DECISIONS, since_ms)), DECISIONS)
    lonely_ms = min((one.event_time_ms for one in logged if not one.traces), default=None)
    if lonely_ms is not None:  # while the decisions were read, their traces came
        logged.read(log.records(TRACES, earliest_record_ms(lonely_ms)), TRACES)
    if not len(logged) and not logged.faults:
        what = f"decision {scope.decision_id!r}" if scope.decision_id else "decision of this time"
        raise ConfigError(f"no {what} in {log.name(DECISIONS)} and {log.name(TRACES)}")
    logged.read_past(_watched("reading decisions before", log.records(DECISIONS)))


def _watched(name: str, records: LogRange) -> Watched[LogRecord]:
    return Watched(name, records, len(records))


def _first_passes(
    log: Log, logged: LoggedDecisions, letters: Letters, scope: Scope, events: LogRange
) -> Compared:
    """In order of time. Where items came late and something differs, once more with what live knew when.

    When late items came is not in the log; with sessions that never know them, the last decision that comes out
    without them tells.
    """
    cuts = late_cuts(log.records(ITEMS))
    named = [(one.event_time_ms, kept.versions.catalogue) for one in logged for kept in one.traces]

    def go(unknown_until: dict[Cut, int]) -> AuditFold:
        def run(taught: Taught) -> AuditFold:
            late_items = LateItems(taught.knowledge.catalogue, cuts, unknown_until, named)
            return _pass(log, logged, letters, scope, taught, events, late_items)

        return looking_back(log.taught, run, say)

    first = best = go({})
    is_open = any(one.cause == "differs" for one in first.compared.differences.values())
    cuts_met = [cut for cut in cuts if cut.effective_from_ms <= logged.newest_ms][-LATE_MAX:]
    if not (is_open and cuts_met):
        return _explained(first)
    say(f"some differ, and items came late: looking for when, in {len(cuts_met) + 1} more passes")
    unknown: dict[Cut, int] = {}
    for cut in cuts_met:
        found = go(unknown | {cut: EVENT_TIME_MAX_MS}).unknown_until.get(cut)
        if found is not None:
            unknown[cut] = found
    if unknown:
        best = go(unknown)
    return _explained(max(first, best, key=lambda one: one.compared.reproduced))


def _explained(fold: AuditFold) -> Compared:
    fold.explain_late()
    return fold.compared


def _pass(
    log: Log,
    logged: LoggedDecisions,
    letters: Letters,
    scope: Scope,
    taught: Taught,
    events: LogRange,
    late_items: LateItems,
) -> AuditFold:
    """In order of time, as a replay takes events, until all of the scope has come by."""
    letters.begin()
    is_all = scope.decision_id is None
    rules = log.rules._replace(
        decides=lambda event: is_all and scope.from_ms <= event.event_time_ms < scope.to_ms
    )
    fold = AuditFold(taught.knowledge, rules, taught, logged, log.late_policies(), late_items)
    until_ms = min(scope.to_ms, logged.newest_ms + 1) + log.config.lateness_ms
    watched = letters.watch(Watched("replaying", events, len(events)))
    for one in fold.run(watched):
        for letter in one.dead_letters:
            letters.take(letter)
        # not by time alone: what was imported into a live log lies behind clock ticks of much later
        is_over = one.news is not None and one.news.order_ms > until_ms
        if fold.compared.decisions == len(logged) and (is_over or not is_all):
            break
    return fold


def _second_pass(log: Log, logged: LoggedDecisions, compared: Compared, events: LogRange) -> int:
    """Those that differ once more, in the order in which live took the events; how many are reproduced so."""
    differing = [one for one in compared.differences.values() if one.cause == "differs"]
    persons = {one.person for one in differing}
    if not persons:
        return 0
    say(f"{len(differing):,} differ; taking the events of {len(persons):,} people as live did")
    wait_ms = log.config.lateness_ms

    def run(taught: Taught) -> Rechecked:
        recheck = Recheck(taught, logged, log.config.seed, persons, wait_ms)
        watched = Watched("replaying again", events, len(events))
        return recheck.run(ArrivalFold(taught.knowledge, log.rules), watched, events.partitions)

    result = looking_back(log.taught, run, say)
    count = 0
    for one in differing:
        if one.person not in result.simultaneous:
            continue  # there is but one order
        if one.decision_id in result.made and one.decision_id not in result.found:
            del compared.differences[one.decision_id]
            count += 1
        elif one.decision_id in result.found:
            compared.differences[one.decision_id] = result.found[one.decision_id]
    compared.reproduced += count
    return count


def _find_left(logged: LoggedDecisions, compared: Compared) -> None:
    """Logged, and the log has not come by what they were made on."""
    if compared.decisions == len(logged):
        return
    for one in logged:
        if one.decision_id not in compared.met:
            compared.decisions += 1
            places = [str(kept.place) for kept in (*one.decisions, *one.traces)]
            compared.differences[one.decision_id] = Difference(
                "not_made", one.decision_id, one.event, one.person, one.placement,
                one.event_time_ms, places,
            )  # fmt: skip


def _audit(
    log: Log,
    logged: LoggedDecisions,
    compared: Compared,
    letters: Letters,
    in_order: int,
    is_complete: bool,
) -> Audit:
    begins = {
        "no_decision": log.records(DECISIONS).begins_at_first,
        "no_trace": log.records(TRACES).begins_at_first,
        "unknown_epoch": log.records(KNOWLEDGE).begins_at_first,
        "not_logged": log.records(DECISIONS).begins_at_first,
    }
    every = [*compared.differences.values(), *compared.extra.values()]
    for one in every:
        if one.cause == "not_logged" and one.decision_id in letters.too_large:
            one.cause = "too_large"
        elif one.cause == "not_logged" and one.event_time_ms > logged.newest_ms - IN_FLIGHT_MS:
            one.cause = "not_yet"
        elif not begins.get(one.cause, True):
            one.cause = "expired"
        elif one.cause in ("differs", "not_made", "not_logged") and not is_complete:
            one.cause = "older_state"
    faults = [Fault(str(one.place), f"is no such record: {one.what}") for one in logged.faults]
    if is_complete:
        topic = log.name(EVENTS)
        faults += [
            Fault(
                str(one.place), f"the job took it, now it is refused: {one.reason}, {one.message}"
            )
            for one in letters.refused
        ]
        faults += [
            Fault(str(one.place), f"the job refused it ({one.reason}), now it is taken")
            for one in letters.taken(topic)
        ]
    every.sort(key=lambda one: (one.cause in EXPLAINED, one.event_time_ms, one.decision_id))
    times = [one.event_time_ms for one in logged]
    return Audit(
        compared.decisions, compared.reproduced, in_order, compared.repeats,
        compared.knowledge_late, compared.knowledge_ahead, compared.control_late, compared.catalogue_late,
        sorted(compared.late_items.union(*(one.late_items for one in every))), compared.left_out,
        dict(Counter(one.cause for one in every)), every, faults,
        min(times, default=0), max(times, default=0),
    )  # fmt: skip


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


def audit_json(audit: Audit) -> dict[str, Any]:
    """All of it as builtins."""
    found: dict[str, Any] = msgspec.to_builtins(audit)
    found["faults"] = [one._asdict() for one in audit.faults]
    for one, difference in zip(found["differences"], audit.differences, strict=True):
        one["session_id"], one["event_id"] = one.pop("event")
        one["fields"] = [field._asdict() for field in difference.fields]
    return found | {"unexplained": audit.unexplained, "is_whole": audit.is_whole}


def show_audit(audit: Audit) -> None:
    """The counts in words, then what differs."""
    show(
        f"{audit.reproduced:,} of {audit.decisions:,} decisions reproduced byte by byte, with their traces"
        + (f", {utc(audit.from_ms)} to {utc(audit.to_ms)}" if audit.decisions else "")
    )
    for line in _conditions(audit):
        show(f"  {line}")
    for cause, count in sorted(audit.differing.items()):
        said = EXPLAINED.get(cause) or UNEXPLAINED[cause]
        show(f"{'explained' if cause in EXPLAINED else 'NOT EXPLAINED'}: {count:,} {said}")
    if audit.late_items:
        more = len(audit.late_items) - PLACES_SHOWN
        named = ", ".join(audit.late_items[:PLACES_SHOWN])
        show(f"published late: {named}" + (f" and {more:,} more items" if more > 0 else ""))
    for fault in audit.faults[:SHOWN_MAX]:
        show(f"NOT EXPLAINED: {fault.place} {fault.said}")
    shown = [one for one in audit.differences if one.cause in UNEXPLAINED][:SHOWN_MAX]
    for one in shown:
        _show_difference(one)
    more = audit.unexplained - len(shown) - min(len(audit.faults), SHOWN_MAX)
    if more > 0:
        show(f"and {more:,} more: --json names them all")
    if "differs" in audit.differing:
        show(f"note: {SETTINGS}")


def _conditions(audit: Audit) -> Iterable[str]:
    """Where live was not what a replay by time makes of it."""
    said: tuple[tuple[int, str], ...] = (
        (audit.in_live_order, "of people with simultaneous sessions: taken in the order of live, which differs from that of time"),
        (audit.knowledge_late, "saw an older knowledge epoch than that of their time: it came late"),
        (audit.knowledge_ahead, "saw a newer one: their events came when the older was forgotten"),
        (audit.control_late, "saw another policy or model than that of their time: it was published late"),
        (audit.catalogue_late, "saw an older catalogue than that of their time: items were published late"),
        (audit.left_out, "have traces that were too large: their features are not compared, nor what else was left out"),
        (audit.repeats, "were written more than once, as after a restart"),
    )  # fmt: skip
    return (f"{count:,} {text}" for count, text in said if count)


def _show_difference(one: Difference) -> None:
    show("")
    show(
        f"decision {one.decision_id} ({one.cause}) at {one.placement} for {one.person}, "
        f"event {one.event[1]} of session {one.event[0]}, {utc(one.event_time_ms)}"
    )
    if one.places:
        show(f"  logged in  {', '.join(one.places)}")
    if one.suspects:
        more = len(one.suspects) - PLACES_SHOWN
        shown = ", ".join(one.suspects[:PLACES_SHOWN])
        show(f"  rests on   {shown}" + (f" and {more} before" if more > 0 else ""))
    for field in one.fields[:PLACES_SHOWN]:
        show(f"  {field.name}: logged {field.logged}, recomputed {field.recomputed}")
    hidden = len(one.fields) - PLACES_SHOWN + one.more_fields
    if hidden > 0:
        show(f"  and {hidden} more fields")
