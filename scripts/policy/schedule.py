"""What is scheduled: a policy from a time on, until a time, and taken back before it begins.

`control` only grows, and of one time its last record holds. So a version is taken back by another one of its time, and ends by
another one at its end: each brings back what is in force before, and is marked so (`is_return`). Where another policy is
published before that time, it is written there as well: what was taken back or has ended brings nothing older back.
"""

from typing import Any, NamedTuple

from jobs.publish import AHEAD_MS, Log, now_ms
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import EVENT_TIME_MAX_MS, NOTE_LENGTH_MAX
from scripts import change as changes
from scripts.change import Change
from scripts.console import show, show_table
from scripts.policy.moments import in_zone
from scripts.policy.policy_file import payload_of
from scripts.policy.policy_versions import Draft, PolicyVersion, deciding, draft_again
from scripts.times import utc


class Back(NamedTuple):
    """What takes the place of a version that is taken back, and from when on: the time at which that would have begun."""

    draft: Draft
    from_ms: int


def publish(log: Log, versions: list[PolicyVersion], draft: Draft, at_ms: int | None) -> Change:
    """Puts the draft in force from `at_ms` on (default: in AHEAD_MS), until its end where it has one; raises ConfigError."""
    from_ms = now_ms() + AHEAD_MS if at_ms is None else at_ms
    _check(draft, from_ms)
    held = deciding(versions)
    followed = following(held, draft, from_ms)
    known = [one for one in held if one not in followed]
    for one in followed:
        log.control(_control(draft._replace(is_return=True), one.effective_from_ms))
    until_ms = draft.until_ms
    end = None if until_ms is None else end_of(held, from_ms, until_ms)
    if end is not None and until_ms is not None:
        again = draft_again(end)._replace(author=draft.author, is_return=True)
        log.control(_control(again, until_ms))
        known = sorted([*known, end._replace(effective_from_ms=until_ms)], key=_order)
    return changes.put_in_force(log, _control(draft, from_ms), known)


def following(held: list[PolicyVersion], draft: Draft, from_ms: int) -> list[PolicyVersion]:
    """The announced ones that stand for what the draft takes the place of, in its time: they will stand for the draft."""
    before = changes.in_force(held, from_ms)
    end_ms = EVENT_TIME_MAX_MS if draft.until_ms is None else draft.until_ms
    return [
        one
        for one in held
        if from_ms < one.effective_from_ms < end_ms
        and one.is_return
        and before is not None
        and one.version == before.version
    ]


def end_of(held: list[PolicyVersion], from_ms: int, until_ms: int) -> PolicyVersion | None:
    """What takes over when a version in force from `from_ms` on ends; None where another one is announced for that very
    time. Raises ConfigError where nothing does, or another one begins before.
    """
    if until_ms <= from_ms:
        raise ConfigError(f"it would end ({utc(until_ms)}) before it begins ({utc(from_ms)})")
    before, then = changes.in_force(held, from_ms), changes.in_force(held, until_ms)
    if then is None:
        raise ConfigError("it cannot end: no policy is in force before it that would take over")
    if then is not before and (before is None or then.version != before.version):
        if then.effective_from_ms == until_ms:
            return None
        raise ConfigError(
            f"{then.version} is announced for {utc(then.effective_from_ms)}, before the end: "
            "`kairos policy scheduled` shows what is announced"
        )
    return then


def scheduled(versions: list[PolicyVersion], at_ms: int) -> list[PolicyVersion]:
    """What will change something after `at_ms`, in the order of time; what was taken back is not among it."""
    held = deciding(versions)
    pairs = zip([None, *held], held, strict=False)
    return [
        one
        for before, one in pairs
        if one.effective_from_ms > at_ms
        and not (one.is_return and before is not None and before.version == one.version)
    ]


def taking_back(
    versions: list[PolicyVersion], named: str | None, from_ms: int | None, at_ms: int
) -> Back:
    """What takes the place of the announced version of this name (or beginning) and time; without them, of the only one.

    Raises ConfigError where that is none or several, or where it begins before everybody would know.
    """
    found = [
        one
        for one in scheduled(versions, at_ms)
        if one.version.startswith(named or "") and from_ms in (None, one.effective_from_ms)
    ]
    if not found:
        what = f"no version {named!r} is" if named else "nothing is"
        at = "" if from_ms is None else f" for {utc(from_ms)}"
        raise ConfigError(f"{what} announced{at}: `kairos policy scheduled` shows what is")
    if len(found) > 1:
        times = ", ".join(f"{one.version} for {utc(one.effective_from_ms)}" for one in found)
        raise ConfigError(
            f"{len(found)} are announced ({times}): say which by its version, or --effective-from"
        )
    (one,) = found
    if one.effective_from_ms < at_ms + AHEAD_MS:
        raise ConfigError(
            f"{one.version} begins at once: `kairos policy rollback` brings back what was before"
        )
    before = changes.in_force(deciding(versions), one.effective_from_ms - 1)
    if before is None:
        raise ConfigError(
            f"{one.version} is the first policy, so nothing would be in force instead: publish another one at its time, "
            f"--effective-from {utc(one.effective_from_ms)}"
        )
    return Back(draft_again(before)._replace(is_return=True), one.effective_from_ms)


def scheduled_json(versions: list[PolicyVersion], at_ms: int) -> list[dict[str, Any]]:
    """What is announced, with what the clock of its policy's zone shows then."""
    return [
        {
            "version": one.version,
            "name": one.name,
            "effective_from_ms": one.effective_from_ms,
            "local": in_zone(one.effective_from_ms, one.policy.time_zone) if one.policy else "",
            "is_return": one.is_return,
            "note": one.note,
            "author": one.author,
        }
        for one in scheduled(versions, at_ms)
    ]


def show_scheduled(rows: list[dict[str, Any]]) -> None:
    """One line each."""
    if not rows:
        show(
            "nothing is scheduled: `kairos policy publish FILE --effective-from TIME` schedules a policy"
        )
        return
    cells = [
        (
            one["version"], utc(one["effective_from_ms"]), one["local"],
            "ends what is before it" if one["is_return"] else "begins", one["name"], one["author"], one["note"],
        )
        for one in rows
    ]  # fmt: skip
    show_table("", ("version", "in force from", "there", "what", "name", "by", "note"), cells)


def _check(draft: Draft, from_ms: int) -> None:
    if not 0 <= from_ms < EVENT_TIME_MAX_MS:
        raise ConfigError(f"{utc(from_ms)} is no time from which a policy can be in force")
    if len(draft.note) > NOTE_LENGTH_MAX:
        raise ConfigError(
            f"a note has at most {NOTE_LENGTH_MAX} characters, this one {len(draft.note):,}"
        )
    until_ms = draft.until_ms
    if until_ms is not None and until_ms < now_ms() + AHEAD_MS:
        raise ConfigError(f"{utc(until_ms)} is past: an end lies ahead")


def _control(draft: Draft, from_ms: int) -> Control:
    return Control(
        "policy", draft.name, draft.version, from_ms, payload_of(draft.policy),
        note=draft.note or None, author=draft.author or None, is_return=draft.is_return,
    )  # fmt: skip


def _order(one: PolicyVersion) -> int:
    return one.effective_from_ms
