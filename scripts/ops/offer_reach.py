"""How many people meet an offer, as the console says it: counted in a child process, one at a time, and kept for a while."""

import time
from threading import Lock
from typing import Final

from schemas.policy import Policy
from scripts.ops.counting import NotCounted, ask, command_of, place_of
from scripts.policy.policy_file import payload_of
from scripts.policy.reach import UNKNOWN, alone
from scripts.policy.reach_child import Told, Wanted

KEPT_S: Final = 300.0
KEPT_MAX: Final = 50


class OfferReach:
    """Sentences about offers over the log of one Kafka; for several threads."""

    def __init__(self, kafka: str, prefix: str) -> None:
        self._kafka, self._prefix = kafka, prefix
        self._lock = Lock()
        self._kept: dict[bytes, tuple[float, str]] = {}

    def __call__(self, policy: Policy, action_id: str) -> str:
        """The sentence; while another is counted, that this one cannot be."""
        key = payload_of(alone(policy, action_id))
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept[0] + KEPT_S:
            return kept[1]
        if not self._lock.acquire(blocking=False):
            return f"{UNKNOWN}another offer is being counted; ask again in a moment."
        try:
            wanted = Wanted(place_of(self._kafka, self._prefix), policy, action_id)
            said = ask(self.command, wanted, Told).sentence
        except NotCounted as error:
            said = f"{UNKNOWN}{error}."
        finally:
            self._lock.release()
        if not said.startswith(UNKNOWN):
            while len(self._kept) >= KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = time.monotonic(), said
        return said

    command: tuple[str, ...] = command_of("scripts.policy.reach_child")
    """What counts."""
