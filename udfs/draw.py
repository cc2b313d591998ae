"""Chance as a hash: the same inputs draw the same in live traffic and in every replay."""

from collections.abc import Iterable
from hashlib import blake2b


def draw(seed: str, *of: str) -> float:
    """A number in [0, 1), uniform over what it is drawn for: a person, an event, a placement."""
    return _number(_digest(8, seed, *of))


def draw_each(members: Iterable[str], seed: str, *of: str) -> list[float]:
    """For each of the members the number that `draw(seed, *of, member)` gives; what they share is hashed once."""
    shared = blake2b(_message(seed, *of), digest_size=8)
    found = []
    for member in members:
        own = shared.copy()
        own.update(_message(member))
        found.append(_number(own.digest()))
    return found


def identify_decision(person: str, session_id: str, event_id: str, placement: str) -> str:
    """The id of the decision that this cause leads to: 32 hexadecimal digits."""
    return _digest(16, person, session_id, event_id, placement).hex()


def _number(digest: bytes) -> float:
    return int.from_bytes(digest[:7], "big") / 2.0**56


def _digest(size: int, *parts: str) -> bytes:
    return blake2b(_message(*parts), digest_size=size).digest()


def _message(*parts: str) -> bytes:
    # length before each part, so that ("ab", "c") and ("a", "bc") differ
    found = b""
    for part in parts:
        text = part.encode()
        found += len(text).to_bytes(4, "big") + text
    return found
