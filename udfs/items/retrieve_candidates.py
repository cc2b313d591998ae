"""Which items could be offered: a bounded list from several sources, each naming itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from schemas.events import Candidate, Event
from schemas.items import Item
from schemas.knowledge import ItemKnowledge
from schemas.limits import RETRIEVED_MAX
from schemas.state.person import PersonState
from schemas.state.session import ItemTouch, SessionContext
from udfs.draw import draw
from udfs.items.match_items import likeness
from udfs.knowledge.item_statistics import ALL
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.session.follow_session import Leads, top

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


NONE_WANTED: Final[Mapping[str, str]] = {}


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


def price_of(candidate: Retrieved, touch: ItemTouch | None) -> float | None:
    """As the caller says it; else of the catalogue, of the session (`touch`), of the stream."""
    for one in (candidate.given, candidate.item, touch, candidate.learnt):
        if one is not None and one.price is not None:
            return one.price
    return None


def retrieve_candidates(
    state: PersonState,
    context: SessionContext,
    event: Event,
    leads: Leads,
    knowledge: Knowledge,
    known: Known,
    count: int = RETRIEVED_MAX,
    wanted: Mapping[str, str] = NONE_WANTED,
) -> list[Retrieved]:
    """The caller's own candidates where it handed in a list, were it empty, else at most `count` of ours.

    `wanted` are items that rules ask for, with their source; they come first and count. Each item comes once, from the first source that found it. A source that finds little leaves its
    places to the others, the last of which is the catalogue's newest: nobody gets an empty list where
    the engine knows any item. Of our own only items that are known (`Knowledge.is_known`) are offered.
    """
    now_ms = event.event_time_ms
    if event.candidates or event.has_no_candidates:
        return _looked_up(_given(event), knowledge, known, now_ms)
    sources = _sources(state, context, event, leads, knowledge, known)
    asked_for = ((one, source) for one, source in wanted.items() if knowledge.is_known(one, now_ms))
    found = dict(islice(asked_for, count))
    for source, share in SHARES:
        left = min(count - len(found), max(1, round(share * count)))
        for item_id in sources[source] if left else ():
            if item_id not in found and knowledge.is_known(item_id, now_ms):
                found[item_id] = source
                left -= 1
                if not left:
                    break
    named = ((item_id, source, None) for item_id, source in found.items())
    return _looked_up(named, knowledge, known, now_ms)


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
) -> dict[str, Iterator[str]]:
    """Each source's items, best first; they are found only when the first of them is asked for."""
    now_ms, statistics, epoch = event.event_time_ms, knowledge.statistics, known.epoch
    category = category_of_interest(context)
    return {
        "recently_viewed": reversed(context.items),
        "nearest_sessions": _later(lambda: leads.nearest(RETRIEVED_MAX)),
        "viewed_next": _later(lambda: top(leads.next_few, RETRIEVED_MAX)),
        "viewed_together": _later(lambda: top(leads.seen_few, RETRIEVED_MAX)),
        "bought_together": _later(lambda: top(leads.bought, RETRIEVED_MAX)),
        "viewed_before": reversed(state.recent_items),
        "trending_category": statistics.trending(category, epoch) if category else iter(()),
        "similar": _later(
            lambda: _similar(context, category, knowledge, now_ms) if category else ()
        ),
        "new": _later(lambda: _new(event, category, knowledge, now_ms)),
        "trending": statistics.trending(ALL, epoch),
        "catalogue": (item.item_id for item in knowledge.catalogue.newest(ALL, now_ms)),
    }


def _later(find: Callable[[], Iterable[str]]) -> Iterator[str]:
    """What `find` finds; it is called when the first item is asked for, and only once."""
    yield from find()


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


def _given(event: Event) -> Iterator[tuple[str, str, Candidate]]:
    given: dict[str, Candidate] = {}
    for one in event.candidates:
        given.setdefault(one.item_id, one)  # given twice: the first counts
    return ((item_id, "caller", one) for item_id, one in given.items())


def _looked_up(
    found: Iterable[tuple[str, str, Candidate | None]],
    knowledge: Knowledge,
    known: Known,
    now_ms: int,
) -> list[Retrieved]:
    """Each item id, its source and what the caller said of it, with all that is known of the item."""
    item_at, is_gone = knowledge.catalogue.at, knowledge.catalogue.is_gone
    learnt_of, epoch = knowledge.statistics.item, known.epoch
    candidates = []
    for item_id, source, given in found:
        item, learnt = item_at(item_id, now_ms), learnt_of(item_id, epoch)
        gone = item is None and is_gone(item_id, now_ms)
        candidates.append(Retrieved(item_id, source, item, learnt, given, gone))
    return candidates
