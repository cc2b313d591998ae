"""What one piece of a session's news teaches: facts, each for one item, category or action."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import chain, islice
from typing import Final, Literal, TypeGuard

from schemas.events import Event
from schemas.knowledge import KEY_SEPARATOR, action_key
from schemas.limits import EXPOSURES_PER_EVENT_MAX, ID_LENGTH_MAX, SESSION_MEMORY_ITEMS
from schemas.proof import is_for_all
from schemas.state.lessons import ActionFact, ItemFact, SessionFact
from schemas.state.session import SessionContext, SessionNews
from udfs.actions.respond import response_context
from udfs.facts.touches import TAKES
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.pieces import MOVES, pieces_taken

LinkKind = Literal["next_items", "seen_with", "bought_with"]

COUNTS: Final = {
    "product_viewed": "views",
    "content_read": "views",
    "element_clicked": "clicks",
    "review_read": "clicks",
    "video_played": "clicks",
    "item_rated": "clicks",
    "search_performed": "clicks",
    "ranking_clicked": "clicks",
    "decision_clicked": "clicks",
    "product_added_to_cart": "carts",
    "purchase_completed": "purchases",
}
"""Event types that count for their items, and as what."""
INTEREST: Final = {"views": 1.0, "clicks": 1.0, "carts": 3.0, "purchases": 5.0}
RESPONSES: Final = {
    "decision_exposed": "exposures",
    "decision_clicked": "clicks",
    "decision_dismissed": "dismissals",
}
"""Event types that count for the action they name (`properties["action_id"]`), and as what."""
SPENT: Final = "spent"
"""Of an exposure that takes from its action's budget and teaches nothing: its person does not agree to analytics."""
NEIGHBOURS: Final = 3
"""Touches before this one that it is linked to."""


def item_facts(news: SessionNews, knowledge: Knowledge) -> Iterator[ItemFact]:
    """What `news` teaches about items that are known, and their categories; its context already holds its event."""
    event = news.event
    if news.kind != "event" or event is None or not (event.item_ids or event.candidates):
        return
    if not is_for_all(event):
        return
    context = news.visit if news.context else None
    uncounted, time_ms = news.uncounted, event.event_time_ms

    def counts(item_id: str) -> bool:
        return item_id not in uncounted and knowledge.is_known(item_id, time_ms)

    facts = chain(_facts(event, context, counts), _pieces(event, knowledge, counts))
    for number, fact in enumerate(facts):
        kind, item_id, count, weight, link, other, category, price = fact
        yield ItemFact(
            kind, item_id, news.order_ms, news.session_id, news.position, number,
            event.event_time_ms, count, weight, link, other, category, price,
        )  # fmt: skip


def action_facts(news: SessionNews) -> Iterator[ActionFact]:
    """What `news` teaches about the action that its event names: everywhere, and where it was shown.

    By event: a session takes no event id twice, so a client that names an exposure after its decision
    counts it once however often it sends it. The context is the session's as of this event. A name that
    is missing, too long or holds KEY_SEPARATOR teaches nothing. A response that names no decision is history:
    it spends nothing of a budget. Whether one that it names was made is looked at next (udfs/take_lessons.py).
    """
    event = news.event
    count = RESPONSES.get(event.event_type) if event is not None else None
    if news.kind != "event" or event is None or count is None or not is_for_all(event):
        return
    spends = event.decision_id is not None
    action_id, placement = named_action(event), event.properties.get("placement")
    if action_id is None:
        return
    yield ActionFact(action_key(action_id), news.order_ms, event.event_time_ms, count, spends)
    if _is_key_part(placement) and news.context:
        context = response_context(news.visit, event.event_time_ms)
        key = action_key(action_id, placement, context)
        yield ActionFact(key, news.order_ms, event.event_time_ms, count, spends)


def named_action(event: Event) -> str | None:
    """The action that a response names; None = none, or a name that cannot be a key."""
    action_id = event.properties.get("action_id")
    return action_id if _is_key_part(action_id) else None


def session_fact(news: SessionNews, knowledge: Knowledge) -> SessionFact | None:
    """The session that `news` says has ended, if it touched items that are known."""
    summary = news.summary
    if news.kind != "ended" or summary is None or not summary.item_ids:
        return None
    ended_ms = summary.ended_ms
    item_ids = tuple(one for one in summary.item_ids if knowledge.is_known(one, ended_ms))
    if not item_ids:
        return None
    name = blake2b(f"{news.session_id}/{summary.number}".encode(), digest_size=12).hexdigest()
    return SessionFact(name, news.order_ms, ended_ms, item_ids)


Fact = tuple[Literal["item", "category"], str, str, float, str, str, str | None, float | None]


def _facts(
    event: Event, context: SessionContext | None, counts: Callable[[str], bool]
) -> Iterator[Fact]:
    for place, one in enumerate(event.candidates[:EXPOSURES_PER_EVENT_MAX]):
        position = place if one.position is None else one.position
        if counts(one.item_id):
            yield from _exposed(one.item_id, None, position)
    if event.event_type == "decision_exposed":
        for place, item_id in enumerate(event.item_ids[:EXPOSURES_PER_EVENT_MAX]):
            if not counts(item_id):
                continue
            yield from _exposed(item_id, _category(item_id, context), place)
    count = COUNTS.get(event.event_type)
    if count is None:
        return
    is_taken = event.event_type in TAKES
    for item_id in filter(counts, event.item_ids):
        touch = context.items.get(item_id) if context else None
        # what a page says is in the touch, as far as it may say it (udfs/facts/touches.py)
        said = None if event.is_unproven else event.category
        category = (touch.category if touch else None) or said
        price = touch.price if touch else event.price
        yield "item", item_id, count, 1.0, "", "", category, price
        if is_taken:
            yield "item", item_id, "taken", 1.0, "", "", category, price
        if _is_name(category):
            yield "category", category, count, 1.0, "", item_id, None, price
            if is_taken:
                yield "category", category, "taken", 1.0, "", item_id, None, None
        if context is not None and len(event.item_ids) == 1:
            yield from _linked(item_id, context, counts)
    if count == "purchases":
        yield from _bought(event, counts)


def _pieces(event: Event, knowledge: Knowledge, counts: Callable[[str], bool]) -> Iterator[Fact]:
    for item_id in filter(counts, event.item_ids if event.event_type in MOVES else ()):
        item = knowledge.item_at(item_id, event.event_time_ms)
        for how, pieces in pieces_taken(event, item):
            yield "item", item_id, how, pieces, "", "", None, None


def _exposed(item_id: str, category: str | None, position: int) -> Iterator[Fact]:
    yield "item", item_id, "exposures", 1.0, "", "", category, None
    yield "item", item_id, "examined", examination(position), "", "", category, None
    if _is_name(category):
        yield "category", category, "exposures", 1.0, "", item_id, None, None
        yield "category", category, "examined", examination(position), "", item_id, None, None


def _is_name(name: str | None) -> TypeGuard[str]:
    """What is as long as a text may stand in an event, but has no record of its own."""
    return bool(name) and len(name or "") <= ID_LENGTH_MAX


def _is_key_part(name: str | None) -> TypeGuard[str]:
    return _is_name(name) and KEY_SEPARATOR not in name


def examination(position: int) -> float:
    """The share of people who look at a place, from 0: the harmonic discount 1 / (1 + position / 4)."""
    return 1.0 / (1.0 + position / 4.0)


def _category(item_id: str, context: SessionContext | None) -> str | None:
    touch = context.items.get(item_id) if context else None
    return touch.category if touch else None


def _linked(item_id: str, context: SessionContext, counts: Callable[[str], bool]) -> Iterator[Fact]:
    """Links with the items touched just before; the touched one is the context's newest."""
    others = (one for one in reversed(context.items) if one != item_id and counts(one))
    before = list(islice(others, NEIGHBOURS))
    for steps, other in enumerate(before, start=1):
        weight = 1.0 / steps
        if steps == 1:
            yield "item", other, "", 1.0, "next_items", item_id, None, None
        yield "item", other, "", weight, "seen_with", item_id, None, None
        yield "item", item_id, "", weight, "seen_with", other, None, None


def _bought(event: Event, counts: Callable[[str], bool]) -> Iterator[Fact]:
    basket = [one for one in event.item_ids[:SESSION_MEMORY_ITEMS] if counts(one)]
    for item_id in basket:
        for other in basket:
            if other != item_id:
                yield "item", item_id, "", 1.0, "bought_with", other, None, None
