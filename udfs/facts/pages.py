"""Pages: which one is open, going back, clicks on them, and time on help pages."""

from typing import Final

from schemas.events import Event
from schemas.limits import SESSION_NAMES_MAX
from schemas.state.session import SessionContext
from udfs.facts.fact import Room, session
from udfs.facts.keeping import count, note_time
from udfs.facts.reading import newest, seconds_since
from udfs.facts.types import DOUBLE, INT, STRING, STRINGS
from udfs.language.sense_intent import help_s

RAGE_CLICKS: Final = 3
RAGE_MS: Final = 2_000
PAGES_KEPT: Final = 3

OPENS_A_PAGE: Final = frozenset(
    {
        "page_viewed", "product_viewed", "content_read", "search_performed", "cart_viewed",
        "checkout_started", "purchase_completed", "help_viewed", "session_ended",
    }
)  # fmt: skip
"""These end the time on what was looked at before."""


EVENTS: Final = OPENS_A_PAGE | {"element_clicked"}


def leaves_page(context: SessionContext, event: Event) -> bool:
    """Whether the event opens another page than is open; trackers send a view for each list on a product's page."""
    if event.event_type not in OPENS_A_PAGE:
        return False
    is_view = event.event_type == "page_viewed" and event.page is not None
    return not (is_view and context.pages[-1:] == [event.page])


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Opens a page, goes back, clicks, or looks for help."""
    if leaves_page(context, event):
        _leave_help(context, event)
    if event.page is not None and event.event_type in OPENS_A_PAGE:
        _visit(context, event.page, event.event_time_ms)
    if event.event_type == "element_clicked":
        _click(context, event)
    elif event.event_type == "help_viewed":
        _help(context, event)


def _leave_help(context: SessionContext, event: Event) -> None:
    now_ms = event.event_time_ms
    if context.help_since_ms is not None:
        context.help_ms += max(0, now_ms - context.help_since_ms)
    context.help_since_ms = now_ms if event.event_type == "help_viewed" else None


def _visit(context: SessionContext, page: str, now_ms: int) -> None:
    pages = context.pages
    if pages and pages[-1] == page:
        context.page_opens += 1
        return
    if len(pages) > 1 and pages[-2] == page:
        context.back_navigations += 1
        note_time(context.back_ms, now_ms)
    context.page_since_ms = now_ms
    context.page_opens = 1
    pages.append(page)
    del pages[:-PAGES_KEPT]


def _click(context: SessionContext, event: Event) -> None:
    element = event.value or event.attribute or event.page or ""
    if element != context.clicked:
        context.clicked = element
        context.clicked_ms = []
    now_ms = event.event_time_ms
    context.clicked_ms = [ms for ms in context.clicked_ms if now_ms - ms <= RAGE_MS] + [now_ms]
    if len(context.clicked_ms) >= RAGE_CLICKS:
        context.rage_clicks += 1
        note_time(context.rage_ms, now_ms)
        context.clicked_ms = []


def _help(context: SessionContext, event: Event) -> None:
    page = event.page or event.value or event.attribute
    if page:
        count(context.help_pages, page.lower(), SESSION_NAMES_MAX)
    if event.value:
        count(context.help_topics, event.value.lower(), SESSION_NAMES_MAX)


FACTS: Final = (
    session("page", STRING, "the page that is open", lambda m: m.context.pages[-1] if m.context.pages else None),
    session("page_s", DOUBLE, "seconds since it was opened", lambda m: seconds_since(m, m.context.page_since_ms)),
    session("page_opens", INT, "times it was opened in a row", lambda m: m.context.page_opens),
    session("last_clicked", STRING, "the thing on a page that was clicked last", lambda m: m.context.clicked or None),
    session("help_pages", STRINGS, "addresses (else titles) of the help pages opened, in lower case", lambda m: newest(m.context.help_pages)),
    session("help_topics", STRINGS, "titles of the help pages opened, in lower case", lambda m: newest(m.context.help_topics)),
    session("help_s", DOUBLE, "seconds on help pages, with the one that is open", lambda m: help_s(m.context, m.now_ms), "session_help", version=2),
    session("back_navigations", INT, "times of going back to the page before", lambda m: m.context.back_navigations),
    session("rage_clicks", INT, "series of three quick clicks on one thing", lambda m: m.context.rage_clicks),
)  # fmt: skip

ROOM: Final = Room(
    "pages", FACTS, on_event=on_event, events=EVENTS,
    visit=(
        "pages", "back_navigations", "rage_clicks", "clicked", "clicked_ms", "help_ms", "help_since_ms",
        "page_since_ms", "page_opens", "help_pages", "help_topics", "back_ms", "rage_ms",
    ),
)  # fmt: skip
