"""How many people meet an offer, as the console says it: counted in a child process, one at a time, and kept for a while."""

import os
import subprocess
import sys
import time
from threading import Lock
from typing import Final

import msgspec

from jobs.config import PROJECT
from log.settings import settings_file_of
from schemas.policy import Policy
from scripts.policy.policy_file import payload_of
from scripts.policy.reach import UNKNOWN, alone
from scripts.policy.reach_child import Told, Wanted

WAITED_S: Final = 18.0
"""Longer than the child takes by itself, shorter than the console waits for any answer."""
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
            file = settings_file_of(self._kafka)
            said = self._count(
                Wanted(
                    str(self._kafka), str(file) if file else None, self._prefix, policy, action_id
                )
            )
        finally:
            self._lock.release()
        if not said.startswith(UNKNOWN):
            while len(self._kept) >= KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = time.monotonic(), said
        return said

    def _count(self, wanted: Wanted) -> str:
        try:
            ended = subprocess.run(
                self.command, input=msgspec.json.encode(wanted), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)}, timeout=WAITED_S, check=True,
            )  # fmt: skip
            return msgspec.json.decode(ended.stdout, type=Told).sentence
        except subprocess.TimeoutExpired:
            return f"{UNKNOWN}counting takes longer than {WAITED_S:.0f} s."
        except (OSError, subprocess.CalledProcessError, msgspec.MsgspecError):
            return f"{UNKNOWN}the process that counts has ended by itself."

    command: tuple[str, ...] = (sys.executable, "-P", "-m", "scripts.policy.reach_child")
    """What counts."""
