"""What may not be offered now, each with the rule and the values it saw."""

from typing import NamedTuple

from schemas.items import Item
from schemas.limits import PIECES_MAX
from schemas.policy import Suppression
from udfs.facts.exposures import dismissed_since
from udfs.facts.reach import comes_to, is_free, stay_of, where
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.withhold_sensitive import is_withheld
from udfs.knowledge.pieces import pieces_left
from udfs.moment import Moment


class Verdict(NamedTuple):
    """`rule` is empty where nothing speaks against the candidate."""

    rule: str
    values: dict[str, str]


PASSED = Verdict("", {})


def suppress_candidates(
    candidates: list[Retrieved], moment: Moment, rules: Suppression
) -> list[Verdict]:
    """One verdict per candidate."""
    bought = {
        one.item_id: one.time_ms
        for one in moment.state.purchases
        if moment.now_ms - one.time_ms < rules.bought_ms
    }
    return [_verdict(candidate, bought, moment, rules) for candidate in candidates]


def _verdict(
    candidate: Retrieved,
    bought: dict[str, int],
    moment: Moment,
    rules: Suppression,
) -> Verdict:
    item_id, item, event = candidate.item_id, candidate.item, moment.event
    if rules.current_item and item_id in event.item_ids:
        return Verdict("current_item", {"event_type": event.event_type})
    if candidate.is_gone:
        return Verdict("gone", {})
    if rules.out_of_stock and item is not None and _is_scarce(item):
        gone = sold_out(item, moment, rules)
        if gone is not None:
            return gone
    if item is not None and (rules.undelivered or rules.unavailable):
        far = unreached(item, moment, rules)
        if far is not None:
            return far
    if rules.sensitive and is_withheld(item, rules.sensitive, moment):
        return Verdict("sensitive", {"category": str(item.category if item else None)})
    if item_id in bought:
        return Verdict("bought", {"bought_ms": str(bought[item_id])})
    state = moment.state
    if state.dismissed or state.refused_categories:
        about = item or Item(item_id, moment.now_ms)
        dismissed = dismissed_since(about, state, moment.now_ms, rules.dismissed_ms)
        if dismissed is not None:
            return Verdict(*dismissed)
    return PASSED


def sold_out(item: Item, moment: Moment, rules: Suppression) -> Verdict | None:
    """Why there is no piece of the item for this person; None where there is one, or stock is unknown."""
    if item.stock == 0:
        return Verdict("out_of_stock", {"stock": "0"})
    if not _is_scarce(item):
        return None
    known = moment.knowledge.statistics.item(item.item_id, moment.known.epoch)
    if known is None or not (known.sold or known.held):
        return None
    line = moment.state.cart.get(item.item_id)
    is_kept = line is not None and line.put_ms > moment.now_ms - rules.reserved_ms
    own = line.quantity if line is not None and is_kept else 0
    left = pieces_left(item, known, moment.now_ms, rules.reserved_ms, own)
    if left is None or item.stock is None or left > 0:
        return None
    return Verdict("reserved", {"stock": str(item.stock), "taken": str(item.stock - left)})


def unreached(item: Item, moment: Moment, rules: Suppression) -> Verdict | None:
    """Why the item does not come there, or is not to be had then; None where it does, or nobody knows."""
    there = where(moment)
    if rules.undelivered and comes_to(item, there) is False:
        return Verdict("undelivered", {"country": there.region or there.country})
    stay = stay_of(moment)
    if rules.unavailable and stay is not None and not is_free(item, stay):
        return Verdict("unavailable", {"nights": str(stay.last - stay.first + 1)})
    return None


def _is_scarce(item: Item) -> bool:
    """Whether its pieces are looked after one by one."""
    return item.stock is not None and item.stock <= PIECES_MAX
