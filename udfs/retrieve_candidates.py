"""Which items could be offered: a bounded list from several sources, each naming itself."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from schemas.events import Candidate, Event
from schemas.items import Item
from schemas.knowledge import ItemKnowledge
from schemas.limits import RETRIEVED_MAX
from schemas.person import PersonState
from schemas.session import SessionContext
from udfs.draw import draw
from udfs.follow_session import Leads, top
from udfs.item_statistics import ALL
from udfs.knowledge import Knowledge, Known
from udfs.match_items import likeness

SHARES: Final = (
    ("recently_viewed", 0.20),
    ("nearest_sessions", 0.35),
    ("viewed_next", 0.10),
    ("viewed_together", 0.05),
    ("bought_together", 0.04),
    ("viewed_before", 0.04),
    ("trending_category", 0.04),
    ("similar", 0.04),
    ("new", 0.02),
    ("trending", 0.04),
    ("nearest_sessions", 1.0),
    ("viewed_together", 1.0),
    ("viewed_next", 1.0),
    ("trending_category", 1.0),
    ("trending", 1.0),
    ("catalogue", 1.0),
)
"""How much of the places each source may fill, in this order; then again, as long as there is room."""
LOOKED_AT_MAX: Final = 40
"""Members of a category that are compared for likeness, the newest ones."""
NEWCOMERS_MAX: Final = 12
"""The newest items, of which the places for newcomers are drawn."""


class Retrieved(NamedTuple):
    """A candidate: `item` None = not in the catalogue, or `is_gone` from it.

    `given` is what the caller said of it, `learnt` what the stream knows of it.
    """

    item_id: str
    source: str
    item: Item | None
    learnt: ItemKnowledge | None
    given: Candidate | None = None
    is_gone: bool = False


def retrieve_candidates(
    state: PersonState,
    context: SessionContext,
    event: Event,
    leads: Leads,
    knowledge: Knowledge,
    known: Known,
    count: int = RETRIEVED_MAX,
) -> list[Retrieved]:
    """The caller's own candidates where it handed some in, else at most `count` of ours.

    Each item comes once, from the first source that found it. A source that finds little leaves its
    places to the others, the last of which is the catalogue's newest: nobody gets an empty list where
    the engine knows any item.
    """
    now_ms = event.event_time_ms
    if event.candidates:
        return _given(event, knowledge, known)
    sources = _sources(state, context, event, leads, knowledge, known)
    found: dict[str, str] = {}
    for source, share in SHARES:
        left = min(count - len(found), max(1, round(share * count)))
        for item_id in sources[source] if left else ():
            if item_id not in found:
                found[item_id] = source
                left -= 1
                if not left:
                    break
    return [
        _named(item_id, source, None, knowledge, known, now_ms) for item_id, source in found.items()
    ]


def category_of_interest(context: SessionContext) -> str | None:
    """The category of the item that was touched last, as far as it is known."""
    for touch in reversed(context.items.values()):
        if touch.category:
            return touch.category
    return None


def _sources(
    state: PersonState,
    context: SessionContext,
    event: Event,
    leads: Leads,
    knowledge: Knowledge,
    known: Known,
) -> dict[str, Iterable[str]]:
    """Each source's items, best first; iterators are made only as far as they are asked for."""
    now_ms, statistics, epoch = event.event_time_ms, knowledge.statistics, known.epoch
    category = category_of_interest(context)
    return {
        "recently_viewed": reversed(context.items),
        "nearest_sessions": leads.nearest(RETRIEVED_MAX),
        "viewed_next": top(leads.next_few, RETRIEVED_MAX),
        "viewed_together": top(leads.seen_few, RETRIEVED_MAX),
        "bought_together": top(leads.bought, RETRIEVED_MAX),
        "viewed_before": reversed(state.recent_items),
        "trending_category": statistics.trending(category, epoch) if category else (),
        "similar": _similar(context, category, knowledge, now_ms) if category else (),
        "new": _new(event, category, knowledge, now_ms),
        "trending": statistics.trending(ALL, epoch),
        "catalogue": (item.item_id for item in knowledge.catalogue.newest(ALL, now_ms)),
    }


def _similar(
    context: SessionContext, category: str, knowledge: Knowledge, now_ms: int
) -> list[str]:
    """Items of the category, those most like the one touched last first."""
    last = knowledge.item_at(next(reversed(context.items)), now_ms) if context.items else None
    if last is None:
        return []
    members = _first(knowledge.catalogue.newest(category, now_ms), LOOKED_AT_MAX)
    alike = [(-likeness(last, item), item.item_id) for item in members if item is not last]
    return [item_id for degree, item_id in sorted(alike) if degree < 0.0]


def _new(event: Event, category: str | None, knowledge: Knowledge, now_ms: int) -> list[str]:
    """Newcomers of the category (or of all) in an order drawn for this event: each gets its chance."""
    members = _first(knowledge.catalogue.newest(category or ALL, now_ms), NEWCOMERS_MAX)
    drawn = [(draw("new", event.event_id, item.item_id), item.item_id) for item in members]
    return [item_id for _, item_id in sorted(drawn)]


def _first(items: Iterator[Item], count: int) -> list[Item]:
    return [item for item, _ in zip(items, range(count), strict=False)]


def _given(event: Event, knowledge: Knowledge, known: Known) -> list[Retrieved]:
    given: dict[str, Candidate] = {}
    for one in event.candidates:
        given.setdefault(one.item_id, one)  # given twice: the first counts
    return [
        _named(item_id, "caller", one, knowledge, known, event.event_time_ms)
        for item_id, one in given.items()
    ]


def _named(
    item_id: str,
    source: str,
    given: Candidate | None,
    knowledge: Knowledge,
    known: Known,
    now_ms: int,
) -> Retrieved:
    item = knowledge.item_at(item_id, now_ms)
    is_gone = item is None and knowledge.catalogue.is_gone(item_id, now_ms)
    learnt = knowledge.statistics.item(item_id, known.epoch)
    return Retrieved(item_id, source, item, learnt, given, is_gone)
