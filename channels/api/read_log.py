"""Who looked: reads of a person, a decision, raw dead letters, as entries of the audit log.

A page that refreshes is one look: of one reader, at one subject, one entry within EVERY_S. People stand there under pseudonyms by a key of
the home's own, so that the log does not become a list of them; who has the key can ask whether somebody was looked at.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from channels.api.audit_log import READ, Actor, AuditLog, Entry
from channels.security.pseudonyms import Pseudonyms
from schemas.errors import ConfigError

EVERY_S: Final = 600.0
LOOKS_MAX: Final = 4_096
"""Remembered of the last EVERY_S; the oldest goes, and is written again when it is repeated."""
PERSONS: Final = "persons"


class ReadLog:
    """Writes looks into an audit log; safe to be called by several threads."""

    def __init__(
        self,
        log: AuditLog,
        pseudonyms: Callable[[], Pseudonyms],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pseudonyms` is asked once, at the first look: it may make the key."""
        self.log = log
        self._read_pseudonyms, self._clock = pseudonyms, clock
        self._pseudonyms: Pseudonyms | None = None
        self._looks: OrderedDict[object, float] = OrderedDict()
        self._lock = threading.Lock()

    def looked(
        self, actor: Actor, what: str, persons: Iterable[str], details: Mapping[str, str]
    ) -> None:
        """Notes that somebody reads `what` (`read person` …) of these people; raises ConfigError where it cannot be written: then nothing is shown."""
        with self._lock:
            told = dict(details)
            named = " ".join(dict.fromkeys(map(self._pseudonym, filter(None, persons))))
            if named:
                told[PERSONS] = named
            look = (actor, what, *sorted(told.items()))
            now_s = self._clock()
            if now_s < self._looks.get(look, float("-inf")) + EVERY_S:
                return
            try:
                self.log.append(actor, what, READ, told)
            except ConfigError as error:
                raise ConfigError(
                    f"{self.log.path} cannot be written, where it stands who looked: nothing of people is shown until it can"
                ) from error
            self._looks[look] = now_s
            self._looks.move_to_end(look)
            if len(self._looks) > LOOKS_MAX:
                self._looks.popitem(last=False)

    def looks_at(self, person: str, count: int) -> list[Entry]:
        """The newest looks at a person, the newest first."""
        with self._lock:
            sought = self._pseudonym(person)
        return self.log.newest(count, lambda one: sought in one.details.get(PERSONS, "").split())

    def _pseudonym(self, person: str) -> str:
        if self._pseudonyms is None:
            self._pseudonyms = self._read_pseudonyms()
        return self._pseudonyms.of("person", person)
