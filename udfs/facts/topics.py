"""Topics: tags of the items touched, named or skipped in the visit."""

from collections.abc import Collection
from typing import Final

from schemas.events import Event
from schemas.items import Item
from schemas.limits import SESSION_NAMES_MAX, SESSION_TOPICS_MAX, TOPIC_LENGTH_MAX
from schemas.state.session import SessionContext
from udfs.facts.fact import Room, item, session
from udfs.facts.keeping import count
from udfs.facts.reading import most_counted, newest
from udfs.facts.search import normal_query
from udfs.facts.touches import TOUCHES
from udfs.facts.types import BOOL, COUNTS, INT, STRING, STRINGS
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.catalogue import ALL
from udfs.knowledge.category_facts import category_facts, topics_in, topics_of
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment

NO_INTEREST: Final = frozenset({"item_skipped", "product_removed_from_cart"})
"""Touches that say nothing for the topics of their items."""
NAMING: Final = ("topic", "topics")
"""Properties in which a sender names topics itself, separated by commas."""
FAVOURITE_MIN: Final = 2
"""Once may be an accident."""


EVENTS: Final = frozenset({*TOUCHES, "search_performed"})


def on_event(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    """Adds the topics of what is touched (before the touch is: of an item they count once) and named."""
    if event.event_type in TOUCHES:
        _touch(context, event, knowledge)
    if event.event_type == "search_performed":
        query = normal_query(event.query or "")
        if query:
            _name_topics(context, event, query, ALL, knowledge)
    elif event.event_type == "review_read":
        _review(context, event, knowledge)
    elif event.event_type == "item_skipped":
        for item_id in event.item_ids:
            count(context.skipped, item_id, SESSION_NAMES_MAX)


def _touch(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    for place, item_id in enumerate(event.item_ids):
        known = knowledge.item_at(item_id, event.event_time_ms)
        if known is not None and known.tags:
            is_first = item_id not in context.items and item_id not in event.item_ids[:place]
            _add_topics(context, event.event_type, known, by=int(is_first))


def _add_topics(context: SessionContext, event_type: str, known: Item, by: int) -> None:
    if event_type == "item_skipped":
        for topic in topics_of(known.tags):
            count(context.skipped_topics, topic, SESSION_TOPICS_MAX, by)
    elif event_type not in NO_INTEREST:
        for topic in topics_of(known.tags):
            count(context.topics, topic, SESSION_TOPICS_MAX, by)


def _review(context: SessionContext, event: Event, knowledge: Knowledge) -> None:
    texts = (event.value, event.query, event.properties.get("text"))
    text = "\n".join(filter(None, texts))
    category = event.category or _category_of(context, event, knowledge) or ALL
    _name_topics(context, event, text, category, knowledge, event.value or "")


def _category_of(context: SessionContext, event: Event, knowledge: Knowledge) -> str | None:
    """The category of the item that a review is about: of the catalogue, else as the visit knows it."""
    if not event.item_ids:
        return None
    known = knowledge.item_at(event.item_ids[0], event.event_time_ms)
    touch = context.items.get(event.item_ids[0])
    return known.category if known else touch.category if touch else None


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
            count(context.named_topics, topic, SESSION_NAMES_MAX)
            count(context.topics, topic, SESSION_TOPICS_MAX, by=0)


def favourite_topics(m: Moment) -> list[str]:
    """Topics of FAVOURITE_MIN items, or named as often, the newest first."""
    named = m.context.named_topics
    return [
        topic
        for topic, items in reversed(m.context.topics.items())
        if max(items, named.get(topic, 0)) >= FAVOURITE_MIN
    ]


def skipped_topics(m: Moment) -> list[str]:
    """Topics of skipped items that came up in no other way, the newest first."""
    return [one for one in reversed(m.context.skipped_topics) if one not in m.context.topics]


def shared_topics(one: Retrieved, topics: Collection[str]) -> int:
    """How many of the item's tags are among `topics`."""
    if one.item is None or not topics:
        return 0
    return len({*topics_of(one.item.tags)}.intersection(topics))


FACTS: Final = (
    session("topics", STRINGS, "tags of the items touched, and topics named in reviews and queries; in lower case", lambda m: newest(m.context.topics)),
    session("topic_counts", COUNTS, "items that it came with, by topic; 1 where it was only named", lambda m: m.context.topics),
    session("named_topics", STRINGS, "topics that a review or a query named; in lower case", lambda m: newest(m.context.named_topics)),
    session("favourite_topics", STRINGS, "topics of two items or more, or named as often", favourite_topics),
    session("top_topic", STRING, "the topic of most items", lambda m: most_counted(m.context.topics)),
    session("top_topic_count", INT, "how many they are", lambda m: max(m.context.topics.values(), default=0)),
    session("skipped", STRINGS, "ids of the items that were skipped", lambda m: newest(m.context.skipped)),
    session("skipped_topics", STRINGS, "tags of the items skipped, without those that came up otherwise", skipped_topics),
    item("is_skipped", BOOL, "whether it was skipped in this visit", lambda m, one: one.item_id in m.context.skipped),
    item("named_topics", INT, "how many of its tags a review or a query named", lambda m, one: shared_topics(one, m.context.named_topics)),
    item("favourite_topics", INT, "how many of its tags are favourite topics of the visit", lambda m, one: shared_topics(one, favourite_topics(m))),
    item("skipped_topics", INT, "how many of its tags are topics that were skipped", lambda m, one: shared_topics(one, skipped_topics(m))),
)  # fmt: skip

ROOM: Final = Room(
    "topics", FACTS, on_event=on_event, events=EVENTS, visit=("topics", "named_topics", "skipped", "skipped_topics"),
)  # fmt: skip
