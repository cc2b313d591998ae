"""The versions of the policy on `control`: which is live, put one in force, go back."""

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from jobs.publish import AHEAD_MS, now_ms
from log.kafka import read_to_end
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.own_events import COLUMNS_DECLARED
from schemas.policy import Policy, policy_from_payload
from schemas.records import LogRecord
from schemas.signed_control import ControlKeys
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts import change as changes
from scripts.change import Change
from scripts.console import show_table
from scripts.policy.policy_file import payload_of
from scripts.times import utc
from udfs.policy.compile_policy import compile_policy
from udfs.policy.compiled_events import compiled_fact

VERSION_LENGTH: Final = 12


class PolicyVersion(NamedTuple):
    """A policy on `control`; of those in force the one with the highest (time, offset) decides.

    `policy` is None where the engine refuses it, `fault` then says why.
    """

    effective_from_ms: int
    offset: int
    version: str
    name: str
    policy: Policy | None
    fault: str = ""
    note: str = ""
    author: str = ""
    is_return: bool = False


class Draft(NamedTuple):
    """A checked policy that is to be put in force, with a note why, and who does so.

    `until_ms`: when what is in force before it takes over again. `is_return`: it is what takes over (schemas/control.py). `reason`: why
    the holdout or an experiment may end before its time.
    """

    version: str
    name: str
    policy: Policy
    note: str = ""
    author: str = ""
    until_ms: int | None = None
    is_return: bool = False
    reason: str = ""


def version_of(policy: Policy) -> str:
    """The version of a policy that is given none: it follows from the content."""
    return hashlib.sha256(payload_of(policy)).hexdigest()[:VERSION_LENGTH]


def announced(kafka: str, prefix: str, keys: ControlKeys) -> list[PolicyVersion]:
    """Every policy on `control`, in the order in which they come into force."""
    return versions_in(read_to_end(kafka, [prefix + CONTROL_TOPIC]), keys)


def versions_in(records: Iterable[LogRecord], keys: ControlKeys) -> list[PolicyVersion]:
    """Every policy in the records of `control`, in the order in which they come into force."""
    load = cache(_loaded)
    found = []
    for record, control in changes.controls_in(records, keys):
        if control.kind == "policy":
            time_ms, name = control.effective_from_ms, control.name
            policy, fault = load(control.payload or b"")
            found.append(
                PolicyVersion(
                    time_ms, record.offset, control.version, name, policy, fault,
                    control.note or "", control.author or "", control.is_return,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.effective_from_ms, one.offset))


def in_force(versions: list[PolicyVersion], at_ms: int) -> PolicyVersion | None:
    """The policy that decides at `at_ms`; None = none."""
    return changes.in_force(deciding(versions), at_ms)


def deciding(versions: Iterable[PolicyVersion]) -> list[PolicyVersion]:
    """Those that decide at some time: the engine takes them, and of one time the last."""
    return list({one.effective_from_ms: one for one in versions if one.policy is not None}.values())


def find_version(named: str, versions: list[PolicyVersion]) -> PolicyVersion:
    """The newest with this version, or the one version that begins so; raises ConfigError."""
    exact = [one for one in versions if one.version == named]
    found = exact or [one for one in versions if named and one.version.startswith(named)]
    count = len({one.version for one in found})
    if count != 1:
        raise ConfigError(
            f"{counted(count, 'policy begins', 'policies begin')} with {named!r}: `kairos policy history` shows them"
        )
    return found[-1]


def live(versions: list[PolicyVersion], at_ms: int) -> PolicyVersion:
    """The policy that decides at `at_ms`; raises ConfigError where there is none."""
    found = in_force(versions, at_ms)
    if found is None:
        raise ConfigError("no policy is in force: `kairos policy publish` puts one there")
    return found


def draft_again(version: PolicyVersion) -> Draft:
    """A version that is to be in force again; raises ConfigError where the engine refuses it."""
    if version.policy is None:
        raise ConfigError(f"{version.version} cannot be in force again: {version.fault}")
    return Draft(version.version, version.name, version.policy, version.note)


def previous(versions: list[PolicyVersion], at_ms: int) -> Draft:
    """The policy that was in force before the one in force at `at_ms`; raises ConfigError."""
    now = in_force(versions, at_ms)
    if now is None:
        raise ConfigError("nothing to roll back to: no policy is in force")
    held = deciding(versions)
    for one in reversed(held[: held.index(now)]):
        if one.version != now.version and one.policy != now.policy:
            return draft_again(one)
    raise ConfigError(f"nothing to roll back to: only {now.version} has been in force")


def check_new(versions: list[PolicyVersion], draft: Draft, at_ms: int | None) -> None:
    """Raises ConfigError where the draft is live already when it would come into force, its version stands for another
    policy, or a model would read another fact in a column than the one that it learnt.
    """
    now = in_force(versions, now_ms() + AHEAD_MS if at_ms is None else now_ms())
    if now is not None and now.policy == draft.policy and at_ms in (None, now.effective_from_ms):
        raise ConfigError(
            f"this policy is live already, as {now.version} since {utc(now.effective_from_ms)}: "
            "another --effective-from publishes it again"
        )
    if now is not None and now.policy is not None:
        _check_columns(now.policy, draft.policy)
    for one in versions:
        if one.version == draft.version and one.policy != draft.policy:
            raise ConfigError(
                f"the version {draft.version} is another policy, of {utc(one.effective_from_ms)}: "
                "decisions name their version, so each stands for one policy"
            )


def _check_columns(before: Policy, after: Policy) -> None:
    """Raises ConfigError where a column of a declared fact changes its meaning."""
    were, are = (
        {one.column: one for one in policy.facts if one.column is not None}
        for policy in (before, after)
    )
    for column, now in are.items():
        was = were.get(column)
        if was is not None and compiled_fact(was, None).key != compiled_fact(now, None).key:
            free = [n for n in range(1, COLUMNS_DECLARED + 1) if n not in were and n not in are]
            raise ConfigError(
                f"facts: column {column} is the fact {was.name!r} of the policy that is live, and models have learnt it as that: "
                f"give {now.name!r} another one ({', '.join(map(str, free)) or 'none is free'}), or publish without that column first"
            )


def warnings_of(policy: Policy) -> list[str]:
    """What is allowed in a policy and looks wrong, each with its field."""
    return [str(one) for one in compile_policy(policy).warnings]


def timing_warnings(change: Change, at_ms: int) -> list[str]:
    """What looks wrong in the time of a change that is made at `at_ms`."""
    if change.effective_from_ms >= at_ms:
        return []
    since = utc(change.effective_from_ms)
    return [
        f"{since} is past: what was decided since then stands, a replay decides it by this policy"
    ]


def history_json(versions: list[PolicyVersion], at_ms: int) -> list[dict[str, Any]]:
    """Every version, the newest first, and what it is at `at_ms`: live, coming, taken back, refused or past."""
    now = in_force(versions, at_ms)
    held = {one.effective_from_ms: one for one in deciding(versions)}

    def state(one: PolicyVersion) -> str:
        if one.policy is None:
            return "refused"
        instead = held[one.effective_from_ms]
        if instead is not one and instead.is_return:
            return "taken back"
        return "live" if one is now else "coming" if one.effective_from_ms > at_ms else "past"

    return [
        {
            "version": one.version,
            "name": one.name,
            "effective_from_ms": one.effective_from_ms,
            "state": state(one),
            "fault": one.fault,
            "note": one.note,
            "author": one.author,
            "is_return": one.is_return,
        }
        for one in reversed(versions)
    ]


def show_history(rows: list[dict[str, Any]]) -> None:
    """One line per version."""
    columns = ("", "version", "in force from", "name", "by", "note", "refused because")
    fields = ("name", "author", "note", "fault")
    cells = [
        (one["state"], one["version"], utc(one["effective_from_ms"]), *map(one.get, fields))
        for one in rows
    ]
    show_table("", columns, cells)


def _loaded(payload: bytes) -> tuple[Policy | None, str]:
    """The policy as the engine takes it, or why it does not."""
    try:
        policy = policy_from_payload(payload)
        compile_policy(policy)
    except ConfigError as error:
        return None, str(error)
    return policy, ""
