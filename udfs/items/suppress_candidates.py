"""What may not be offered now, each with the rule and the values it saw."""

from typing import NamedTuple

from schemas.items import Item
from schemas.policy import Suppression
from udfs.facts.exposures import dismissed_since
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.withhold_sensitive import is_withheld
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
    if rules.out_of_stock and item is not None and item.stock == 0:
        return Verdict("out_of_stock", {"stock": "0"})
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
