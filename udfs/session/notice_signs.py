"""What an event says of a session beyond counts: topics, texts, filters, help, features, statements."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from models.text_intent import TextIntent, read_weights
from schemas.events import Event
from schemas.items import Item
from schemas.limits import (
    FEATURES_MAX,
    SESSION_NAMES_MAX,
    SESSION_TIMES_MAX,
    SESSION_TOPICS_MAX,
    STATEMENT_LENGTH_MAX,
    STATEMENTS_MAX,
    TOPIC_LENGTH_MAX,
)
from schemas.state.session import SessionContext
from udfs.knowledge.catalogue import ALL
from udfs.knowledge.category_facts import category_facts, topics_in, topics_of
from udfs.knowledge.knowledge import Knowledge

EXIT_SIGNS: Final = frozenset({"exit", "exit_intent"})
"""What trackers call the pointer's way to the window's edge, as `value` of a scroll or a click."""
NO_INTEREST: Final = frozenset({"item_skipped", "product_removed_from_cart"})
"""Touches that say nothing for the topics of their items."""
NAMING: Final = ("topic", "topics")
"""Properties in which a sender names topics itself, separated by commas."""

_TEXT_INTENT: Final = TextIntent(read_weights())
"""Read at import: on a cluster the code's folder goes with the job's first attempt, the interpreter stays."""

V = TypeVar("V")


def notice_signs(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    """Adds what the event says to `context`, in place; most types say nothing more."""
    notice = _NOTICES.get(event.event_type)
    if notice is not None:
        notice(context, event, knowledge)


def notice_topics(context: SessionContext, event: Event, item: Item, is_first: bool) -> None:
    """Adds the topics of a touched item; `is_first`: it was not touched in this session before."""
    topics = topics_of(item.tags)
    if event.event_type == "item_skipped":
        for topic in topics:
            _count(context.skipped_topics, topic, SESSION_TOPICS_MAX, by=int(is_first))
    elif event.event_type not in NO_INTEREST:
        for topic in topics:
            _count(context.topics, topic, SESSION_TOPICS_MAX, by=int(is_first))


def notice_time(times: list[int], now_ms: int) -> None:
    """Adds a time; the newest SESSION_TIMES_MAX stay."""
    times.append(now_ms)
    del times[:-SESSION_TIMES_MAX]


def state_facts(facts: dict[str, str], told: Iterable[tuple[str | None, str | None]]) -> None:
    """Sets facts by name, cut to their bounds; an empty value takes the fact back."""
    for name, value in told:
        if name and value is not None and len(name) <= TOPIC_LENGTH_MAX:
            facts.pop(name, None)
            if value:
                _keep(facts, name, value[:STATEMENT_LENGTH_MAX], STATEMENTS_MAX)


def facts_told(event: Event) -> list[tuple[str | None, str | None]]:
    """Every fact of a `profile_updated` or `preference_stated`: attribute and value, and the properties."""
    return [*event.properties.items(), (event.attribute, event.value)]


def count_feature(features: dict[str, int], event: Event) -> None:
    """Counts the feature that the event names, as `attribute` or else as `value`."""
    feature = event.attribute or event.value
    if feature and len(feature) <= TOPIC_LENGTH_MAX:
        _count(features, feature, FEATURES_MAX)


def merge_counts(features: dict[str, int], others: Mapping[str, int]) -> None:
    """Adds the counts of another's features."""
    for feature, count in others.items():
        _count(features, feature, FEATURES_MAX, by=count)


def normal_query(query: str) -> str:
    """A query as it is counted: in lower case, with single blanks."""
    return " ".join(query.lower().split())


def _search(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    query = normal_query(event.query or "")
    if not query:
        return
    if query == context.last_query:
        notice_time(context.repeat_ms, event.event_time_ms)
    context.last_query = query
    _understand(context, query, event.event_time_ms)
    _name_topics(context, event, query, ALL, knowledge)


def _message(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    text = event.properties.get("text") or event.value or event.query
    if text:
        _understand(context, text, event.event_time_ms)


def _understand(context: SessionContext, text: str, now_ms: int) -> None:
    context.text_intent = _TEXT_INTENT.classify(text).intent
    context.text_ms = now_ms


def _review(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    touch = context.items.get(event.item_ids[0]) if event.item_ids else None
    category = event.category or (touch.category if touch else None) or ALL
    texts = (event.value, event.query, event.properties.get("text"))
    text = "\n".join(filter(None, texts))
    _name_topics(context, event, text, category, knowledge, event.value or "")


def _name_topics(
    context: SessionContext,
    event: Event,
    text: str,
    category: str,
    knowledge: Knowledge,
    told: str = "",
) -> None:
    """Counts each topic that the sender names (`told`, or by NAMING) or that is a tag which stands in the text."""
    facts = category_facts(knowledge.catalogue, category, event.event_time_ms)
    named = [told, *(one for name in NAMING for one in event.properties.get(name, "").split(","))]
    topics = [one.strip().lower() for one in named[:SESSION_NAMES_MAX]]
    for topic in dict.fromkeys([*topics_in(text, facts), *topics]):
        if 0 < len(topic) <= TOPIC_LENGTH_MAX:
            _count(context.named_topics, topic, SESSION_NAMES_MAX)
            _count(context.topics, topic, SESSION_TOPICS_MAX, by=0)


def _filter(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    if not event.attribute:
        return
    context.last_filter = f"{event.attribute}={event.value or ''}"
    context.filter_values.pop(event.attribute, None)
    if event.value:
        _keep(context.filter_values, event.attribute, event.value, SESSION_NAMES_MAX)


def _help(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    page = event.page or event.value or event.attribute
    if page:
        _count(context.help_pages, page.lower(), SESSION_NAMES_MAX)
    if event.value:
        _count(context.help_topics, event.value.lower(), SESSION_NAMES_MAX)


def _skip(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    for item_id in event.item_ids:
        _count(context.skipped, item_id, SESSION_NAMES_MAX)


def _open_feature(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    count_feature(context.features_opened, event)


def _activate_feature(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    count_feature(context.features_activated, event)


def _state(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    state_facts(context.statements, facts_told(event))


def _prefer(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    state_facts(context.preferences, facts_told(event))


def _turn_away(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    if event.value in EXIT_SIGNS or event.attribute in EXIT_SIGNS:
        context.exit_ms = event.event_time_ms


_NOTICES: Final[dict[str, Callable[[SessionContext, Event, Knowledge], None]]] = {
    "search_performed": _search,
    "support_message": _message,
    "review_read": _review,
    "filter_applied": _filter,
    "help_viewed": _help,
    "item_skipped": _skip,
    "feature_opened": _open_feature,
    "feature_activated": _activate_feature,
    "profile_updated": _state,
    "preference_stated": _prefer,
    "page_scrolled": _turn_away,
    "element_clicked": _turn_away,
}


def _count(counts: dict[str, int], name: str, kept: int, by: int = 1) -> None:
    """Counts `name` and makes it the newest; it counts once at least."""
    _keep(counts, name, max(1, counts.pop(name, 0) + by), kept)


def _keep(entries: dict[str, V], name: str, value: V, kept: int) -> None:
    """Sets an entry that is not there, as the newest; at the bound the oldest goes."""
    entries[name] = value
    if len(entries) > kept:
        del entries[next(iter(entries))]
