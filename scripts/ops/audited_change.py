"""Changes of what is live, written into the audit log: for the command line and the console alike."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from channels.api.audit_log import Actor, AuditLog
from jobs.publish import AHEAD_MS, Log, now_ms
from models.content import Published
from schemas.errors import ConfigError
from schemas.policy import RANKER
from scripts.change import Change, in_force
from scripts.policy import policy_versions, schedule
from scripts.policy.drafts import Drafts, KeptDraft
from scripts.policy.policy_versions import Draft, PolicyVersion, deciding
from scripts.policy.switched_off import switched_off
from scripts.times import utc
from scripts.training import model_versions
from scripts.training.model_guard import in_words
from scripts.training.model_versions import Announced

What = Literal["publish", "rollback", "take back"]


class Audited(NamedTuple):
    """Where a change is written down, who makes it, and what they call it."""

    log: AuditLog
    actor: Actor
    what: What


def change_policy(
    audited: Audited, log: Log, versions: list[PolicyVersion], draft: Draft, at_ms: int | None
) -> Change:
    """Puts a checked policy in force from `at_ms` on; raises ConfigError where that may not be, as where the holdout or an experiment would end before its
    time and nobody says why.
    """
    draft = draft._replace(author=audited.actor.who)
    details = {"version": draft.version, "name": draft.name}
    if draft.note:
        details["note"] = draft.note
    with audited.log.recording(audited.actor, f"policy {audited.what}", details):
        policy_versions.check_new(versions, draft, at_ms)
        _check_running(versions, draft, at_ms, details)
        change = schedule.publish(log, versions, draft, at_ms)
        details.update(_details(change))
    return change


def change_model(
    audited: Audited,
    log: Log,
    models: list[Announced],
    published: Published,
    at_ms: int | None,
    forced: Sequence[str] = (),
    name: str = RANKER,
) -> Change:
    """Puts a model in force from `at_ms` on under a name, whatever speaks against it (`forced`); raises ConfigError
    where Kafka does not take it.
    """
    details = {"version": published.version, "uri": published.uri}
    if name != RANKER:
        details["as"] = name
    if forced:
        details["forced"] = in_words(forced)
    with audited.log.recording(audited.actor, f"model {audited.what}", details):
        change = model_versions.publish(log, models, published, at_ms, name)
        details.update(_details(change))
    return change


def save_draft(
    log: AuditLog, actor: Actor, drafts: Drafts, draft: KeptDraft, seen_ms: int | None = None
) -> KeptDraft | None:
    """Keeps a draft, and says which one it takes the place of; raises ConfigError where it cannot be kept."""
    details = {"draft": draft.name} | ({"note": draft.note} if draft.note else {})
    with log.recording(actor, "policy draft save", details):
        before = drafts.save(draft, seen_ms)
        if before is not None:
            details["replaces"] = f"that of {before.author} of {utc(before.saved_ms)}"
    return before


def delete_draft(log: AuditLog, actor: Actor, drafts: Drafts, name: str) -> KeptDraft:
    """Deletes a draft; raises ConfigError where there is none."""
    with log.recording(actor, "policy draft delete", {"draft": name}):
        return drafts.delete(name)


def _check_running(
    versions: list[PolicyVersion], draft: Draft, at_ms: int | None, details: dict[str, str]
) -> None:
    """Notes what would end before its time, and why; raises ConfigError without a reason.

    Compared with what is in force up to then: what is taken back before it begins has never run.
    """
    from_ms = now_ms() + AHEAD_MS if at_ms is None else at_ms
    before = in_force(deciding(versions), from_ms - 1)
    if before is None or before.policy is None:
        return
    gone = switched_off(before.policy, draft.policy, from_ms)
    if not gone:
        return
    details["switches_off"] = "; ".join(gone)
    if not draft.reason:
        raise ConfigError(
            f"{details['switches_off']}: what was measured so far would be worth less. --reason says why, and the audit log keeps it"
        )
    details["reason"] = draft.reason


def _details(change: Change) -> dict[str, str]:
    found = {"in_force_from": utc(change.effective_from_ms), "replaces": change.replaces or "none"}
    if change.record:
        found["record"] = change.record
    if change.ended_by and change.ended_ms is not None:
        found |= {"ended_by": change.ended_by, "ended": utc(change.ended_ms)}
    return found
