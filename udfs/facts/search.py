"""Search: queries and filters of the visit, and how items match them."""

from functools import partial
from math import nan
from typing import Final

import numpy as np

from schemas.events import Event
from schemas.limits import SESSION_NAMES_MAX
from schemas.state.session import SessionContext
from udfs.facts.fact import Column, Room, feature, item, session
from udfs.facts.item import matched, numbers
from udfs.facts.keeping import count_first, keep, note_time
from udfs.facts.types import DOUBLE, INT, STRING, STRINGS, TEXTS
from udfs.facts.view import View, bucket
from udfs.items.match_items import covered, filters_met, words
from udfs.items.retrieve_candidates import Retrieved, found_by_query
from udfs.moment import Moment

EVENTS: Final = frozenset({"search_performed", "filter_applied"})


def normal_query(query: str) -> str:
    """A query as it is counted: in lower case, with single blanks."""
    return " ".join(query.lower().split())


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Adds a query or a filter."""
    if event.event_type == "search_performed" and event.query:
        _search(context, normal_query(event.query), event.event_time_ms)
    elif event.event_type == "filter_applied" and event.attribute:
        _filter(context, event.attribute, event.value or "")


def _search(context: SessionContext, query: str, now_ms: int) -> None:
    count_first(context.queries, query)
    if not query:
        return
    if query == context.last_query:
        note_time(context.repeat_ms, now_ms)
    context.last_query = query


def _filter(context: SessionContext, name: str, value: str) -> None:
    context.last_filter = f"{name}={value}"
    count_first(context.filters, context.last_filter)
    context.filter_values.pop(name, None)
    if value:
        keep(context.filter_values, name, value, SESSION_NAMES_MAX)


def searches_of_last_query(m: Moment) -> int:
    """How often the last query was searched for."""
    query = m.context.last_query
    return m.context.queries.get(query, 1) if query else 0


def uses_of_last_filter(m: Moment) -> int:
    """How often the last filter was chosen."""
    last = m.context.last_filter
    return m.context.filters.get(last, 1) if last else 0


def filters_met_by(m: Moment, one: Retrieved) -> float | None:
    """The share of the chosen filters that the item meets."""
    filters = m.context.filter_values
    return filters_met(one.item, filters) if one.item is not None and filters else None


def _query_match(v: View) -> Column:
    asked: frozenset[str] = frozenset().union(*map(words, v.context.queries))
    return matched(v, partial(covered, asked), bool(asked))


def _search_score(v: View) -> Column:
    found = found_by_query(v.moment)
    return nan if not v.event.query else np.array([found.get(one, 0.0) for one in v.ids])


def _filter_match(v: View) -> Column:
    if not v.context.filter_values:
        return nan
    return numbers(v, filters_met_by)


FACTS: Final = (
    session("queries", STRINGS, "queries, in lower case, in the order of their first", lambda m: list(m.context.queries)),
    feature("session_queries", "session", "distinct queries", lambda v: len(v.context.queries)),
    session("last_query", STRING, "the query searched for last, in lower case", lambda m: m.context.last_query or None),
    session("searches_of_last_query", INT, "how often it was searched for", searches_of_last_query),
    session("repeated_searches", INT, "times that a query was searched for again", lambda m: max(m.context.queries.values(), default=1) - 1),
    session("filters", TEXTS, "the value chosen last, by filter", lambda m: m.context.filter_values),
    feature("session_filters", "session", "distinct filters", lambda v: len(v.context.filters)),
    session("last_filter", STRING, "the filter chosen last, as name=value", lambda m: m.context.last_filter or None),
    feature("session_last_filter", "session", "the filter added last, as one of 64 buckets", lambda v: bucket(next(reversed(v.context.filters), None))),
    session("uses_of_last_filter", INT, "how often it was chosen", uses_of_last_filter),
    feature("query_match", "session_item", "share of the words searched for that it has", _query_match),
    feature("search_score", "session_item", "how well it answers the query of this event, from 0 to 1", _search_score),
    item("filters_met", DOUBLE, "share of the chosen filters that its attributes or tags meet", filters_met_by, feature="filter_match", column=_filter_match, version=2),
)  # fmt: skip

ROOM: Final = Room(
    "search", FACTS, on_event=on_event, events=EVENTS,
    visit=("queries", "filters", "last_query", "filter_values", "last_filter", "repeat_ms"),
)  # fmt: skip
