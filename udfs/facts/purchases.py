"""Purchases: what a person bought and gave back, each told once, in whatever visit.

A claim of a page and the proven event of the same name are two, so that nobody can keep a purchase from counting by
claiming it first; a claim of what is proven already is a repeat.
"""

from hashlib import blake2b
from typing import Final

from schemas.events import Event
from schemas.limits import (
    DAY_MS,
    FACT_IDS_MAX,
    FACTS_KEPT_MS,
    PURCHASES_MAX,
    SESSION_FACTS_MAX,
)
from schemas.state.person import PersonState, Purchase
from schemas.state.session import HASH_BYTES, Fact, SessionContext, SessionNews
from udfs.facts.fact import Apart, Column, Kept, Room, item, person
from udfs.facts.merging import added, larger
from udfs.facts.reading import days_since
from udfs.facts.splitting import less, stays, without
from udfs.facts.types import BOOL, DOUBLE, INT, STRINGS
from udfs.facts.view import View, aged
from udfs.items.retrieve_candidates import Retrieved
from udfs.moment import Moment
from udfs.session.deduplicate import ENTRY_BYTES, hash_of, hashes_in, is_seen, merge_seen, remember

EVENTS: Final = frozenset({"purchase_completed", "purchase_refunded"})


# --- which are known ----------------------------------------------------------------------------


def fact_of(event: Event) -> Fact | None:
    """The purchase or refund that the event is; None where it is neither."""
    if event.event_type not in EVENTS:
        return None
    id_hash = hash_of(f"{event.event_type}/{event.event_id}")
    is_bought = event.event_type == "purchase_completed"
    return Fact(id_hash, is_bought, event.value_amount or 0.0, event.is_unproven)


def is_repeated(fact_ids: bytes, fact: Fact) -> bool:
    """Whether it is among the facts that are remembered."""
    if is_seen(fact_ids, fact.id_hash):
        return True
    return fact.is_unproven and is_seen(fact_ids, _name(fact))


def remember_fact(fact_ids: bytes, fact: Fact, newest_ms: int) -> tuple[bytes, bool]:
    """The facts with this one more, and whether another had to go for it; `newest_ms` is the person's newest event time."""
    return remember(fact_ids, _name(fact), newest_ms, FACTS_KEPT_MS, FACT_IDS_MAX)


def _name(fact: Fact) -> bytes:
    if not fact.is_unproven:
        return fact.id_hash
    return blake2b(fact.id_hash, digest_size=HASH_BYTES).digest()


# --- the visit ----------------------------------------------------------------------------------


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Keeps the purchase or refund with the open visit, so that it moves with it to the person who signs in."""
    fact = fact_of(event)
    if fact is None:
        return
    context.unproven_purchases += fact.is_bought and fact.is_unproven
    context.facts = [*context.facts, fact][-SESSION_FACTS_MAX:]


# --- the person ---------------------------------------------------------------------------------


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Adds a purchase, or takes it back."""
    if event.event_type == "purchase_completed":
        _buy(state, event)
    elif event.event_type == "purchase_refunded":
        state.purchase_value -= event.value_amount or 0.0
        state.purchases = [one for one in state.purchases if one.item_id not in event.item_ids]


def _buy(state: PersonState, event: Event) -> None:
    # a proven purchase is taken for the one that was claimed, a further claim for the same
    state.purchase_count += 1 - state.unproven_purchases
    state.unproven_purchases = int(event.is_unproven)
    state.purchase_value += event.value_amount or 0.0
    state.last_purchase_ms = max(state.last_purchase_ms or 0, event.event_time_ms)
    price = event.price if len(event.item_ids) == 1 else None
    _keep(state, [Purchase(item_id, event.event_time_ms, price) for item_id in event.item_ids])


def _keep(state: PersonState, bought: list[Purchase]) -> None:
    """Purchases count however late they come, so the oldest is not always the first."""
    purchases = sorted(state.purchases + bought, key=lambda one: one.time_ms)
    state.purchases = purchases[-PURCHASES_MAX:]


def is_told_again(state: PersonState, news: SessionNews) -> bool:
    """Whether it tells of a purchase or refund that the person was told of before, in whatever session."""
    fact = _fact_in(news)
    return fact is not None and is_repeated(state.fact_ids, fact)


def remember_told(state: PersonState, news: SessionNews) -> bool:
    """Keeps which purchase or refund `news` tells of; whether another one had to go at the bound."""
    fact = _fact_in(news)
    if fact is None or is_repeated(state.fact_ids, fact):
        return False
    state.fact_ids, is_full = remember_fact(state.fact_ids, fact, state.last_ms)
    return is_full


def note_fact(state: PersonState, news: SessionNews) -> None:
    """Keeps what a visitor bought or gave back, for the day on which a person takes it who was told of it, too."""
    fact = None if news.is_member else _fact_in(news)
    if fact is not None:
        state.facts = [*state.facts, fact][-SESSION_FACTS_MAX:]


def _fact_in(news: SessionNews) -> Fact | None:
    return fact_of(news.event) if news.kind == "event" and news.event is not None else None


def forget_repeated(given: PersonState, state: PersonState) -> set[int]:
    """Takes out of what a visitor brings, in place, the purchases and refunds that the person was told of before; the times of purchases."""
    again = [one for one in given.facts if is_repeated(state.fact_ids, one)]
    if not again:
        return set()
    bought = [one for one in again if one.is_bought]
    claims = [one for one in given.facts if one.is_bought and one.is_unproven]
    # of several that were claimed one counts, if any
    given.purchase_count -= sum(not one.is_unproven for one in bought)
    if given.unproven_purchases and all(one in again for one in claims):
        given.purchase_count -= 1
        given.unproven_purchases = 0
    given.purchase_value -= sum(one.amount if one.is_bought else -one.amount for one in again)
    known = {(one.item_id, one.time_ms) for one in state.purchases}
    left = [one for one in given.purchases if (one.item_id, one.time_ms) not in known]
    times = {one.time_ms for one in given.purchases if one not in left}
    given.purchases = left
    return times


# --- two people's -------------------------------------------------------------------------------


def merge_purchases(one: PersonState, other: PersonState, name: str) -> object:
    """All of both, in the order of time; the newest."""
    both = sorted(one.purchases + other.purchases, key=_order)
    return both[-PURCHASES_MAX:]


def merge_count(one: PersonState, other: PersonState, name: str) -> object:
    """Both counts; claims of both make one."""
    return one.purchase_count + other.purchase_count - min(_claims(one), _claims(other))


def merge_ids(one: PersonState, other: PersonState, name: str) -> object:
    """Those that either was told of."""
    return merge_seen(one.fact_ids, other.fact_ids, FACT_IDS_MAX)


def merge_facts(one: PersonState, other: PersonState, name: str) -> object:
    """Those of both, in the order of their hashes."""
    found = {fact.id_hash: fact for fact in (*one.facts, *other.facts)}
    return [found[id_hash] for id_hash in sorted(found)][-SESSION_FACTS_MAX:]


def split_purchases(apart: Apart, name: str) -> object:
    """What was bought before, but for what was given back since, and what was bought since."""
    now, joined = apart.now.purchases, apart.joined.purchases
    gone = without(joined, now, _order)
    if len(now) == PURCHASES_MAX:  # the oldest went at the bound
        gone = [one for one in gone if one.time_ms >= now[0].time_ms]
    mine = without(apart.own.purchases, gone, _order)
    return sorted(mine + without(now, joined, _order), key=_order)[-PURCHASES_MAX:]


def split_count(apart: Apart, name: str) -> object:
    """Proven ones add up, so they are taken apart; then the one that is claimed, if any."""
    proven = sum(
        by * (one.purchase_count - _claims(one))
        for one, by in ((apart.own, 1), (apart.now, 1), (apart.joined, -1))
    )
    is_same = _claims(apart.now) == _claims(apart.joined)
    return max(0, proven) + _claims(apart.own if is_same else apart.now)


def split_ids(apart: Apart, name: str) -> object:
    """Without those of which the visitor alone was told."""
    mine, theirs = set(hashes_in(apart.own.fact_ids)), set(hashes_in(apart.given.fact_ids))
    if not theirs - mine:
        return apart.now.fact_ids
    ids = apart.now.fact_ids
    entries = [ids[at : at + ENTRY_BYTES] for at in range(0, len(ids), ENTRY_BYTES)]
    return b"".join(one for one in entries if one[:HASH_BYTES] not in theirs - mine)


def _claims(state: PersonState) -> int:
    return state.unproven_purchases


def _order(one: Purchase) -> tuple[int, str, float]:
    return one.time_ms, one.item_id, one.price or 0.0


# --- facts --------------------------------------------------------------------------------------


def purchase_value_mean(m: Moment) -> float | None:
    """The mean value of a purchase."""
    return m.state.purchase_value / m.state.purchase_count if m.state.purchase_count else None


def bought_items(m: Moment) -> list[str]:
    """The items bought last, the newest first."""
    return list(dict.fromkeys(one.item_id for one in reversed(m.state.purchases)))


def bought_d(m: Moment, one: Retrieved) -> float | None:
    """Days since the person bought the item."""
    bought = [p.time_ms for p in m.state.purchases if p.item_id == one.item_id]
    return days_since(m, max(bought, default=None))


def _bought_ages(v: View) -> Column:
    times = {one.item_id: one.time_ms for one in v.state.purchases}
    return aged(v, times) * 1000.0 / DAY_MS


FACTS: Final = (
    person("purchase_count", INT, "purchases ever", lambda m: m.state.purchase_count),
    person("purchase_value", DOUBLE, "value of all purchases, less refunds", lambda m: m.state.purchase_value),
    person("purchase_value_mean", DOUBLE, "mean value of a purchase", purchase_value_mean, "person_purchase_value"),
    person("days_since_purchase", DOUBLE, "days since the last purchase", lambda m: days_since(m, m.state.last_purchase_ms), "person_purchase_age"),
    person("bought_items", STRINGS, "ids of the items bought last", bought_items),
    item("is_bought", BOOL, "whether the person has bought it", lambda m, one: bought_d(m, one) is not None, "person_item"),
    item("days_since_bought", DOUBLE, "days since the person bought it", bought_d, "person_item", "person_bought_age", column=_bought_ages),
)  # fmt: skip

ROOM: Final = Room(
    "purchases", FACTS, on_event=on_event, events=EVENTS, on_person_event=on_person_event, person_events=EVENTS,
    visit=("unproven_purchases", "facts"),
    person={
        "purchases": Kept(merge_purchases, split=split_purchases), "purchase_count": Kept(merge_count, split=split_count),
        "purchase_value": Kept(added, split=less), "last_purchase_ms": Kept(larger),
        "unproven_purchases": Kept(larger), "fact_ids": Kept(merge_ids, "service", split=split_ids),
        "facts": Kept(merge_facts, split=stays),
    },
)  # fmt: skip
