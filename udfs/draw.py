"""Chance as a hash: the same inputs draw the same in live traffic and in every replay."""

from hashlib import blake2b


def draw(seed: str, *of: str) -> float:
    """A number in [0, 1), uniform over what it is drawn for: a person, an event, a placement."""
    return int.from_bytes(_digest(8, seed, *of)[:7], "big") / 2.0**56


def identify_decision(person: str, session_id: str, event_id: str, placement: str) -> str:
    """The id of the decision that this cause leads to: 32 hexadecimal digits."""
    return _digest(16, person, session_id, event_id, placement).hex()


def _digest(size: int, *parts: str) -> bytes:
    # length before each part, so that ("ab", "c") and ("a", "bc") differ
    message = b"".join(len(p).to_bytes(4, "big") + p for p in (part.encode() for part in parts))
    return blake2b(message, digest_size=size).digest()
