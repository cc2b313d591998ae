"""The session summaries of the demo shop against the published tables of those sessions."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import LATENESS_MS
from schemas.records import LogRecord
from schemas.state.session import SessionNews, SessionState, SessionSummary, Tally
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, read_snowplow
from udfs.knowledge.knowledge import Knowledge
from udfs.track_session import expire_session, track_session

EXPECTED_FILE = Path(__file__).parent / "snowplow_golden_sessions.csv"
NEVER = Tally(0, 0, 0)

Value = int | float | bool | str | None
Times = tuple[int | None, int | None]


@cache
def expected_sessions() -> dict[str, dict[str, str]]:
    with EXPECTED_FILE.open(newline="", encoding="utf-8") as lines:
        return {row["domain_sessionid"]: row for row in csv.DictReader(lines)}


@cache
def shop_events() -> tuple[Event, ...]:
    return tuple(read_snowplow(DEMO_FOLDER, DEMO_APP_IDS).events)


@cache
def summaries() -> dict[str, SessionSummary]:
    """By session id; that each session ends once is a test of its own."""
    return {summary.session_id: summary for summary in ended_sessions()}


@cache
def ended_sessions() -> tuple[SessionSummary, ...]:
    states: dict[str, SessionState] = {}
    news: list[SessionNews] = []
    for offset, event in enumerate(shop_events()):
        result = track_session(
            states.get(event.session_id), record_of(event, offset), EVENT.decode, Knowledge(),
            LATENESS_MS,
        )  # fmt: skip
        assert result.state is not None
        assert result.dead_letters == ()
        states[event.session_id] = result.state
        news.extend(result.news)
    for session_id, state in states.items():
        news.extend(expire_session(state, session_id, state.timer_ms).news)
    return tuple(one.summary for one in news if one.summary is not None)


def record_of(event: Event, offset: int) -> LogRecord:
    value = EVENT.encode(event)
    return LogRecord("events", 0, offset, event.event_time_ms, event.session_id, value)


def tally(summary: SessionSummary, event_type: str) -> Tally:
    return summary.tallies.get(event_type, NEVER)


def count(event_type: str) -> Callable[[SessionSummary], Value]:
    return lambda summary: tally(summary, event_type).count


def first(event_type: str) -> Callable[[SessionSummary], Value]:
    return lambda summary: tally(summary, event_type).first_ms or None


def last(event_type: str) -> Callable[[SessionSummary], Value]:
    return lambda summary: tally(summary, event_type).last_ms or None


def list_views(summary: SessionSummary) -> list[tuple[int, int, int]]:
    named = tally(summary, "page_viewed").named
    return [
        (one.count, one.first_ms, one.last_ms)
        for name, one in named.items()
        if name.startswith("list=")
    ]


def product_views(summary: SessionSummary) -> list[tuple[int, int, int]]:
    """A product's own page and a list that shows it: the package counts both as views."""
    views = tally(summary, "product_viewed")
    own = [(views.count, views.first_ms, views.last_ms)] if views.count else []
    return own + list_views(summary)


def first_step(summary: SessionSummary) -> Times:
    step = tally(summary, "checkout_started").named.get("checkout_step=1")
    return (step.first_ms, step.last_ms) if step else (None, None)


def entered_at_checkout(summary: SessionSummary) -> bool:
    entered = (first("checkout_started")(summary), first("purchase_completed")(summary))
    return summary.started_ms in entered


def unique_steps(summary: SessionSummary) -> int:
    """The order itself is a step of its own, the last one."""
    steps = tally(summary, "checkout_started").named
    return len(steps) + bool(tally(summary, "purchase_completed").count)


COLUMNS: dict[str, Callable[[SessionSummary], Value]] = {
    "domain_userid": lambda s: s.anonymous_id,
    "number_carts_created": lambda s: s.cart_created,
    "number_carts_emptied": lambda s: s.cart_emptied,
    "number_carts_transacted": count("purchase_completed"),
    "first_cart_created": lambda s: s.cart_created_first_ms,
    "last_cart_created": lambda s: s.cart_created_last_ms,
    "first_cart_transacted": first("purchase_completed"),
    "last_cart_transacted": last("purchase_completed"),
    "session_cart_abandoned": lambda s: s.is_cart_abandoned,
    "session_entered_at_checkout": entered_at_checkout,
    "number_unique_checkout_steps_attempted": unique_steps,
    "number_checkout_steps_visited": lambda s: (
        tally(s, "checkout_started").count + tally(s, "purchase_completed").count
    ),
    "checkout_succeeded": lambda s: tally(s, "purchase_completed").count > 0,
    "first_checkout_attempted": lambda s: first_step(s)[0],
    "last_checkout_attempted": lambda s: first_step(s)[1],
    "first_checkout_succeeded": first("purchase_completed"),
    "last_checkout_succeeded": last("purchase_completed"),
    "number_product_views": lambda s: sum(one[0] for one in product_views(s)),
    "first_product_view": lambda s: min((one[1] for one in product_views(s)), default=None),
    "last_product_view": lambda s: max((one[2] for one in product_views(s)), default=None),
    "number_add_to_carts": count("product_added_to_cart"),
    "first_product_add_to_cart": first("product_added_to_cart"),
    "last_product_add_to_cart": last("product_added_to_cart"),
    "number_remove_from_carts": count("product_removed_from_cart"),
    "first_product_remove_from_cart": first("product_removed_from_cart"),
    "last_product_remove_from_cart": last("product_removed_from_cart"),
    "number_product_transactions": count("purchase_completed"),
    "first_product_transaction": first("purchase_completed"),
    "last_product_transaction": last("purchase_completed"),
    "first_transaction_completed": first("purchase_completed"),
    "last_transaction_completed": last("purchase_completed"),
    "total_number_transactions": count("purchase_completed"),
    "total_transaction_revenue": lambda s: round(tally(s, "purchase_completed").amount, 2),
    "total_transaction_quantity": lambda s: tally(s, "purchase_completed").quantity,
    "total_transacted_products": lambda s: tally(s, "purchase_completed").items,
}
"""Each column of the published table that a summary speaks of, too."""

NOT_COMPARED = {
    "domain_sessionid",  # the key
    "session_id2",  # the key again
    "app_id",  # a setting of the importer; an event does not carry it
    "start_tstamp",  # by the collector's clock; our times are those of the events
    "end_tstamp",
    "number_unique_cart_ids",  # no cart of this shop has an id
}


def published(column: str, text: str) -> Value:
    """Empty means that nothing of the kind happened: no time, or none of them."""
    if column.startswith(("first_", "last_")):
        return time_ms(text) if text else None
    if text.lower() in ("", "true", "false"):
        return text.lower() == "true"
    return text if column == "domain_userid" else float(text)


def time_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def totals(*columns: str) -> Iterator[Value]:
    for column in columns:
        values = (COLUMNS[column](summary) for summary in summaries().values())
        yield sum(value for value in values if isinstance(value, int | float))


def test_every_published_session_ends_exactly_once() -> None:
    assert len(shop_events()) == 832
    assert len(ended_sessions()) == 63
    assert summaries().keys() == expected_sessions().keys()


@pytest.mark.parametrize("column", COLUMNS)
def test_every_session_agrees_with_the_published_column(column: str) -> None:
    derived = {name: COLUMNS[column](summary) for name, summary in summaries().items()}
    wanted = {name: published(column, row[column]) for name, row in expected_sessions().items()}
    assert derived == wanted


def test_no_published_column_is_passed_over_in_silence() -> None:
    columns = set(next(iter(expected_sessions().values())))
    assert columns == COLUMNS.keys() | NOT_COMPARED


def test_the_totals_are_the_published_ones() -> None:
    assert list(
        totals(
            "number_product_views",
            "number_add_to_carts",
            "number_remove_from_carts",
            "total_number_transactions",
            "session_cart_abandoned",
        )
    ) == [279, 38, 15, 14, 11]


def test_a_session_lasts_from_its_first_event_to_its_last() -> None:
    """The published times are the collector's, so the events themselves are the measure here."""
    for session_id, summary in summaries().items():
        times = [e.event_time_ms for e in shop_events() if e.session_id == session_id]
        assert (summary.started_ms, summary.ended_ms) == (min(times), max(times))
        assert summary.event_count == len(times)
