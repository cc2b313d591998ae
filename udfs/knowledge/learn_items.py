"""The steps of an item, an action and a session: the facts of one epoch make what is known at its end."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from schemas.knowledge import (
    HOURS_KEPT,
    KEY_SEPARATOR,
    RECENT_EPOCHS,
    ActionKnowledge,
    ItemKnowledge,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
)
from schemas.limits import HOUR_MS, LINKS_MAX
from schemas.state.lessons import ActionFact, ItemFact, SessionFact
from udfs.fading import LONG_HALF_LIFE_MS, SHORT_HALF_LIFE_MS, decay
from udfs.knowledge.learn_facts import INTEREST, RESPONSES, SPENT
from udfs.knowledge.pieces import learn_pieces

FORGET: Final = 1e-3
"""A link that has decayed below this weight is dropped."""
COUNTED: Final = ("views", "clicks", "carts", "purchases", "exposures", "examined", "taken")
SPENDS: Final = ("exposures", SPENT)
"""What takes from an action's budget."""
LINKED: Final = ("next_items", "seen_with", "bought_with")


def fact_order(fact: ItemFact) -> tuple[int, str, int, int]:
    """The order in which an epoch's facts count, however they arrived."""
    return fact.order_ms, fact.session_id, fact.position, fact.number


def learn_item(
    before: ItemKnowledge | None, facts: Sequence[ItemFact], epoch: int
) -> ItemKnowledge:
    """The item's knowledge at the end of `epoch`; `facts` (at least one) in any order."""
    ordered = sorted(facts, key=fact_order)
    at_ms = epoch_end_ms(epoch)
    age_ms = at_ms - before.at_ms if before else 0
    long = decay(1.0, age_ms, LONG_HALF_LIFE_MS)
    counts: dict[str, float] = {
        name: getattr(before, name) * long if before else 0.0 for name in COUNTED
    }
    links: dict[str, dict[str, float]] = {
        name: _decayed(getattr(before, name) if before else {}, long) for name in LINKED
    }
    interest = before.interest * long if before else 0.0
    short = decay(before.interest_short, age_ms, SHORT_HALF_LIFE_MS) if before else 0.0
    category = before.category if before else None
    price = before.price if before else None
    for fact in ordered:
        if fact.count in counts:
            counts[fact.count] += fact.weight
            interest += INTEREST.get(fact.count, 0.0) * fact.weight
            short += INTEREST.get(fact.count, 0.0) * fact.weight
        if fact.link:
            _raise(links[fact.link], fact.other, fact.weight)
        category = fact.category or category
        price = fact.price if fact.price is not None else price
    first = ordered[0]
    first_ms = before.first_ms if before else min(fact.time_ms for fact in ordered)
    touched_ms = [fact.time_ms for fact in ordered if fact.count in INTEREST]
    known = ItemKnowledge(
        first.kind, first.item_id, epoch, effective_from_ms(epoch), at_ms, first_ms,
        last_ms=max(before.last_ms if before else first_ms, *touched_ms, first_ms),
        interest=interest, interest_short=short, category=category, price=price,
    )  # fmt: skip
    return structs.replace(known, **counts, **links, **learn_pieces(before, ordered, at_ms))


def learn_action(
    before: ActionKnowledge | None, facts: Sequence[ActionFact], epoch: int
) -> ActionKnowledge:
    """What is known under the key of `facts` (at least one) at the end of `epoch`."""
    key, at_ms = facts[0].key, epoch_end_ms(epoch)
    times = [fact.time_ms for fact in facts]
    was = before or ActionKnowledge("action", key, epoch, 0, at_ms, min(times), min(times))
    long = decay(1.0, at_ms - was.at_ms, LONG_HALF_LIFE_MS)
    more = Counter(fact.count for fact in facts)
    counts = {name: getattr(was, name) * long + more[name] for name in RESPONSES.values()}
    known = ActionKnowledge(
        "action", key, epoch, effective_from_ms(epoch), at_ms,
        first_ms=min(was.first_ms, *times), last_ms=max(was.last_ms, *times), **counts,
    )  # fmt: skip
    if KEY_SEPARATOR in key:
        return known
    exposed = [fact.time_ms for fact in facts if fact.spends and fact.count in SPENDS]
    hour = (at_ms - 1) // HOUR_MS
    hourly = _moved(was.hourly, hour - was.hour, HOURS_KEPT)
    for place, count in Counter(hour - time_ms // HOUR_MS for time_ms in exposed).items():
        if 0 <= place < HOURS_KEPT:
            hourly[place] += count
    recent = _moved(was.recent, epoch - was.epoch, RECENT_EPOCHS)
    recent[0] += len(exposed)
    return structs.replace(
        known,
        exposures_total=was.exposures_total + len(exposed),
        peak=max(was.peak * long, float(len(exposed))),
        hour=hour,
        hourly=tuple(hourly),
        recent=tuple(recent),
    )


def _moved(counts: Sequence[int], steps: int, length: int) -> list[int]:
    """Counts of equal times, newest first, once so many newer ones have begun; at most `length`."""
    return ([0] * min(steps, length) + [*counts, *[0] * length])[:length]


def learn_session(_: None, facts: Sequence[SessionFact], epoch: int) -> PastSession:
    """The record of a session that ended in `epoch`; it has ended once."""
    fact = facts[0]
    return PastSession(
        fact.session_hash, epoch, effective_from_ms(epoch), fact.ended_ms, fact.item_ids
    )


def _decayed(links: dict[str, float], factor: float) -> dict[str, float]:
    return {other: left for other, weight in links.items() if (left := weight * factor) >= FORGET}


def _raise(links: dict[str, float], other: str, weight: float) -> None:
    """Adds to a link; at the bound the weakest gives its place and its weight (space saving)."""
    known = links.get(other)
    if known is None and len(links) >= LINKS_MAX:
        weakest = min(links, key=lambda one: (links[one], one))
        known = links.pop(weakest)
    links[other] = (known or 0.0) + weight
