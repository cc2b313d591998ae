"""Proofs of withdrawals: what the store writer notes in the audit log once what a person took back is gone from the store.

Each says when it was asked for (the event's time), when it was done (this machine's clock), which purposes, which keys of the store were emptied and where
the record lies. The person stands there under a keyed hash, as those do who were looked at (channels/api/read_log.py).
"""

import logging
from collections.abc import Iterable
from typing import Final, NamedTuple

from channels.api.audit_log import Actor, AuditLog, Entry
from channels.api.read_log import PERSONS
from channels.security.pseudonyms import Pseudonyms
from channels.store.keys import key_of
from schemas.decisions import EVERYWHERE, WITHDRAWN_PURPOSES, Decision
from schemas.errors import ConfigError

WITHDRAWN: Final = "consent withdrawn"
"""What such an entry calls it."""
WRITER: Final = Actor("store writer", "engine", "local")

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class Proofs:
    """Notes withdrawals in an audit log; a record that is read again after a crash is noted again."""

    def __init__(self, log: AuditLog, pseudonyms: Pseudonyms, store_prefix: str) -> None:
        self._log, self._pseudonyms, self._prefix = log, pseudonyms, store_prefix

    def note(self, written: Iterable[tuple[Decision, Place]]) -> None:
        """Notes those of these decisions that take something back, one entry for each withdrawal; to be called once the store has them."""
        found: dict[tuple[str, str, str], list[tuple[Decision, Place]]] = {}
        for decision, place in written:
            if decision.kind == "purged" and WITHDRAWN_PURPOSES in decision.content:
                cause = decision.person, decision.session_id, decision.event_id
                found.setdefault(cause, []).append((decision, place))
        for several in found.values():
            try:
                self._log.append(WRITER, WITHDRAWN, "done", self._details(several))
            except ConfigError as error:  # what was withdrawn is gone all the same
                logger.warning("a withdrawal stands in no audit log: %s", error)

    def _details(self, several: list[tuple[Decision, Place]]) -> dict[str, str]:
        first = several[0][0]
        person = self._pseudonyms.of("person", first.person)
        placements = [one.placement for one, _ in several if one.placement != EVERYWHERE]
        keys = [key_of(self._prefix, "decision", person, one) for one in placements]
        return {
            PERSONS: person,
            "asked_ms": str(first.event_time_ms),
            "purposes": first.content[WITHDRAWN_PURPOSES],
            "keys": " ".join(keys) or "none: no decision stood",
            "records": " ".join(f"{topic}/{partition}@{offset}" for _, (topic, partition, offset) in several),
        }  # fmt: skip


def proofs_of(log: AuditLog, pseudonyms: Pseudonyms, person: str, count: int) -> list[Entry]:
    """The newest withdrawals of a person, the newest first, each once."""
    sought = pseudonyms.of("person", person)
    entries = log.newest(
        10 * count, lambda one: one.what == WITHDRAWN and one.details.get(PERSONS) == sought
    )
    first_known = {one.details["records"]: one for one in entries}  # the oldest of each stays
    return list(first_known.values())[:count]
