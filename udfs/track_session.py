"""The session step: validate, deduplicate, keep order, build the context, tell the person."""

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.dead_letters import dead_letter
from schemas.errors import InvalidEvent, PassedOver
from schemas.events import ERASURE_REQUESTED, NEVER_TOO_LATE, SIGNED_OUT, Event, is_outside_visit
from schemas.limits import (
    DEDUP_MS,
    SESSION_EVENTS_MAX,
    SESSION_GAP_MS,
    TIME_MAX_MS,
)
from schemas.records import LogRecord
from schemas.state.consent import NO_CONSENT, Consent
from schemas.state.session import (
    NewsKind,
    SessionContext,
    SessionNews,
    SessionState,
    SessionSummary,
)
from udfs.facts.consent import says_anew
from udfs.facts.consent import told as told_by
from udfs.facts.rooms import fold_context
from udfs.facts.slate import remember_slate
from udfs.knowledge.knowledge import Knowledge
from udfs.results import Output, Result, SessionResult
from udfs.session.common_currency import in_common_currency
from udfs.session.deduplicate import hash_of, is_seen, remember
from udfs.session.drop_sensitive import masking_at, without_attributes
from udfs.session.erase_session import erase_session, is_erased
from udfs.session.follow_identity import (
    follow_identity,
    is_somebody_else,
    reach_out,
    sign_out,
)
from udfs.session.give_meaning import Meant, give_meaning
from udfs.session.limit_rate import USUAL_RATE, Rate, is_over
from udfs.session.read_event import valid_event
from udfs.session.summarise_session import summarise_session
from udfs.session.tell_profile import tell_profile
from udfs.session.visit_of_history import has_paused
from udfs.session.weigh_link import Linked, weigh_link
from udfs.session.weigh_proof import weigh_proof

ENDS: Final = frozenset({"session_ended", SIGNED_OUT})
"""Events behind which another session begins: who signs in after somebody has signed out gets nothing of theirs."""


class Taken(NamedTuple):
    """Where an event lies in the log and how it was taken, with what its visit said of consent, as its news tells it (schemas/state/session.py)."""

    partition: int = -1
    offset: int = -1
    is_late: bool = False
    uncounted: tuple[str, ...] = ()
    is_over_rate: bool = False
    consent: Consent = NO_CONSENT
    says_anew: bool = True
    awaits: tuple[bytes, ...] = ()
    limits_of: str | None = None
    own_name: str = ""


NO_EVENT: Final = Taken()


def track_session(
    state: SessionState | None,
    record: LogRecord,
    decode: Callable[[bytes], Event],
    knowledge: Knowledge,
    lateness_ms: int,
    rate: Rate = USUAL_RATE,
) -> SessionResult:
    """One record of `events` for the session that is its key.

    The timers that are due at or before the event run first, so it does not matter whether the runner's own timer has already fired.
    """
    try:
        event = without_attributes(valid_event(record, decode), knowledge)
        meant = in_common_currency(give_meaning(event, knowledge), knowledge)
    except PassedOver as passed:
        return _result(state, counts=(passed.counted,))
    except InvalidEvent as error:
        return _refused(_result(state), record, error, knowledge)
    if event.event_type == "clock_ticked":
        return _result(state, counts=("clock_ticks",))
    linked = weigh_link(meant.event, knowledge)
    if is_erased(state, meant.event, knowledge.erasures):
        return _result(state, counts=("erased",))
    before = _expire(state, event)
    try:
        return _take(before, record, meant, linked, knowledge, lateness_ms, rate)
    except InvalidEvent as error:
        return _refused(before, record, error, knowledge)


def expire_session(
    state: SessionState, session_id: str, now_ms: int, log_ms: int | None = None
) -> SessionResult:
    """Runs the timers of a silent session that are due at `now_ms`; `log_ms` is how far the log has come, if further.

    A key is forgotten once it has been silent for DEDUP_MS of the log, not of its own events: history that is
    imported today is old when it comes, and may come again tomorrow. Within that time what is forgotten depends on the
    key's own events alone, so it does not matter when timers fire.
    """
    ended = _end_if_due(state, session_id, now_ms)
    if state.context:
        return ended
    if not state.kept_until_ms:
        reached_ms = max(now_ms, state.newest_ms, min(log_ms or 0, TIME_MAX_MS))
        state.kept_until_ms = reached_ms + DEDUP_MS
    elif now_ms >= state.kept_until_ms:
        return _forgotten(ended)
    return _result(state, ended.outputs, ended.counts)


def _expire(state: SessionState | None, event: Event) -> SessionResult:
    """What is due by an event: the open session ends after its gap, an event of DEDUP_MS later finds a new key."""
    if state is None:
        return Result(None, (), None, ())
    event_ms = event.event_time_ms
    now_ms = max(event_ms, state.timer_ms) if has_paused(state, event) else event_ms
    ended = _end_if_due(state, event.session_id, now_ms)
    is_over = not state.context and event_ms >= state.newest_ms + DEDUP_MS
    return _forgotten(ended) if is_over else ended


def _end_if_due(state: SessionState, session_id: str, now_ms: int) -> SessionResult:
    news: tuple[SessionNews, ...] = ()
    counts: tuple[str, ...] = ()
    if state.context and now_ms >= state.timer_ms:
        closed_ms = state.timer_ms
        news = (_end(state, session_id, closed_ms, closed_ms),)
        state.closed_ms = closed_ms
        counts = ("sessions_ended",)
    return _result(state, news, counts)


def _forgotten(ended: SessionResult) -> SessionResult:
    return Result(None, ended.outputs, None, (*ended.counts, "sessions_forgotten"))


def _take(
    before: SessionResult,
    record: LogRecord,
    meant: Meant,
    linked: Linked,
    knowledge: Knowledge,
    lateness_ms: int,
    rate: Rate,
) -> SessionResult:
    """Takes a valid event; raises InvalidEvent before it has changed anything of a visit."""
    event, time_ms = linked.event, linked.event.event_time_ms
    state = before.state or SessionState(time_ms, 0, event.anonymous_id, event.anonymous_id, 0)
    state.imported_ms = max(state.imported_ms, event.imported_at_ms or 0)
    id_hash = hash_of(event.event_id)
    if is_seen(state.seen, id_hash):
        state.kept_until_ms = 0
        return _result(state, before.outputs, (*before.counts, "duplicates"))
    if event.event_type == ERASURE_REQUESTED:
        return erase_session(before, state, record, event, knowledge.erasures)
    if is_outside_visit(event):
        return tell_profile(before, state, record, event)
    is_late = _is_late(state, event, lateness_ms)
    is_after_timer = not state.context and time_ms < state.closed_ms
    is_anew = is_somebody_else(state, event)
    context = _open(state, event, is_anew) if state.context or not is_late else None
    if is_anew:
        # it ended with its last event, and is known to have ended from this one on
        order_ms = max(state.newest_ms, time_ms)
        ended = _end(state, event.session_id, state.newest_ms, order_ms)
        before = _result(state, (*before.outputs, ended), before.counts)
    state.newest_ms, state.kept_until_ms = max(state.newest_ms, time_ms), 0
    state.seen, is_full = remember(state.seen, id_hash, state.newest_ms)
    weighed, is_over_rate = weigh_proof(state, event), is_over(state, rate)
    taken = Taken(
        record.partition, record.offset, is_late, weighed.uncounted, is_over_rate,
        limits_of=linked.limits_of, own_name=meant.own_name,
    )  # fmt: skip
    news = _tell(state, context, weighed.event, knowledge, taken)
    counts = [
        "events", *["after_timer"] * is_after_timer, *["seen_ids_dropped"] * is_full,
        *meant.counts, *linked.counts, *weighed.counts, *["over_rate"] * is_over_rate,
    ]  # fmt: skip
    return _result(state, before.outputs + news, (*before.counts, *counts))


def _is_late(state: SessionState, event: Event, lateness_ms: int) -> bool:
    """Whether the event lies further behind its session than is waited for; raises InvalidEvent where it is not taken then."""
    behind_ms = state.newest_ms - event.event_time_ms
    is_late = behind_ms > lateness_ms
    if is_late and event.event_type not in NEVER_TOO_LATE:
        why = f"{behind_ms // 1000} s behind the newest of its session"
        raise InvalidEvent("too_late", why, event.event_time_ms)
    return is_late


def _open(state: SessionState, event: Event, is_anew: bool) -> SessionContext:
    """The visit that the event belongs to; raises InvalidEvent where it takes no more."""
    if state.context and not is_anew:
        visit = state.take_visit()
        if visit.event_count >= SESSION_EVENTS_MAX:
            why = f"it has {visit.event_count} events"
            raise InvalidEvent("session_full", why, event.event_time_ms)
        return visit
    state.session_count += 1
    return SessionContext(state.session_count, event.event_time_ms, event.event_time_ms)


def _tell(
    state: SessionState,
    context: SessionContext | None,
    event: Event,
    knowledge: Knowledge,
    taken: Taken,
) -> tuple[Output, ...]:
    """Folds the event into the session and says so to the person it belongs to, behind what is claimed for them."""
    before = context.consent if context is not None else NO_CONSENT
    # whether the session is open is of before the event
    is_open = bool(state.context)
    signs_in, claims = follow_identity(state, event)
    awaits = tuple(one.transfer_id for one in claims)
    told, awaits, is_theirs = reach_out(state, event, awaits, taken.limits_of)
    news: list[SessionNews] = []
    if signs_in and is_open:
        place = Taken(taken.partition, taken.offset, consent=before, awaits=awaits)
        news.append(_news(state, event.session_id, "handover", event=event, taken=place))
        awaits = ()
    state.anonymous_id = event.anonymous_id
    if context is not None:
        fold_context(context, event, knowledge, taken.own_name)
        state.keep_visit(context)
        state.timer_ms = context.last_ms + SESSION_GAP_MS
    said = context.consent if context is not None else told_by(NO_CONSENT, event)
    # to whom the visit belongs from now on all of it is new
    is_new = bool(news) or says_anew(before, said)
    taken = taken._replace(consent=said, says_anew=is_new, awaits=awaits)
    news.append(_news(state, event.session_id, "event", event=event, taken=taken))
    if context is not None and event.candidates:
        remember_slate(context, event)
        state.keep_visit(context)
    if event.event_type in ENDS and context is not None and is_theirs:
        news.append(_end(state, event.session_id, event.event_time_ms, state.newest_ms))
    if event.event_type == SIGNED_OUT and is_theirs:
        sign_out(state, event)
    return *claims, *told, *news


def _end(state: SessionState, session_id: str, closed_ms: int, order_ms: int) -> SessionNews:
    visit = state.take_visit()
    summary = summarise_session(visit, session_id, state.anonymous_id, closed_ms)
    state.context = b""
    taken = Taken(consent=visit.consent)
    return _news(state, session_id, "ended", order_ms=order_ms, summary=summary, taken=taken)


def _news(
    state: SessionState,
    session_id: str,
    kind: NewsKind,
    order_ms: int | None = None,
    event: Event | None = None,
    summary: SessionSummary | None = None,
    taken: Taken = NO_EVENT,
) -> SessionNews:
    state.position += 1
    order = state.newest_ms if order_ms is None else order_ms
    return SessionNews(
        kind, state.person, order, session_id, state.position, event, state.context, summary, taken.is_late,
        taken.partition, taken.offset, taken.uncounted, taken.is_over_rate, taken.consent, taken.says_anew,
        state.is_identified, taken.awaits, own_name=taken.own_name,
    )  # fmt: skip


def _refused(
    before: SessionResult, record: LogRecord, error: InvalidEvent, knowledge: Knowledge
) -> SessionResult:
    masking = masking_at(knowledge, record.timestamp_ms)
    outputs = (*before.outputs, dead_letter(record, error, masking))
    return before._replace(outputs=outputs, counts=(*before.counts, error.reason))


def _result(
    state: SessionState | None,
    outputs: tuple[Output, ...] = (),
    counts: tuple[str, ...] = (),
) -> SessionResult:
    if state is not None and not state.context:
        state.timer_ms = state.kept_until_ms or state.newest_ms + SESSION_GAP_MS
    return Result(state, outputs, state.timer_ms if state else None, counts)
