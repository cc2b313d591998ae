"""The lists that people were shown, in which order, and what they took of them: what examination is learnt from.

A list is one of a slate or a rerank that was told of by `decision_exposed`, its items from the first place on, or a caller's own list
(`ranking_requested`) whose order nobody told of otherwise: then it was shown as it was handed in. In random order is what the policy of its time
had shuffled, and what its sender says is: the property `order` = `random` of either event. Only what others may learn from is taken:
whoever folds the log asks first (`Fold.teaches`).
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from jobs.learning.answers import CHOSEN, REQUESTED, EventKey
from models.learning.examination import Curve, Shows, Source, learn_curve
from schemas.events import Event
from schemas.proof import is_for_all
from schemas.state.session import SessionNews
from udfs.actions.asked_decisions import asks_for
from udfs.draw import identify_decision
from udfs.items.shuffle_slates import is_shuffled
from udfs.knowledge.knowledge import Knowledge

LISTS_MAX: Final = 300_000
"""Lists in memory; at the bound the oldest goes."""
NAMES_MAX: Final = 1_000_000
"""Ids that are in memory once for all lists; at the bound all of them are let go, and lists that come hold their own again."""
OF_LISTS: Final = frozenset({REQUESTED, CHOSEN, "decision_exposed", "decision_clicked"})
ORDER: Final = "order"
"""The property of a list's event that says how it was ordered."""
RANDOM: Final = "random"

Way = Literal["random", "swaps"]
"""Where curves are learnt from: lists in random order, or items that were shown at several places as well where those do not suffice."""


class Shown(NamedTuple):
    """A list at a placement; `query` is what was looked for there, `taken` the place from 0 of what was taken first. `is_told`: that it was shown so was told, else it
    is as its caller handed it in.
    """

    placement: str
    query: str
    items: tuple[str, ...]
    is_random: bool
    is_told: bool
    taken: int | None = None


class ShownLists:
    """The lists by their decision, from what people were told (a fold's news) in its order. `shares`: what of each placement's decisions was shuffled; None: what the
    policy of their time says.
    """

    def __init__(
        self, knowledge: Knowledge, seed: str, shares: Mapping[str, float] | None = None
    ) -> None:
        self._knowledge, self._seed, self._shares = knowledge, seed, shares
        self._lists: dict[str, Shown] = {}
        self._requested: dict[EventKey, str] = {}
        self._names: dict[str, str] = {}

    @staticmethod
    def wants(news: SessionNews) -> bool:
        """Whether it tells of a list, by somebody who could know."""
        event = news.event
        return (
            event is not None
            and news.kind == "event"
            and event.event_type in OF_LISTS
            and is_for_all(event)
        )

    def take(self, news: SessionNews) -> None:
        """Notes a list, or what was taken of one: of news that is wanted."""
        event = news.event
        if event is None:
            return
        if event.event_type == REQUESTED:
            self._request(news, event)
        elif event.event_type == "decision_exposed":
            self._expose(event)
        elif event.item_ids:
            decision_id = self._answered(event)
            if decision_id is not None:
                self._choose(decision_id, event.item_ids[0])

    def place_of(self, decision_id: str, item_id: str) -> tuple[str | None, int]:
        """The placement and the place from 0 where the item was taken of the decision's list; None where it was not taken there."""
        shown = self._lists.get(decision_id)
        if shown is None or shown.taken is None or shown.items[shown.taken] != item_id:
            return None, 0
        return shown.placement, shown.taken

    @property
    def lists(self) -> list[Shown]:
        """All of them, the one that was first told of first."""
        return [*self._lists.values()]

    def curves(self, way: Way) -> tuple[Curve, ...]:
        """One of each placement that anything was shown at, by name."""
        by_placement: dict[str, list[Shown]] = defaultdict(list)
        for one in self.lists:
            by_placement[one.placement].append(one)
        return tuple(_curve(name, by_placement[name], way) for name in sorted(by_placement))

    def _request(self, news: SessionNews, event: Event) -> None:
        placement = self._asked_of(event, news.own_name)
        if placement is None or not event.candidates:
            return
        decision_id = identify_decision(news.person, event.session_id, event.event_id, placement)
        places = [
            n if one.position is None else one.position for n, one in enumerate(event.candidates)
        ]
        order = sorted(range(len(places)), key=places.__getitem__)
        items = [event.candidates[at].item_id for at in order]
        self._requested[event.session_id, event.event_id] = decision_id
        if len(self._requested) > LISTS_MAX:
            del self._requested[next(iter(self._requested))]
        is_random = _is_said_random(event)
        shown = Shown(placement, _query(event), self._named(items), is_random, is_told=False)
        self._keep(decision_id, shown)

    def _expose(self, event: Event) -> None:
        """What it was shown as stands over what a caller handed in; that it was shown again changes nothing."""
        placement = event.properties.get("placement")
        if event.decision_id is None or placement is None or not event.item_ids:
            return
        before = self._lists.get(event.decision_id)
        if before is not None and (before.is_told or before.taken is not None):
            return
        share = self._share(placement, event)
        is_random = _is_said_random(event) or is_shuffled(self._seed, event.decision_id, share)
        query = before.query if before is not None else _query(event)
        items = self._named(event.item_ids)
        self._keep(event.decision_id, Shown(placement, query, items, is_random, is_told=True))

    def _answered(self, event: Event) -> str | None:
        if event.event_type == CHOSEN:
            return self._requested.get((event.session_id, event.request_id or ""))
        return event.decision_id if event.event_type == "decision_clicked" else None

    def _choose(self, decision_id: str, item_id: str) -> None:
        shown = self._lists.get(decision_id)
        if shown is not None and shown.taken is None and item_id in shown.items:
            self._lists[decision_id] = shown._replace(taken=shown.items.index(item_id))

    def _keep(self, decision_id: str, shown: Shown) -> None:
        self._lists[decision_id] = shown
        if len(self._lists) > LISTS_MAX:
            del self._lists[next(iter(self._lists))]

    def _named(self, items: Sequence[str]) -> tuple[str, ...]:
        """The same items, each id once in memory."""
        if len(self._names) > NAMES_MAX:
            self._names.clear()
        return tuple(self._names.setdefault(one, one) for one in items)

    def _asked_of(self, event: Event, own_name: str) -> str | None:
        policy = self._knowledge.policy_at(event.event_time_ms)
        placements = policy.policy.placements if policy is not None else ()
        return next((one.name for one in placements if asks_for(event, one, own_name)), None)

    def _share(self, placement: str, event: Event) -> float:
        """What is shuffled in every arm: what one of them alone does, is not known of a list without knowing whose it is."""
        if self._shares is not None:
            return self._shares.get(placement, 0.0)
        policy = self._knowledge.policy_at(event.event_time_ms)
        variants = () if policy is None else (policy, *policy.variants.values())
        placements = [it.placement for one in variants for it in one.placements]
        return min((one.shuffle for one in placements if one.name == placement), default=0.0)


def _is_said_random(event: Event) -> bool:
    return event.properties.get(ORDER) == RANDOM


def _query(event: Event) -> str:
    """What makes an item the same thing when it is shown again: what was looked for, else where."""
    return event.query or event.category or event.page or ""


def _curve(placement: str, lists: Sequence[Shown], way: Way) -> Curve:
    """By the lists in random order; where those do not suffice and it is wanted, by swaps of all."""
    shuffled = [one for one in lists if one.is_random]
    curve = _learnt(
        placement, "random", shuffled, ((len(one.items),) * len(one.items) for one in shuffled)
    )
    if way == "random" or curve.is_used:
        return curve
    things = ([(one.query, item_id) for item_id in one.items] for one in lists)
    return _learnt(placement, "swaps", lists, things)


def _learnt(
    placement: str, source: Source, lists: Sequence[Shown], things: Iterable[Sequence[Hashable]]
) -> Curve:
    """`things`: what stands at each place of each list, as far as that says how much it is wanted."""
    numbers: dict[Hashable, int] = {}
    shown: Counter[tuple[int, int]] = Counter()
    clicks: Counter[tuple[int, int]] = Counter()
    for one, named in zip(lists, things, strict=True):
        for place, thing in enumerate(named):
            at = numbers.setdefault(thing, len(numbers)), place
            shown[at] += 1
            clicks[at] += place == one.taken
    pairs = np.array(list(shown), dtype=np.int64).reshape(-1, 2)
    shows = Shows(
        pairs[:, 0], pairs[:, 1],
        np.fromiter(shown.values(), np.float64, len(shown)),
        np.fromiter((clicks[at] for at in shown), np.float64, len(shown)),
    )  # fmt: skip
    return learn_curve(placement, source, shows, len(lists))
