"""Intent: what the visit is after, what its words say, how much it struggles (udfs/language/sense_intent.py)."""

from typing import Final

from models.text_intent import TextIntent, read_weights
from schemas.events import Event
from schemas.state.session import SessionContext
from udfs.facts.fact import Room, session
from udfs.facts.search import normal_query
from udfs.facts.types import DOUBLE, STRING
from udfs.language.sense_intent import sense_intent, sense_struggle

EXIT_SIGNS: Final = frozenset({"exit", "exit_intent"})
"""What trackers call the pointer's way to the window's edge, as `value` of a scroll or a click."""

EVENTS: Final = frozenset(
    {"search_performed", "support_message", "page_scrolled", "element_clicked"}
)
_TEXT_INTENT: Final = TextIntent(read_weights())
"""Read at import: on a cluster the code's folder goes with the job's first attempt, the interpreter stays."""


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Understands a query or a message, and notices the way out."""
    if event.event_type == "search_performed":
        _understand(context, normal_query(event.query or ""), event.event_time_ms)
    elif event.event_type == "support_message":
        text = event.properties.get("text") or event.value or event.query
        _understand(context, text or "", event.event_time_ms)
    elif event.event_type in ("page_scrolled", "element_clicked") and (
        event.value in EXIT_SIGNS or event.attribute in EXIT_SIGNS
    ):
        context.exit_ms = event.event_time_ms


def _understand(context: SessionContext, text: str, now_ms: int) -> None:
    if text:
        context.text_intent = _TEXT_INTENT.classify(text).intent
        context.text_ms = now_ms


FACTS: Final = (
    session("intent", STRING, "browsing, comparing, buying, leaving or seeking_help", lambda m: sense_intent(m.context, m.now_ms).intent),
    session("query_intent", STRING, "what the newest query or message is after: price_sensitive, feature_comparing, needs_help, ready_to_buy, returning or other", lambda m: m.context.text_intent or None),
    session(
        "struggle", DOUBLE, "from 0 to 1: quick going back, repeated searches, rage clicks, time on help pages",
        lambda m: sense_struggle(m.context, m.now_ms).level, "session_struggle", version=2,
    ),
)  # fmt: skip

ROOM: Final = Room(
    "intent", FACTS, on_event=on_event, events=EVENTS, visit=("text_intent", "text_ms", "exit_ms")
)
