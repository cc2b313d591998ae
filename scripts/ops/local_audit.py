"""The audit log of this home, and who acts in it from the command line."""

import os
import pwd
from typing import Final

from channels.api.audit_log import Actor, AuditLog
from jobs.config import Config

FILE_NAME: Final = "audit.jsonl"


def audit_log_of(config: Config) -> AuditLog:
    """The log that commands and console of this home append to."""
    return AuditLog(config.home / FILE_NAME)


def local_actor() -> Actor:
    """The user of this machine who typed the command."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)  # a container may run as a number that has no name
    return Actor(name, "command line", "local")
