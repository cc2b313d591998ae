"""Where a session leads: what the nearest past sessions and the links of its items went on with."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from udfs.knowledge.item_statistics import ItemStatistics
from udfs.knowledge.past_sessions import Near

QUERY_MAX: Final = 10
"""Touched items, newest first, by which past sessions are found."""
QUERY_MIN: Final = 3
"""With fewer in this session, what the person touched before helps."""
FEW: Final = 3
"""Touched items whose links count as those of the last few."""

Shares = dict[str, float]


class Leads(NamedTuple):
    """Shares by item id: of the links of the item touched last, of the last few, of the cart's.

    `near` holds scores by item number, or None where no past session shares an item.
    """

    numbers: dict[str, int]
    ids: list[str]
    near: Near | None
    next_last: Shares
    next_few: Shares
    seen_last: Shares
    seen_few: Shares
    bought: Shares

    def near_scores(self, item_ids: Sequence[str]) -> Near:
        """The scores of these items; 0 = in none of the nearest sessions."""
        if self.near is None:
            zeros = np.zeros(len(item_ids))
            return Near(zeros, zeros, zeros)
        size = len(self.near.touched)
        numbers = np.array([self.numbers.get(one, size) for one in item_ids], dtype=np.intp)
        known = numbers < size
        numbers[~known] = 0
        return Near(*(np.where(known, scores[numbers], 0.0) for scores in self.near))

    def nearest(self, count: int) -> list[str]:
        """The items with the highest score among the nearest sessions' touches, best first."""
        if self.near is None:
            return []
        scores = self.near.touched
        numbers = np.flatnonzero(scores > 0.0)
        if len(numbers) > count:
            found = scores[numbers]  # few of all: to look for the least among these costs little
            numbers = numbers[found >= np.partition(found, -count)[-count]]
        # equal scores by their ids: numbers differ from one instance to the next
        ranked = sorted((-scores[number], self.ids[number]) for number in numbers)
        return [item_id for _, item_id in ranked[:count]]


def follow_session(
    context: SessionContext, state: PersonState, statistics: ItemStatistics, epoch: int, now_ms: int
) -> Leads:
    """Where the session leads, as known in `epoch`."""
    touched = touched_items(context, state)
    known = [statistics.item(item_id, epoch) for item_id in touched[:FEW]]
    links = [one for one in known if one is not None]
    last = links[0] if known and known[0] is not None else None
    cart = [
        statistics.item(item_id, epoch) for item_id in dict.fromkeys([*context.cart, *touched[:1]])
    ]
    return Leads(
        statistics.sessions.numbers,
        statistics.sessions.ids,
        statistics.sessions.near(touched, now_ms, statistics.sessions_at(epoch)),
        shares(last.next_items) if last else {},
        _sum(one.next_items for one in links),
        shares(last.seen_with) if last else {},
        _sum(one.seen_with for one in links),
        _sum(one.bought_with for one in cart if one is not None),
    )


def touched_items(context: SessionContext, state: PersonState) -> list[str]:
    """At most QUERY_MAX items, those touched last first; from before the session where it is new."""
    touched = [*reversed(context.items)][:QUERY_MAX]
    if len(touched) < QUERY_MIN:
        before = (one for one in reversed(state.recent_items) if one not in context.items)
        touched += [one for one, _ in zip(before, range(QUERY_MIN - len(touched)), strict=False)]
    return touched


def shares(links: dict[str, float]) -> Shares:
    """Each link's part of all, which sum to 1."""
    total = sum(links.values()) or 1.0
    return {item_id: weight / total for item_id, weight in links.items()}


def top(found: Shares, count: int) -> list[str]:
    """The strongest, best first; equals by their ids."""
    return sorted(found, key=lambda one: (-found[one], one))[:count]


def _sum(of_items: Iterable[dict[str, float]]) -> Shares:
    """The shares of several items, those of later ones less."""
    total: Shares = {}
    for place, links in enumerate(of_items, start=1):
        for item_id, share in shares(links).items():
            total[item_id] = total.get(item_id, 0.0) + share / place
    return total
