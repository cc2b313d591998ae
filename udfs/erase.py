"""The person step where somebody is to be forgotten, or was."""

from schemas.decisions import EVERYWHERE, Decision
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.actions.take_back import purged
from udfs.facts.erasure import began_ms, erased_until_ms, is_erasure, revived, tombstone
from udfs.knowledge.erasures import Erasures
from udfs.results import PersonResult, Result


def erase(state: PersonState | None, news: SessionNews, erasures: Erasures) -> PersonResult:
    """Takes back all that stands, and forgets all; of somebody unknown there is nothing to forget.

    Where no decision stands, one record for EVERYWHERE tells the store, which may hold what came of earlier ones.
    """
    taken_back: tuple[Decision, ...] = ()
    counts: tuple[str, ...] = ()
    if state is not None and (state.parts or not state.erased_ms):
        taken_back = tuple(purged(state, list(state.placed) or [EVERYWHERE], news))
        counts = ("persons_erased", *("decisions_purged",) * len(taken_back))
        if taken_back:
            state.sequence = taken_back[0].sequence
    left = tombstone(state, news, erasures)
    return Result(left, taken_back, left.timer_ms if left is not None else None, counts)


def past_erasure(
    state: PersonState | None, news: SessionNews, erasures: Erasures
) -> tuple[PersonState | None, PersonResult | None, bool]:
    """The state to go on with; the result where the news is an erasure or of before one; and whether something may be decided.

    A visit that began before, on another device, is no ground to decide on: not until it has ended.
    """
    if is_erasure(news):
        return state, erase(state, news, erasures), False
    until_ms = erased_until_ms(state, news, erasures)
    if until_ms < 0:
        return state, None, True
    if began_ms(news) <= until_ms:
        timer_ms = state.timer_ms if state is not None else None
        return state, Result(state, (), timer_ms, ("erased",)), False
    may_decide = news.kind != "event" or (bool(news.context) and news.visit.started_ms > until_ms)
    return (revived(state, news) if state is not None else None), None, may_decide
