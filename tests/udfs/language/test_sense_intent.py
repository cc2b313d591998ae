"""Intent and struggle of a session, rule by rule, each with its counter-case."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENT_TYPES
from schemas.limits import MINUTE_MS, SECOND_MS
from schemas.state.session import SessionContext
from tests.builders import NOON, make_event, make_knowledge
from udfs.facts.rooms import fold_context
from udfs.language.sense_intent import (
    AWAY_MS,
    FRESH_MS,
    INTENTS,
    SIGN_MAX,
    SIGNS_MS,
    Struggle,
    help_s,
    sense_intent,
    sense_struggle,
)

KNOWLEDGE = make_knowledge()
Step = tuple[float, str, dict[str, Any]]
"""Seconds since NOON, type, fields."""


def fold(*steps: Step) -> tuple[SessionContext, int]:
    """The session after these events, and the time of the last."""
    context, now_ms = SessionContext(1, NOON, NOON), NOON
    for n, (after_s, event_type, fields) in enumerate(steps):
        now_ms = NOON + round(after_s * SECOND_MS)
        event = make_event(event_id=f"e{n}", event_type=event_type, event_time_ms=now_ms, **fields)
        fold_context(context, event, KNOWLEDGE)
    return context, now_ms


def intent_after(*steps: Step) -> str:
    return sense_intent(*fold(*steps)).intent


def view(after_s: float, item_id: str, category: str = "Shoes") -> Step:
    return after_s, "product_viewed", {"item_ids": [item_id], "category": category}


def cart(after_s: float, item_id: str = "a") -> Step:
    return after_s, "product_added_to_cart", {"item_ids": [item_id], "price": 5.0}


def page(after_s: float, name: str) -> Step:
    return after_s, "page_viewed", {"page": name}


def search(after_s: float, query: str) -> Step:
    return after_s, "search_performed", {"query": query}


LATER_S = FRESH_MS / SECOND_MS + 1


@pytest.mark.parametrize(
    ("steps", "intent"),
    [
        ([page(0, "/")], "browsing"),
        ([view(0, "a"), view(9, "b")], "browsing"),
        # comparing: three of one category, or two looked at again, or said
        ([view(0, "a"), view(9, "b"), view(20, "c")], "comparing"),
        ([view(0, "a"), view(9, "b"), view(20, "c", "Pans")], "browsing"),
        ([view(0, "a"), view(9, "b"), view(20, "a"), view(30, "b")], "comparing"),
        ([view(0, "a"), view(9, "b"), view(20, "a")], "browsing"),
        ([search(0, "which one is better red or blue")], "comparing"),
        ([search(0, "which one is better red or blue"), page(LATER_S, "/")], "browsing"),  # long ago
        # items touched long ago are no comparison
        (
            [*(view(n, f"a{n}") for n in range(3)), *(view(9 + n, f"b{n}", f"C{n}") for n in range(6))],
            "browsing",
        ),
        # buying: a fresh step with something in the cart, or said
        ([view(0, "a"), cart(9)], "buying"),
        ([cart(0), (200, "checkout_started", {})], "buying"),
        ([cart(0), (9, "purchase_completed", {"item_ids": ["a"]})], "browsing"),
        ([cart(0), page(250, "/"), page(450, "/b")], "browsing"),
        ([(0, "cart_viewed", {})], "browsing"),
        ([search(0, "i want to order this now")], "buying"),
        # leaving: the end, the way out, an emptied cart, a long silence
        ([view(0, "a"), (9, "session_ended", {})], "leaving"),
        ([cart(0), (9, "page_scrolled", {"value": "exit_intent"})], "leaving"),
        ([(0, "page_scrolled", {"value": "exit_intent"}), page(290, "/"), page(301, "/b")], "browsing"),
        ([cart(0), (9, "product_removed_from_cart", {"item_ids": ["a"]})], "leaving"),
        ([cart(0), cart(1, "b"), (9, "product_removed_from_cart", {"item_ids": ["a"]})], "buying"),
        ([page(0, "/"), page(1, "/b"), page(1 + AWAY_MS / SECOND_MS, "/c")], "leaving"),
        ([page(0, "/"), page(1, "/b"), page(AWAY_MS / SECOND_MS, "/c")], "browsing"),
        ([page(0, "/"), page(LATER_S, "/c")], "browsing"),
        ([page(0, "/"), cart(1), (600, "cart_viewed", {})], "buying"),
        # seeking help: on a help page, a message, said, or a struggle
        ([view(0, "a"), cart(9), (20, "help_viewed", {"page": "/help"})], "seeking_help"),
        ([(0, "help_viewed", {"page": "/help"}), page(10, "/")], "browsing"),
        ([(0, "support_message", {"value": "hello"})], "seeking_help"),
        ([search(0, "i need help with my account")], "seeking_help"),
        ([search(n, "tent") for n in range(4)], "seeking_help"),
        ([search(n, "tent") for n in range(3)], "browsing"),
    ],
)  # fmt: skip
def test_an_intent_follows_from_its_rule(steps: list[Step], intent: str) -> None:
    assert intent_after(*steps) == intent


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ([page(0, "/")], {"events": "1"}),
        ([view(n, f"a{n}") for n in range(3)], {"category": "Shoes", "items": "3", "again": "0"}),
        ([cart(0), page(7, "/")], {"cart_items": "1", "step_s": "7"}),
        ([(0, "page_scrolled", {"value": "exit"}), page(30, "/")], {"exit_s": "30"}),
        ([page(0, "/"), page(1, "/b"), page(361, "/c")], {"pause_s": "360"}),
        ([(0, "help_viewed", {"page": "/h"}), (9, "page_scrolled", {})], {"help_s": "9"}),
        ([search(n, "tent") for n in range(4)], {"struggle": "0.60"}),
        ([search(0, "i need help with my account")], {"text_intent": "needs_help"}),
    ],
)
def test_an_intent_says_which_values_led_to_it(steps: list[Step], values: dict[str, str]) -> None:
    assert sense_intent(*fold(*steps)).values == values


# --- struggle -----------------------------------------------------------------------------------


def struggle_after(*steps: Step) -> Struggle:
    return sense_struggle(*fold(*steps))


def to_and_fro(times: int, apart_s: float = 6) -> list[Step]:
    """So many pages by turns; each from the third on goes back."""
    return [page(n * apart_s, f"/{n % 2}") for n in range(times)]


def rage(after_s: float) -> list[Step]:
    return [(after_s + n / 4, "element_clicked", {"value": "buy"}) for n in range(3)]


def help_for(seconds: float) -> list[Step]:
    return [(0, "help_viewed", {"page": "/help"}), page(seconds, "/")]


@pytest.mark.parametrize(
    ("steps", "level"),
    [
        ([page(0, "/")], 0.0),
        (to_and_fro(3), 0.0),  # once back is nothing
        (to_and_fro(4), 0.2),
        (to_and_fro(6), 0.6),
        (to_and_fro(20), 0.6),
        (to_and_fro(6, apart_s=130), 0.0),  # slowly is nothing
        ([search(0, "tent"), search(9, "Tent ")], 0.2),
        ([search(0, "tent"), search(9, "pan"), search(20, "tent")], 0.0),
        ([search(n, "tent") for n in range(9)], 0.6),
        (rage(0), 0.3),
        ([*rage(0), *rage(5)], 0.6),
        (help_for(20), 0.0),
        (help_for(70), 0.3),
        (help_for(500), 0.6),
        ([(0, "help_viewed", {}), (70, "page_scrolled", {})], 0.3),  # still open
        ([*rage(0), search(5, "tent"), search(9, "tent")], 1 - 0.7 * 0.8),
    ],
)
def test_struggle_grows_with_each_kind_of_sign(steps: list[Step], level: float) -> None:
    assert struggle_after(*steps).level == pytest.approx(level)


def test_struggle_says_which_values_led_to_it() -> None:
    steps = [*to_and_fro(4), search(30, "tent"), search(31, "tent"), *rage(40)]
    assert struggle_after(*steps).values == {
        "back_navigations": 2.0, "repeated_searches": 1.0, "rage_clicks": 1.0, "help_s": 0.0
    }  # fmt: skip


@pytest.mark.parametrize("steps", [rage(0), [search(0, "a"), search(0.5, "a")], help_for(119)])
def test_struggle_is_over_after_a_while(steps: list[Step]) -> None:
    begun_ms = NOON if steps[0][1] == "help_viewed" else NOON + SECOND_MS // 2
    context, _ = fold(*steps)
    assert sense_struggle(context, begun_ms + SIGNS_MS - 1).level > 0
    assert sense_struggle(context, begun_ms + SIGNS_MS + MINUTE_MS).level == 0


def test_help_counts_the_page_that_is_open() -> None:
    context, _ = fold(*help_for(30), (60, "help_viewed", {}))
    assert help_s(context, NOON + 75 * SECOND_MS) == 45.0
    assert help_s(context, NOON) == 30.0


signs = st.sampled_from(
    [page(0, "/a"), page(0, "/b"), search(0, "tent"), (0, "help_viewed", {}), *rage(0)[:1], cart(0)]
)


@given(st.lists(st.tuples(signs, st.integers(0, 90)), max_size=30), st.integers(-60, 900))
def test_a_struggle_is_between_none_and_all_and_an_intent_one_of_the_five(
    chosen: list[tuple[Step, int]], ahead_s: int
) -> None:
    at_s, steps = 0, []
    for (_, event_type, fields), apart_s in chosen:
        at_s += apart_s
        steps.append((float(at_s), event_type, fields))
    context, last_ms = fold(*steps)
    now_ms = last_ms + ahead_s * SECOND_MS
    level = sense_struggle(context, now_ms).level
    assert 0.0 <= level <= 1.0 - (1.0 - SIGN_MAX) ** 4
    sensed = sense_intent(context, now_ms)
    assert sensed.intent in INTENTS
    assert sensed.values


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_event_leaves_an_intent(event_type: str) -> None:
    assert intent_after((0, event_type, {})) in INTENTS
