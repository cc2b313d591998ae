"""What `kairos policy draft` does in this home."""

from pathlib import Path
from typing import Any

from jobs.config import config_from
from jobs.publish import now_ms
from schemas.counted import counted
from scripts.console import show, show_json, show_table
from scripts.ops.audited_change import delete_draft, save_draft
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.policy.drafts import Drafts, check_draft, draft_json, new_draft
from scripts.policy.policies_here import (
    Called,
    When,
    checked,
    policies_here,
    publish_checked,
    show_differences,
)
from scripts.policy.policy_file import text_of
from scripts.policy.policy_versions import draft_again, live
from scripts.times import utc


def save(file: Path, name: str | None, note: str, *, is_json: bool) -> None:
    """Keeps a file as a draft; its mistakes are told and do not keep it from being saved."""
    config, me = config_from(), local_actor()
    draft = new_draft(name or file.stem, text_of(file, str(file)), note, me.who)
    before = save_draft(audit_log_of(config), me, Drafts(config), draft)
    if is_json:
        show_json(draft_json(draft) | {"replaces_ms": before.saved_ms if before else None})
        return
    mistakes = check_draft(draft).mistakes
    for one in mistakes:
        show(f"{file}:{one}")
    left = (
        f", with {counted(len(mistakes), 'mistake')} to mend before it can be published"
        if mistakes
        else ""
    )
    instead = (
        f" instead of that of {before.author or 'somebody'} of {utc(before.saved_ms)}"
        if before
        else ""
    )
    show(f"draft {draft.name} is saved{instead}{left}")


def show_list(*, is_json: bool) -> None:
    """Every draft, the one saved last first."""
    rows = [draft_json(one) for one in Drafts(config_from()).all()]
    if is_json:
        show_json(rows)
    elif rows:
        cells = [
            (one["name"], utc(one["saved_ms"]), one["author"], _state(one), one["note"])
            for one in rows
        ]
        show_table("", ("draft", "saved", "by", "version", "note"), cells)
    else:
        show("there are no drafts: `kairos policy draft save FILE` keeps one")


def show_one(name: str, *, is_json: bool) -> None:
    """A draft as it was saved."""
    found = Drafts(config_from()).find(name)
    if is_json:
        show_json(draft_json(found) | {"text": found.text})
        return
    note = f"\n# {' '.join(found.note.split())}" if found.note else ""
    show(
        f"# draft {found.name}, saved on {utc(found.saved_ms)} by {found.author}{note}\n{found.text.rstrip()}"
    )


def show_difference(name: str, *, is_json: bool) -> None:
    """What would change if the draft were published now; ends the command with its mistakes where it has some."""
    draft = Drafts(config_from()).find(name)
    policy = checked(draft.text, f"draft {name}").policy
    before = draft_again(live(policies_here(), now_ms())).policy
    show_differences(before, policy, is_json=is_json)


def publish(name: str, note: str | None, reason: str, when: When, *, is_json: bool) -> None:
    """Puts a draft in force as a file; the draft stays."""
    draft = Drafts(config_from()).find(name)
    place = f"draft {name}"
    called = Called("default", None, draft.note if note is None else note, reason)
    publish_checked(checked(draft.text, place), place, called, when, is_json=is_json)


def delete(name: str, *, is_json: bool) -> None:
    """Deletes a draft; what was published of it stays in force."""
    config = config_from()
    gone = delete_draft(audit_log_of(config), local_actor(), Drafts(config), name)
    if is_json:
        show_json(draft_json(gone))
    else:
        show(f"draft {name} is deleted")


def _state(row: dict[str, Any]) -> str:
    return row["version"] or counted(len(row["mistakes"]), "mistake")
