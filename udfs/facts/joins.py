"""Joins: what a visitor gave and what a person was before it came, kept for a while, so that what was joined wrongly can be split again.

The newest UNMERGE_KEPT of each, for MERGES_KEPT_MS. Where personalisation is not granted they are purged like the state itself.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec.structs import replace

from schemas.limits import GIFTS_NOTED_MAX, MERGES_KEPT_MS, UNMERGE_KEPT
from schemas.state.person import PERSON_STATE, Before, Gave, PersonState
from udfs.facts.fact import Kept, Room
from udfs.facts.splitting import stays

Purge = Callable[[PersonState], PersonState]
K = TypeVar("K", Gave, Before)


def encoded(state: PersonState) -> bytes:
    """The state without the states that it keeps itself."""
    return PERSON_STATE.encode(replace(state, gave=[], before=[]))


def note_gift(gave: list[Gave], gift: Gave) -> list[Gave]:
    """The gifts with this one more; of the newest UNMERGE_KEPT the states, of the others that there were any."""
    found = [*_lately(gave, gift.at_ms), gift][-GIFTS_NOTED_MAX:]
    old = [replace(one, state=b"") for one in found[:-UNMERGE_KEPT]]
    return old + found[-UNMERGE_KEPT:]


def note_before(kept: list[Before], one: Before) -> list[Before]:
    """The newest UNMERGE_KEPT of what a person was, with this one more."""
    return [*_lately(kept, one.at_ms), one][-UNMERGE_KEPT:]


def forget_joins(state: PersonState, now_ms: int) -> None:
    """Drops what is older than MERGES_KEPT_MS."""
    if state.gave:
        state.gave = _lately(state.gave, now_ms)
    if state.before:
        state.before = _lately(state.before, now_ms)


def _lately(kept: list[K], now_ms: int) -> list[K]:
    return [one for one in kept if one.at_ms > now_ms - MERGES_KEPT_MS]


def bare(state: PersonState, purge: Purge) -> tuple[list[Gave], list[Before]]:
    """What both lists hold where personalisation is not granted."""
    return [_bare(one, purge) for one in state.gave], [_bare(one, purge) for one in state.before]


def _bare(kept: K, purge: Purge) -> K:
    if kept.is_bare:
        return kept
    state = encoded(purge(PERSON_STATE.decode(kept.state))) if kept.state else b""
    bare_one = replace(kept, state=state, is_bare=True)
    return replace(bare_one, is_purged=True) if isinstance(bare_one, Gave) else bare_one


def merge_gifts(one: PersonState, other: PersonState, name: str) -> object:
    """Those of both, in the order of time."""
    found = {gift.transfer_id: gift for gift in (*one.gave, *other.gave)}
    kept: list[Gave] = []
    for gift in sorted(found.values(), key=lambda gift: (gift.at_ms, gift.transfer_id)):
        kept = note_gift(kept, gift)
    return kept


def merge_befores(one: PersonState, other: PersonState, name: str) -> object:
    """Likewise."""
    found = {kept.transfer_id: kept for kept in (*one.before, *other.before)}
    return sorted(found.values(), key=lambda kept: (kept.at_ms, kept.transfer_id))[-UNMERGE_KEPT:]


ROOM: Final = Room(
    "joins",
    person={
        "gave": Kept(merge_gifts, split=stays),
        "before": Kept(merge_befores, split=stays),
    },
)
