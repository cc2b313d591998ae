"""`kairos verify`: what is promised of everything that was logged, a row for each promise, looked at without the engine's help where
that can be: numbers, chances, consent and limits are counted from the records themselves, the rest by the audit (scripts/audit/verify.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, get_args

from jobs.audit.decoded import decoded
from jobs.audit.logged import Scope
from jobs.learning.trust import keys_of
from schemas.codec import DECISION, TRACE
from schemas.decisions import Decision
from schemas.errors import InvalidReason
from schemas.records import LogRecord
from schemas.topics import CONTROL, DECISIONS, EVENTS, TRACES
from scripts.audit.causes import UNEXPLAINED
from scripts.audit.deployed_log import Log
from scripts.audit.looked_at import Contacts, Numbers, Permissions, Promise, chances_of
from scripts.audit.verify import Audit, verify
from scripts.console import say, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.policy.policy_versions import versions_in
from scripts.progress import Watched

UNTAKEN: Final = frozenset(get_args(InvalidReason)) - {"decision_too_large"}
OUTCOMES: Final = (
    frozenset({"events", "duplicates", "erased", "events_ignored", "passed_over", "clock_ticks"})
    | UNTAKEN
)
"""What becomes of a record of `events`: one of these and no other (udfs/track_session.py)."""
THERE: Final = ("not_logged", "no_decision", "no_trace")
"""Causes of the audit that say that something is not there."""


def keep_promises(log: Log, scope: Scope, *, is_json: bool) -> int:
    """Looks at all of them and shows the table; exit code 1 where one is broken."""
    rows = promises(log, scope)
    if is_json:
        show_json([one._asdict() | {"is_kept": one.is_kept} for one in rows])
    else:
        cells = [
            (one.promise, "kept" if one.is_kept else "BROKEN", one.looked_at, one.broken, one.said)
            for one in rows
        ]
        show_table("", ("promise", "", "looked at", "broken", "what was seen"), cells)
        broken = [one.promise for one in rows if not one.is_kept]
        show(f"broken: {', '.join(broken)}" if broken else "every promise is kept")
    return passed(all(one.is_kept for one in rows))


def promises(log: Log, scope: Scope) -> list[Promise]:
    """A row for each; raises ConfigError where nothing was decided in that time."""
    counts: Counter[str] = Counter()
    audit = verify(log, scope, counts=counts)
    policies = {
        one.version: one.policy
        for one in versions_in(log.records(CONTROL), keys_of(log.config))
        if one.policy is not None
    }
    numbers, permissions, contacts = Numbers(), Permissions(policies), Contacts(policies)
    for decision in _decisions(log, scope):
        numbers.take(decision)
        permissions.take(decision)
        contacts.take(decision)
    events = decoded(_watched(log, "looking at events", EVENTS), log.rules.decode, say)
    for event in events:
        permissions.look_at(event)
        contacts.look_at(event)
    traces = decoded(_watched(log, "looking at traces", TRACES), TRACE.decode, say)
    return [
        accounting(counts),
        letters(audit),
        all_there(audit),
        reproduced(audit),
        no_skew(audit),
        numbers.promise(),
        chances_of(one for one in traces if scope.holds(one)),
        permissions.promise(),
        contacts.promise(),
    ]


def accounting(counts: Mapping[str, int]) -> Promise:
    """Each record that was read became one thing."""
    read = counts["read"]
    became = {name: counts[name] for name in sorted(OUTCOMES) if counts[name]}
    words = ", ".join(f"{count:,} {name}" for name, count in became.items())
    return Promise(
        "every event is accounted for", read, abs(read - sum(became.values())), f"{read:,} read = {words}"
    )  # fmt: skip


def letters(audit: Audit) -> Promise:
    """Dead letters are those of records that cannot be used, and of no others."""
    return Promise(
        "what cannot be used is a dead letter, nothing else is", audit.refused, len(audit.faults),
        _first(f"{one.place} {one.said}" for one in audit.faults) or "as a replay refuses them",
    )  # fmt: skip


def all_there(audit: Audit) -> Promise:
    """Every event that asks has its decision, each decision its trace."""
    broken = {name: audit.differing[name] for name in THERE if audit.differing.get(name)}
    said = ", ".join(f"{count:,} {UNEXPLAINED[name]}" for name, count in broken.items())
    return Promise("nothing is lost", audit.decisions, sum(broken.values()), said or "all are there")  # fmt: skip


def reproduced(audit: Audit) -> Promise:
    """A replay decides as live did, byte by byte."""
    broken = {
        name: count
        for name, count in audit.differing.items()
        if name in UNEXPLAINED and name not in THERE
    }
    explained = sum(audit.differing.values()) - sum(audit.differing.get(one, 0) for one in UNEXPLAINED)  # fmt: skip
    said = ", ".join(f"{count:,} {UNEXPLAINED[name]}" for name, count in broken.items())
    kept = f"{audit.reproduced:,} byte by byte, {explained:,} explained"
    return Promise("a replay decides as live did", audit.decisions, sum(broken.values()), said or kept)  # fmt: skip


def no_skew(audit: Audit) -> Promise:
    """What was ranked by is what a replay computes, bit by bit."""
    skew = audit.skew
    features = ", ".join(sorted(skew.features)) or "not a bit differs"
    return Promise("features are the same live and in a replay", skew.vectors, skew.differing, features)  # fmt: skip


def _decisions(log: Log, scope: Scope) -> Iterable[Decision]:
    records = _watched(log, "looking at decisions", DECISIONS)
    return (one for one in decoded(records, DECISION.decode, say) if scope.holds(one))


def _watched(log: Log, name: str, topic: str) -> Watched[LogRecord]:
    records = log.records(topic)
    return Watched(name, records, len(records))


def _first(said: Iterable[str]) -> str:
    return next(iter(said), "")
