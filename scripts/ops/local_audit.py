"""The audit log of this home, and who acts in it from the command line."""

import os
import pwd
from typing import Final

from channels.api import audit_log
from channels.api.audit_log import Actor, AuditLog
from jobs.config import Config
from schemas.counted import counted
from scripts.console import show, show_json, show_table
from scripts.times import utc

FILE_NAME: Final = "audit.jsonl"


def audit_log_of(config: Config) -> AuditLog:
    """The log that commands and console of this home append to."""
    return AuditLog(config.home / FILE_NAME)


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


def show_entries(log: AuditLog, count: int, *, is_json: bool) -> None:
    """Who changed what, when and from where: so many entries, the newest first."""
    entries = log.newest(count)
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
