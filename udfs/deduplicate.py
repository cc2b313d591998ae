"""Which event ids of a session were seen before, in a bounded string of bytes.

Twelve bytes an id: eight of its BLAKE2b hash, four of its event time in seconds, in order of
arrival. Two ids of one session share a hash with probability below 2e-12 at the bound.
"""

from hashlib import blake2b
from typing import Final

from schemas.limits import DEDUP_MS, SECOND_MS, SEEN_IDS_MAX

ENTRY_BYTES: Final = 12
HASH_BYTES: Final = 8


def hash_of(event_id: str) -> bytes:
    """Eight bytes that stand for `event_id`."""
    return blake2b(event_id.encode(), digest_size=HASH_BYTES).digest()


def is_seen(seen: bytes, id_hash: bytes) -> bool:
    """Whether `id_hash` stands at the start of an entry of `seen`."""
    at = seen.find(id_hash)
    while at >= 0 and at % ENTRY_BYTES:
        at = seen.find(id_hash, at + 1)
    return at >= 0


def remember(seen: bytes, id_hash: bytes, time_ms: int, newest_ms: int) -> tuple[bytes, bool]:
    """`seen` with one id more, without those more than seven days behind `newest_ms`.

    The second value tells whether an id younger than that had to go because of the bound.
    """
    horizon_s = (newest_ms - DEDUP_MS) // SECOND_MS
    start = 0
    while start < len(seen) and _seconds(seen, start) < horizon_s:
        start += ENTRY_BYTES
    is_full = len(seen) - start >= SEEN_IDS_MAX * ENTRY_BYTES
    if is_full:
        start += ENTRY_BYTES
    return seen[start:] + id_hash + (time_ms // SECOND_MS).to_bytes(4, "big"), is_full


def _seconds(seen: bytes, start: int) -> int:
    return int.from_bytes(seen[start + HASH_BYTES : start + ENTRY_BYTES], "big")
