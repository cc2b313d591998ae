"""Which event ids a key has seen before, in a bounded string of bytes.

Twelve bytes an id: eight of its BLAKE2b hash, and in four the newest event time, in seconds, that its key had
seen when it came; in order of arrival, so in order of these times. What an old event is remembered by is thus as young as
what came beside it. Two ids of one session share a hash with probability below 2e-12 at the bound.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from schemas.limits import DEDUP_MS, SECOND_MS, SEEN_IDS_MAX
from schemas.state.session import HASH_BYTES

ENTRY_BYTES: Final = HASH_BYTES + 4


def hash_of(event_id: str) -> bytes:
    """Eight bytes that stand for `event_id`."""
    return blake2b(event_id.encode(), digest_size=HASH_BYTES).digest()


def is_seen(seen: bytes, id_hash: bytes) -> bool:
    """Whether `id_hash` stands at the start of an entry of `seen`."""
    at = seen.find(id_hash)
    while at >= 0 and at % ENTRY_BYTES:
        at = seen.find(id_hash, at + 1)
    return at >= 0


def remember(
    seen: bytes,
    id_hash: bytes,
    newest_ms: int,
    kept_ms: int = DEDUP_MS,
    ids_max: int = SEEN_IDS_MAX,
) -> tuple[bytes, bool]:
    """`seen` with one id more, without those that came when the key was `kept_ms` behind its `newest_ms` of now.

    The second value tells whether an id younger than that had to go because of the bound.
    """
    horizon_s = (newest_ms - kept_ms) // SECOND_MS
    start = 0
    while start < len(seen) and _seconds(seen, start) < horizon_s:
        start += ENTRY_BYTES
    is_full = len(seen) - start >= ids_max * ENTRY_BYTES
    if is_full:
        start += ENTRY_BYTES
    return seen[start:] + id_hash + (newest_ms // SECOND_MS).to_bytes(4, "big"), is_full


def hashes_in(seen: bytes) -> Iterator[bytes]:
    """The hashes that are remembered, in order of arrival."""
    for start in range(0, len(seen), ENTRY_BYTES):
        yield seen[start : start + HASH_BYTES]


def seconds_in(seen: bytes) -> Iterator[int]:
    """When each came, in seconds, in order of arrival."""
    return (_seconds(seen, start) for start in range(0, len(seen), ENTRY_BYTES))


def _seconds(seen: bytes, start: int) -> int:
    return int.from_bytes(seen[start + HASH_BYTES : start + ENTRY_BYTES], "big")


def merge_seen(one: bytes, other: bytes, ids_max: int) -> bytes:
    """The ids of both, each at the later of its times, in the order of these; the newest `ids_max`."""
    found: dict[bytes, int] = {}
    for seen in (one, other):
        for start in range(0, len(seen), ENTRY_BYTES):
            id_hash = seen[start : start + HASH_BYTES]
            found[id_hash] = max(found.get(id_hash, 0), _seconds(seen, start))
    newest = sorted(found, key=lambda id_hash: (found[id_hash], id_hash))[-ids_max:]
    return b"".join(id_hash + found[id_hash].to_bytes(4, "big") for id_hash in newest)
