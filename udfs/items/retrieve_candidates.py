"""Which items could be offered: a bounded list from several sources, each naming itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from models.vectors import ItemVectors
from schemas.events import Candidate, Event
from schemas.items import Item
from schemas.knowledge import ItemKnowledge
from schemas.limits import RETRIEVED_MAX
from schemas.state.session import ItemTouch, SessionContext
from udfs.draw import draw_each
from udfs.items.find_alike import find_alike
from udfs.items.match_items import likeness
from udfs.knowledge.item_statistics import ALL
from udfs.language.render_texts import language_of
from udfs.moment import Moment
from udfs.session.follow_session import Leads, top

SHARES: Final = (
    ("search", 0.60),
    ("recently_viewed", 0.20),
    ("nearest_sessions", 0.35),
    ("alike", 0.10),
    ("viewed_next", 0.10),
    ("viewed_together", 0.05),
    ("bought_together", 0.04),
    ("viewed_before", 0.04),
    ("trending_category", 0.04),
    ("similar", 0.04),
    ("new", 0.02),
    ("trending", 0.04),
    ("search", 1.0),
    ("nearest_sessions", 1.0),
    ("alike", 1.0),
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
LAST_SLATE: Final = "last_slate"
"""The source of a candidate that no other has found, and that was in the list before."""
KEPT_SHARE: Final = 3
"""At most one in so many candidates is such a one."""


NONE_WANTED: Final[Mapping[str, str]] = {}
NOTHING_FOUND: Final[Mapping[str, float]] = {}
ENGLISH: Final = "en"


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
    moment: Moment,
    leads: Leads,
    count: int = RETRIEVED_MAX,
    wanted: Mapping[str, str] = NONE_WANTED,
    before: Sequence[str] = (),
    vectors: ItemVectors | None = None,
) -> list[Retrieved]:
    """The caller's own candidates where it handed in a list, were it empty, else at most `count` of ours.

    `wanted` are items that rules ask for, with their source; they come first and count; those of a list `before` that nothing finds any more come last, in the places of
    what was found last. Each item comes once, from the first source that found it. A source that finds little leaves its
    places to the others, the last of which is the catalogue's newest: nobody gets an empty list where
    the engine knows any item. Of our own only items that are known (`Knowledge.is_known`) are offered.
    """
    event, is_known, now_ms = moment.event, moment.knowledge.is_known, moment.now_ms
    if event.candidates or event.has_no_candidates:
        return _looked_up(_given(event), moment)
    asked_for = ((one, source) for one, source in wanted.items() if is_known(one, now_ms))
    found = dict(islice(asked_for, count))
    sources = _sources(moment, leads, vectors)
    for source, share in SHARES:
        left = min(count - len(found), max(1, round(share * count)))
        for item_id in sources[source] if left else ():
            if item_id not in found and is_known(item_id, now_ms):
                found[item_id] = source
                left -= 1
                if not left:
                    break
    if before:
        _keep(found, [one for one in before if is_known(one, now_ms)], count)
    named = ((item_id, source, None) for item_id, source in found.items())
    return _looked_up(named, moment)


def _keep(found: dict[str, str], before: Sequence[str], count: int) -> None:
    """Adds those that are not found, at most one in KEPT_SHARE of `count`."""
    lost = [one for one in before if one not in found][: count // KEPT_SHARE]
    for item_id in [one for one in reversed(found) if one not in before]:
        if len(found) + len(lost) <= count:
            break
        del found[item_id]
    found.update(dict.fromkeys(lost[: count - len(found)], LAST_SLATE))


def category_of_interest(context: SessionContext) -> str | None:
    """The category of the item that was touched last, as far as it is known."""
    for touch in reversed(context.items.values()):
        if touch.category:
            return touch.category
    return None


def category_of_event(moment: Moment) -> str | None:
    """The category of the item that the event names first, else the one that it names itself."""
    event = moment.event
    item = moment.item(event.item_ids[0]) if event.item_ids else None
    return (item.category if item is not None else None) or event.category


def category_in_mind(moment: Moment) -> str | None:
    """That of interest; where nothing was touched that has one, the event's own."""
    return category_of_interest(moment.context) or category_of_event(moment)


def found_by_query(moment: Moment) -> Mapping[str, float]:
    """Of each item that the event's query finds how well it answers, the best first; nothing without a query."""
    event, in_force = moment.event, moment.known.policy
    if not event.query:
        return NOTHING_FOUND
    usual = in_force.policy.language if in_force is not None else ENGLISH
    language = language_of(event, usual)
    return moment.knowledge.catalogue.search(event.query, language, moment.now_ms)


class Looked(NamedTuple):
    """What sources look at: a moment, where it leads, the category that it is about, and the vectors of items, where any were learnt."""

    moment: Moment
    leads: Leads
    category: str | None
    vectors: ItemVectors | None = None


Find = Callable[[Looked], Iterable[str]]


def _trending(one: Looked, category: str | None) -> Iterable[str]:
    moment = one.moment
    if category is None:
        return ()
    return moment.knowledge.statistics.trending(category, moment.known.epoch)


def _similar(one: Looked) -> Iterable[str]:
    """Items of the category, those most like the one touched last first."""
    moment, category = one.moment, one.category
    last = moment.item(next(reversed(moment.context.items), None)) if category else None
    if last is None or category is None:
        return ()
    catalogue, now_ms = moment.knowledge.catalogue, moment.now_ms

    def found() -> list[str]:
        members = catalogue.newest_of(category, LOOKED_AT_MAX, now_ms)
        alike = [(-likeness(last, item), item.item_id) for item in members if item is not last]
        return [item_id for degree, item_id in sorted(alike) if degree < 0.0]

    return catalogue.settled(("similar", last.item_id, category), now_ms, found)


def _new(one: Looked) -> Iterable[str]:
    """Newcomers of the category (or of all) in an order drawn for this event: each gets its chance."""
    moment = one.moment
    catalogue = moment.knowledge.catalogue
    members = catalogue.newest_of(one.category or ALL, NEWCOMERS_MAX, moment.now_ms)
    ids = [item.item_id for item in members]
    drawn = draw_each(ids, "new", moment.event.event_id)
    return [item_id for _, item_id in sorted(zip(drawn, ids, strict=True))]


def _catalogue(one: Looked) -> Iterable[str]:
    newest = one.moment.knowledge.catalogue.newest(ALL, one.moment.now_ms)
    return (item.item_id for item in newest)


SOURCES: Final[Mapping[str, Find]] = {
    "search": lambda one: found_by_query(one.moment),
    "recently_viewed": lambda one: reversed(one.moment.context.items),
    "nearest_sessions": lambda one: one.leads.nearest(RETRIEVED_MAX),
    "alike": lambda one: find_alike(one.moment, one.vectors),
    "viewed_next": lambda one: top(one.leads.next_few, RETRIEVED_MAX),
    "viewed_together": lambda one: top(one.leads.seen_few, RETRIEVED_MAX),
    "bought_together": lambda one: top(one.leads.bought, RETRIEVED_MAX),
    "viewed_before": lambda one: reversed(one.moment.state.recent_items),
    "trending_category": lambda one: _trending(one, one.category),
    "similar": _similar,
    "new": _new,
    "trending": lambda one: _trending(one, ALL),
    "catalogue": _catalogue,
}
"""Each source's items, best first."""


def _sources(moment: Moment, leads: Leads, vectors: ItemVectors | None) -> dict[str, Iterator[str]]:
    """They are found only when the first of them is asked for, and go on where they were left."""
    looked = Looked(moment, leads, category_in_mind(moment), vectors)
    return {name: _later(find, looked) for name, find in SOURCES.items()}


def _later(find: Find, looked: Looked) -> Iterator[str]:
    yield from find(looked)


def _given(event: Event) -> Iterator[tuple[str, str, Candidate]]:
    given: dict[str, Candidate] = {}
    for one in event.candidates:
        given.setdefault(one.item_id, one)  # given twice: the first counts
    return ((item_id, "caller", one) for item_id, one in given.items())


def _looked_up(
    found: Iterable[tuple[str, str, Candidate | None]], moment: Moment
) -> list[Retrieved]:
    """Each item id, its source and what the caller said of it, with all that is known of the item."""
    catalogue, now_ms, epoch = moment.knowledge.catalogue, moment.now_ms, moment.known.epoch
    item_at, is_gone, learnt_of = catalogue.at, catalogue.is_gone, moment.knowledge.statistics.item
    candidates = []
    for item_id, source, given in found:
        item, learnt = item_at(item_id, now_ms), learnt_of(item_id, epoch)
        gone = item is None and is_gone(item_id, now_ms)
        candidates.append(Retrieved(item_id, source, item, learnt, given, gone))
    return candidates
