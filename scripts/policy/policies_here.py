"""What `kairos policy` does on this deployment: policies by file or version, and one of them put in force."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from jobs.config import config_from
from jobs.learning.trust import keys_of, signer_of
from jobs.publish import Log, now_ms
from schemas.policy import Policy
from scripts.change import Change, show_change
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import FAILED, passed
from scripts.ops.audited_change import Audited, What, change_policy
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.policy.governing import governs_from
from scripts.policy.moments import in_zone
from scripts.policy.policy_file import PolicyFile, PolicyMistakes, check_policy, counts_of, summary
from scripts.policy.policy_text import difference_json, difference_text, differences, policy_yaml
from scripts.policy.policy_versions import (
    Draft,
    PolicyVersion,
    announced,
    draft_again,
    find_version,
    live,
    previous,
    timing_warnings,
    version_of,
    warnings_of,
)
from scripts.policy.schedule import scheduled_json, show_scheduled, taking_back
from scripts.times import utc


def policies_here() -> list[PolicyVersion]:
    """Every policy that was published, in the order in which they come into force; raises ConfigError."""
    config = config_from()
    return announced(running_kafka(config), config.topic_prefix, keys_of(config))


def checked(source: Path | str, called: str = "policy") -> PolicyFile:
    """The policy in a file, or in a text that is `called` so; ends the command, with every mistake told, where there is one."""
    try:
        return check_policy(source, called)
    except PolicyMistakes as error:
        complain(str(error))
        raise typer.Exit(FAILED) from error


def policy_in(file: Path) -> Policy:
    """The policy in a file; what looks wrong in it is said, as `publish` says it."""
    found = checked(file)
    for one in found.warnings:
        say(f"warning: {file}:{one}")
    return found.policy


def check_files(files: Sequence[Path], *, is_json: bool) -> int:
    """Says ok or every mistake of each file; the exit code."""
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    for file in files:
        try:
            found = check_policy(file)
        except PolicyMistakes as error:
            mistakes = [one._asdict() for one in error.mistakes]
            results.append({"file": str(file), "is_ok": False, "mistakes": mistakes})
            lines.append(str(error))
        else:
            warnings = [one._asdict() for one in found.warnings]
            counts = counts_of(found.policy)
            told = {"counts": counts, "warnings": warnings, "notes": found.notes}
            results.append({"file": str(file), "is_ok": True, **told})
            lines += [f"{file}:{one} (a warning)" for one in found.warnings]
            lines += [f"{file}: {one}" for one in found.notes]
            lines.append(f"{file}: ok: {summary(found.policy)}")
    show_json(results) if is_json else show("\n".join(lines))
    return passed(all(one["is_ok"] for one in results))


class Called(NamedTuple):
    """What a version is called: whose policy it is, by what decisions name it (None: its content), and why it is there.

    `reason`: why the holdout or an experiment may end with it before its time.
    """

    name: str
    version: str | None
    note: str
    reason: str = ""


class When(NamedTuple):
    """From when on a version decides (None: in AHEAD_MS), and until when (None: until another one does)."""

    from_ms: int | None = None
    until_ms: int | None = None


def publish(file: Path, called: Called, when: When, *, is_json: bool) -> None:
    """Puts the policy in a file in force."""
    publish_checked(checked(file), str(file), called, when, is_json=is_json)


def publish_checked(
    found: PolicyFile, place: str, called: Called, when: When, *, is_json: bool
) -> None:
    """Puts a checked policy in force; `place` is what warnings call it by."""
    policy = found.policy
    version = called.version or version_of(policy)
    draft = Draft(
        version, called.name, policy, called.note, until_ms=when.until_ms, reason=called.reason
    )
    warnings = [f"{place}:{one}" for one in found.warnings]
    change = _put_in_force("publish", policies_here(), draft, when.from_ms, warnings)
    notes = [*found.notes]
    notes += [governs_from(change)] if when.from_ms is None else _clocks(change, policy)
    for one in notes:
        say(one)
    _show(change, warnings, notes, is_json=is_json)


def show_scheduled_here(*, is_json: bool) -> None:
    """What is announced and has not begun."""
    rows = scheduled_json(policies_here(), now_ms())
    (show_json if is_json else show_scheduled)(rows)


def take_back(version: str | None, at_ms: int | None, *, is_json: bool) -> None:
    """Takes an announced version back; without one, the only one that is announced."""
    versions = policies_here()
    back = taking_back(versions, version, at_ms, now_ms())
    change = _put_in_force("take back", versions, back.draft, back.from_ms, [])
    _show(change, (), (), is_json=is_json)


def roll_back(version: str | None, at_ms: int | None, reason: str, *, is_json: bool) -> None:
    """Puts a version in force again; without one, that which was before the present one. `reason`: as of Called."""
    versions = policies_here()
    if version is None:
        draft = previous(versions, now_ms())
    else:
        draft = draft_again(find_version(version, versions))
    warnings = warnings_of(draft.policy)
    draft = draft._replace(reason=reason)
    change = _put_in_force("rollback", versions, draft, at_ms, warnings)
    _show(change, warnings, (), is_json=is_json)


def show_difference(before: str, after: str | None, *, is_json: bool) -> None:
    """What differs between two files or versions; of one alone, from the live one to it."""
    if after is None:
        first, second = draft_again(live(policies_here(), now_ms())).policy, _named(before)
    else:
        first, second = _named(before), _named(after)
    show_differences(first, second, is_json=is_json)


def show_differences(before: Policy, after: Policy, *, is_json: bool) -> None:
    """What differs between two policies."""
    found = differences(before, after)
    if is_json:
        show_json([difference_json(one) for one in found])
    else:
        show("\n".join(map(difference_text, found)) or "nothing differs")


def show_file(version: str | None) -> None:
    """A published policy as a file; without a version, the live one."""
    versions = policies_here()
    found = find_version(version, versions) if version else live(versions, now_ms())
    text = policy_yaml(draft_again(found).policy)
    by = f", by {found.author}" if found.author else ""
    note = f"\n# {' '.join(found.note.split())}" if found.note else ""
    since = utc(found.effective_from_ms)
    show(f"# {found.version}, in force from {since} on{by}{note}\n{text.rstrip()}")


def _named(named: str) -> Policy:
    """The policy in this file, or of this version."""
    if Path(named).is_file():
        return checked(Path(named)).policy
    return draft_again(find_version(named, policies_here())).policy


def _clocks(change: Change, policy: Policy) -> list[str]:
    """What the clocks of the policy's own zone show when it begins: times without a zone are UTC."""
    local = in_zone(change.effective_from_ms, policy.time_zone)
    return [f"{utc(change.effective_from_ms)} is {local}, the policy's time zone"] if local else []


def _put_in_force(
    what: What,
    versions: list[PolicyVersion],
    draft: Draft,
    at_ms: int | None,
    warnings: list[str],
) -> Change:
    """Publishes the draft; what looks wrong is said, and that of its time added to `warnings`."""
    config = config_from()
    log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
    audited = Audited(audit_log_of(config), local_actor(), what)
    change = change_policy(audited, log, versions, draft, at_ms)
    warnings += timing_warnings(change, now_ms())
    for warning in warnings:
        say(f"warning: {warning}")
    return change


def _show(change: Change, warnings: Sequence[str], notes: Sequence[str], *, is_json: bool) -> None:
    """From when on the policy decides, instead of what."""
    if is_json:
        show_json(change._asdict() | {"warnings": warnings, "notes": notes})
    else:
        show_change("policy", change)
