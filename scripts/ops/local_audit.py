"""The audit log of this home, and who acts in it, or looks, from the command line."""

import os
import pwd
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from channels.api import audit_log
from channels.api.audit_log import Actor, AuditLog, Entry
from channels.api.read_log import ReadLog
from channels.security.pseudonyms import KEY_LENGTH_MIN, Pseudonyms, read_pseudonyms
from channels.store.proofs import proofs_of
from jobs.config import Config
from jobs.stack import passwords
from jobs.stack.private import write_private
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table
from scripts.times import utc

FILE_NAME: Final = "audit.jsonl"
KEY_NAME: Final = "audit.key"
"""In the folder of secrets: the key of the pseudonyms of people who were looked at."""


def audit_log_of(config: Config) -> AuditLog:
    """The log that commands and console of this home append to."""
    return AuditLog(config.home / FILE_NAME)


def read_log_of(config: Config) -> ReadLog:
    """Where it stands who looked at whom in this home."""
    return ReadLog(audit_log_of(config), lambda: _pseudonyms_of(config))


def note_look(
    config: Config, what: str, persons: Iterable[str], details: Mapping[str, str]
) -> None:
    """Notes what a command is about to show; where that cannot be written, it says so and goes on.

    Who types it reads the topics anyway, and what is wrong with a full disk has to be looked at, too.
    """
    try:
        read_log_of(config).looked(local_actor(), what, persons, details)
    except (ConfigError, OSError) as error:
        why = error.__cause__.__cause__ if error.__cause__ is not None else error
        say(f"this look stands in no audit log: {why or error}")


def audit_key_of(config: Config) -> Path:
    """The key of the pseudonyms of this home, which is made at the first look or start."""
    path = config.home / passwords.FOLDER / KEY_NAME
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, secrets.token_hex(KEY_LENGTH_MIN))
    return path


def show_proofs(config: Config, person: str, last: int, *, is_json: bool) -> None:
    """What the person withdrew, when it was asked for and done, the newest first."""
    found = proofs_of(audit_log_of(config), _pseudonyms_of(config), person, last)
    if is_json:
        show_json(
            [
                {"asked_ms": int(one.details["asked_ms"]), "done_ms": one.at_ms} | _told(one)
                for one in found
            ]
        )
        return
    rows = [
        (utc(int(one.details["asked_ms"])), utc(one.at_ms), *_told(one).values()) for one in found
    ]
    show_table("", ("asked", "done", "purposes", "keys", "records", "hash"), rows)
    if not found:
        show("this home's store writer has noted no withdrawal of this person")


def _told(entry: Entry) -> dict[str, str]:
    details = entry.details
    return {name: details[name] for name in ("purposes", "keys", "records")} | {"hash": entry.hash}


def _pseudonyms_of(config: Config) -> Pseudonyms:
    """By the key of this home."""
    return read_pseudonyms(audit_key_of(config))


def show_verified(log: AuditLog, noted: str, *, is_json: bool) -> bool:
    """Whether nothing was altered, and says what was; `noted`: a hash that has to be there still."""
    found = audit_log.verify(log.path, noted)
    if is_json:
        show_json(found._asdict())
    else:
        for fault in found.faults:
            show(fault)
        state = "altered" if found.faults else "whole"
        show(
            f"{log.path} is {state}: {counted(found.entries, 'entry', 'entries')}, the last has the hash {found.head}"
        )
    return not found.faults


def show_entries(entries: Sequence[Entry], *, is_json: bool) -> None:
    """Who did what, when and from where, the newest first."""
    if is_json:
        show_json([{name: getattr(one, name) for name in one.__struct_fields__} for one in entries])
        return
    cells = [
        (
            utc(one.at_ms), one.who, one.role, one.address, one.what, one.outcome,
            " ".join(f"{name}={text}" for name, text in one.details.items()),
        )
        for one in entries
    ]  # fmt: skip
    show_table("", ("when", "who", "role", "from", "what", "outcome", "details"), cells)


def local_actor() -> Actor:
    """The user of this machine who typed the command."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)  # a container may run as a number that has no name
    return Actor(name, "command line", "local")
