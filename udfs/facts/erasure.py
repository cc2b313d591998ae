"""Erasure: until when a person's past counts for nothing; it stands alone where nothing else of them is left.

What is left of an erased person without a list that names them: the newest sequence, so that nothing old comes over nothing,
and this time, so that what is late teaches and decides nothing. Both go after ERASED_KEPT_MS.
"""

from typing import Final

from schemas.events import ERASURE_REQUESTED
from schemas.limits import ERASED_KEPT_MS
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.facts.fact import Kept, Room
from udfs.facts.identity import part_of
from udfs.facts.merging import larger
from udfs.facts.splitting import stays
from udfs.knowledge.erasures import Erasures


def is_erasure(news: SessionNews) -> bool:
    """Whether the news is that the person is to be forgotten."""
    return news.event is not None and news.event.event_type == ERASURE_REQUESTED


def erased_until_ms(state: PersonState | None, news: SessionNews, erasures: Erasures) -> int:
    """Until when nothing counts of whom the news is for; -1 = they were not erased."""
    kept_ms = (state.erased_ms or -1) if state is not None else -1
    if kept_ms < 0 and erasures.newest_ms < 0:
        return -1
    return max(kept_ms, erasures.until_ms("person", news.person, began_ms(news)))


def began_ms(news: SessionNews) -> int:
    """When that began of which the news tells: an event, or a visit that has ended or is somebody else's from now on."""
    if news.kind == "ended" and news.summary is not None:
        return news.summary.started_ms
    if news.kind == "handover" or news.event is None:
        return news.visit.started_ms
    return news.event.event_time_ms


def tombstone(
    state: PersonState | None, news: SessionNews, erasures: Erasures
) -> PersonState | None:
    """What is left of a person from this erasure on; nothing where the list names them."""
    event = news.event
    time_ms = event.event_time_ms if event is not None else news.order_ms
    if erasures.is_erased("person", news.person, time_ms):
        return None
    left = PersonState(news.order_ms, news.order_ms, timer_ms=news.order_ms + ERASED_KEPT_MS)
    left.erased_ms = time_ms
    if state is not None:
        left.sequence, left.erased_ms = state.sequence, max(state.erased_ms, time_ms)
    return left


def is_tombstone(state: PersonState) -> bool:
    """Whether this is what is left of somebody who was erased and has not come back."""
    return not state.parts and state.erased_ms > 0


def revived(state: PersonState, news: SessionNews) -> PersonState:
    """The state of a person who comes back after an erasure: a new one, but for what was left."""
    if not is_tombstone(state):
        return state
    return PersonState(
        news.order_ms, news.order_ms, sequence=state.sequence, timer_ms=state.timer_ms,
        parts=part_of(news.person), erased_ms=state.erased_ms,
    )  # fmt: skip


ROOM: Final = Room("erasure", person={"erased_ms": Kept(larger, "service", split=stays)})
