"""Whose events of the past count for nothing: ids by keyed hashes, each with the time until which it was erased."""

from functools import lru_cache

from schemas.control import Control
from schemas.erasures import HASH_BYTES, NO_ERASURE_KEY, ErasureKey, IdKind
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import ERASURE_REQUESTED, Event
from schemas.limits import ERASED_IDS_MAX

HASHES_KEPT: int = 65_536
"""Of ids of late, so that a replay hashes a visitor once and not with every event."""


class UnknownErasures(ConfigError):
    """Somebody was erased and it cannot be told who: nothing may be folded."""


class Erasures:
    """The list, as `control` has it. An id that is erased again has the later time."""

    def __init__(self, key: ErasureKey = NO_ERASURE_KEY) -> None:
        self._key = key
        self._until: dict[bytes, int] = {}
        self._hash_of = lru_cache(HASHES_KEPT)(key.hash_of)
        self.newest_ms = -1
        """Nothing is erased of after this time; -1 = nobody is."""

    def __len__(self) -> int:
        return len(self._until)

    def add(self, control: Control) -> None:
        """Takes a record; raises InvalidEvent where it is none, UnknownErasures where it is by another key."""
        try:
            name = bytes.fromhex(control.name)
        except ValueError:
            name = b""
        if len(name) != HASH_BYTES:
            raise InvalidEvent("invalid_value", f"erasure of {control.name[:100]!r}: no hash")
        if control.version != self._key.key_id:
            raise UnknownErasures(
                f"people were erased under the key {control.version[:32]}, and here is {self._key.key_id}: "
                "set KAIROS_ERASURE_KEY_FILE to the file with that key, or they would come back"
            )
        if name not in self._until and len(self._until) >= ERASED_IDS_MAX:
            raise UnknownErasures(
                f"more than {ERASED_IDS_MAX:,} ids are erased: delete what is older from `events`, "
                "and begin a new `control`"
            )
        self._until[name] = max(self._until.get(name, -1), control.effective_from_ms)
        self.newest_ms = max(self.newest_ms, control.effective_from_ms)

    def is_erased(self, kind: IdKind, name: str, time_ms: int) -> bool:
        """Whether what this id did at `time_ms` counts for nothing any more."""
        return self.until_ms(kind, name, time_ms) >= time_ms

    def until_ms(self, kind: IdKind, name: str, time_ms: int) -> int:
        """Until when nothing of this id counts, where that is not before `time_ms`; else -1."""
        if time_ms > self.newest_ms:
            return -1  # as of every event of a live run but late ones
        until_ms = self._until.get(self._hash_of(kind, name), -1)
        return until_ms if until_ms >= time_ms else -1

    def drops(self, event: Event, signed_in: str | None) -> bool:
        """Whether an event is not to be taken; `signed_in` is whose its session is, if anybody's.

        Who names themselves is looked for by name, who does not by the visitor and the session. An erasure itself is never dropped.
        """
        time_ms = event.event_time_ms
        if time_ms > self.newest_ms or event.event_type == ERASURE_REQUESTED:
            return False
        named = event.person_id or signed_in
        if named is not None:
            return self.is_erased("person", named, time_ms)
        return self.is_erased("person", event.anonymous_id, time_ms) or self.is_erased(
            "session", event.session_id, time_ms
        )
