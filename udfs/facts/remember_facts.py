"""Which purchases and refunds a person was told of before, in whatever session: what is sent again counts once.

A claim of a page and the proven event of the same name are two, so that nobody can keep a purchase from counting by
claiming it first; a claim of what is proven already is a repeat.
"""

from hashlib import blake2b
from typing import Final

from schemas.events import Event
from schemas.limits import FACT_IDS_MAX, FACTS_KEPT_MS, SESSION_FACTS_MAX
from schemas.state.session import HASH_BYTES, Fact, SessionContext
from udfs.session.deduplicate import hash_of, is_seen, remember

FACTS: Final = frozenset({"purchase_completed", "purchase_refunded"})


def fact_of(event: Event) -> Fact | None:
    """The purchase or refund that the event is; None where it is neither."""
    if event.event_type not in FACTS:
        return None
    id_hash = hash_of(f"{event.event_type}/{event.event_id}")
    is_bought = event.event_type == "purchase_completed"
    return Fact(id_hash, is_bought, event.value_amount or 0.0, event.is_unproven)


def note_fact(context: SessionContext, event: Event) -> None:
    """Keeps the fact with the open session, so that it moves with it to whoever signs in."""
    fact = fact_of(event)
    if fact is not None:
        context.facts = [*context.facts, fact][-SESSION_FACTS_MAX:]


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
