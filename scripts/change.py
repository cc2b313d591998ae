"""What a command put in force on `control`."""

from typing import NamedTuple


class Change(NamedTuple):
    """What was put on `control`: the version, from when on, which one it follows (None: none), and
    which one, announced before, will end it again (None: none). `record`: the hash of the record
    (schemas/signed_control.py), by which the audit log names it.
    """

    version: str
    effective_from_ms: int
    replaces: str | None
    ended_by: str | None
    record: str = ""
