"""What `kairos verify replay` shows of an audit, for people and for programs."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from jobs.audit.differences import Difference
from scripts.audit.causes import EXPLAINED, UNEXPLAINED
from scripts.audit.verify import Audit
from scripts.console import show
from scripts.times import utc

PLACES_SHOWN: Final = 8
SHOWN_MAX: Final = 20
SETTINGS: Final = "seed, lateness, rate, catalogue, consent and raw dead letters (KAIROS_SEED, _LATENESS_MS, _SESSION_*, _UNCATALOGUED, _CONSENT, _DEAD_LETTER_RAW) must be those of the job"


def audit_json(audit: Audit) -> dict[str, Any]:
    """All of it as builtins."""
    found: dict[str, Any] = msgspec.to_builtins(audit)
    del found["skew"]
    found["faults"] = [one._asdict() for one in audit.faults]
    for one, difference in zip(found["differences"], audit.differences, strict=True):
        one["session_id"], one["event_id"] = one.pop("event")
        del one["packed_skew"]
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
    more = audit.unexplained - len(shown) - min(len(audit.faults), SHOWN_MAX) - audit.not_named
    if more > 0:
        show(f"and {more:,} more: --json names them all")
    if audit.not_named:
        show(f"and {audit.not_named:,} more, which are not looked into: audit a shorter time")
    if "differs" in audit.differing:
        show(f"note: {SETTINGS}")


def _conditions(audit: Audit) -> Iterable[str]:
    """Where live was not what a replay by time makes of it."""
    said: tuple[tuple[int, str], ...] = (
        (audit.in_live_order, "of people with simultaneous or imported sessions: taken in the order of live, which differs from that of time"),
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
