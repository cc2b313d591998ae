"""Drafts: policies that are kept and not in force, also unfinished ones, as files in the home that command line and console share.

No job reads them, so none comes into force by itself; publishing one publishes its text, as a file's.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from channels.security.keys import changing
from jobs.config import Config
from jobs.publish import now_ms
from jobs.stack.private import write_private
from schemas.errors import ConfigError
from schemas.limits import CONTROL_BYTES_MAX, DRAFTS_MAX, NOTE_LENGTH_MAX
from scripts.policy.policy_file import FileMistake, PolicyFile, PolicyMistakes, check_policy
from scripts.policy.policy_versions import version_of
from scripts.times import utc

FOLDER: Final = "drafts"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class KeptDraft(Struct, frozen=True):
    """A policy file's text under a name; `note` says what it is for, `author` is who saved it last."""

    name: str
    text: str
    note: str
    author: str
    saved_ms: int


class Found(NamedTuple):
    """What a check of a draft has found: the policy, or its mistakes."""

    policy: PolicyFile | None
    mistakes: tuple[FileMistake, ...]


class Drafts:
    """Those of one home."""

    def __init__(self, config: Config) -> None:
        self._folder = config.home / FOLDER

    def all(self) -> list[KeptDraft]:
        """Every draft, the one saved last first; raises ConfigError where a file is none."""
        found = [self._read(path) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda one: (-one.saved_ms, one.name))

    def find(self, name: str) -> KeptDraft:
        """The draft of this name; raises ConfigError where there is none."""
        path = self._path(name)
        if path.is_file():
            return self._read(path)
        names = sorted(one.stem for one in self._folder.glob("*.json"))
        near = get_close_matches(name, names, 1)
        meant = f"did you mean {near[0]}?" if near else "`kairos policy draft list` shows them"
        raise ConfigError(f"there is no draft {name!r}: {meant}")

    def save(self, draft: KeptDraft, seen_ms: int | None = None) -> KeptDraft | None:
        """Keeps a draft, and says which one it takes the place of; raises ConfigError where it cannot be kept.

        `seen_ms`: when the one that was begun with was saved, 0 for none: if another was saved since, nothing is changed.
        """
        _check(draft)
        path = self._path(draft.name)
        with changing(self._folder):
            before = self._read(path) if path.is_file() else None
            if seen_ms is not None and seen_ms != (before.saved_ms if before else 0):
                raise ConfigError(_changed(draft.name, before))
            if before is None and len(list(self._folder.glob("*.json"))) >= DRAFTS_MAX:
                raise ConfigError(f"there are {DRAFTS_MAX} drafts, no more are kept: delete one")
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_private(path, msgspec.json.encode(draft).decode())
            except OSError as error:
                raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        return before

    def delete(self, name: str) -> KeptDraft:
        """Deletes a draft, and says what it was; raises ConfigError where there is none."""
        with changing(self._folder):
            found = self.find(name)
            self._path(name).unlink()
        return found

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} is no name for a draft: up to 64 letters, digits, `_`, `-` and `.` are, such as summer-sale"
            )
        return self._folder / f"{name}.json"

    def _read(self, path: Path) -> KeptDraft:
        try:
            return msgspec.json.decode(path.read_bytes(), type=KeptDraft)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(f"the draft {path} cannot be read ({error}): move it away") from error


def new_draft(name: str, text: str, note: str, author: str) -> KeptDraft:
    """A draft that is saved now."""
    return KeptDraft(name, text, note, author, now_ms())


def check_draft(draft: KeptDraft) -> Found:
    """What is wrong with a draft, if anything: it may be unfinished."""
    try:
        return Found(check_policy(draft.text, f"draft {draft.name}"), ())
    except PolicyMistakes as error:
        return Found(None, error.mistakes)


def draft_json(draft: KeptDraft, live: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A draft without its text, its version where it has no mistakes, and what that is: `live` says so by version."""
    found = check_draft(draft)
    version = version_of(found.policy.policy) if found.policy else ""
    return {
        "name": draft.name,
        "note": draft.note,
        "author": draft.author,
        "saved_ms": draft.saved_ms,
        "version": version,
        "state": (live or {}).get(version, ""),
        "mistakes": [one._asdict() for one in found.mistakes],
    }


def _check(draft: KeptDraft) -> None:
    if len(draft.note) > NOTE_LENGTH_MAX:
        raise ConfigError(
            f"a note has at most {NOTE_LENGTH_MAX} characters, this one {len(draft.note):,}"
        )
    size = len(draft.text.encode())
    if size > CONTROL_BYTES_MAX:
        raise ConfigError(f"a draft has at most {CONTROL_BYTES_MAX:,} bytes, this one {size:,}")


def _changed(name: str, before: KeptDraft | None) -> str:
    if before is None:
        return (
            f"the draft {name} was deleted meanwhile: give it another name, or load the page again"
        )
    return f"the draft {name} is there as {before.author} saved it on {utc(before.saved_ms)}: open that one, or give yours another name"
