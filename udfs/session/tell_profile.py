"""What is told of a person outside any visit: a row of a CRM or a warehouse, with the time since when it holds."""

from schemas.events import Event
from schemas.limits import SESSION_GAP_MS
from schemas.records import LogRecord
from schemas.state.consent import NO_CONSENT
from schemas.state.session import SessionNews, SessionState
from udfs.facts.consent import told
from udfs.results import Result, SessionResult
from udfs.session.deduplicate import hash_of, remember


def tell_profile(
    before: SessionResult, state: SessionState, record: LogRecord, event: Event
) -> SessionResult:
    """Tells the person whom the event names, however late: of each fact what was said last holds (udfs/facts/statements.py).

    No visit begins or goes on, and nobody signs in: the session is kept only to know what was told before.
    """
    assert event.person_id is not None
    state.newest_ms, state.kept_until_ms = max(state.newest_ms, event.event_time_ms), 0
    state.seen, is_full = remember(state.seen, hash_of(event.event_id), state.newest_ms)
    state.position += 1
    if not state.context:
        state.timer_ms = state.newest_ms + SESSION_GAP_MS
    news = SessionNews(
        "event", event.person_id, state.newest_ms, event.session_id, state.position, event, b"",
        partition=record.partition, offset=record.offset, consent=told(NO_CONSENT, event), is_member=True,
    )  # fmt: skip
    counts = ("events", *["seen_ids_dropped"] * is_full)
    return Result(state, (*before.outputs, news), state.timer_ms, (*before.counts, *counts))
