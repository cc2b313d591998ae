"""What the demo says: names for ids, deeds in words, whole ids, and things to do that the shop really has."""

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.config import PROJECT
from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionItem, Versions
from schemas.events import EVENT_TYPES, Event
from schemas.items import Item
from schemas.policy import NOTHING
from schemas.records import LogRecord
from scripts.demo.make_catalogue import DEMO_DATA
from scripts.demo.shop import shop_items
from scripts.demo.telling import (
    BESIDE,
    DECIDED,
    EXAMPLE,
    ID,
    LOOK_AT,
    PUT_INTO_CART,
    REVIEW,
    Column,
    compared,
    deed,
    first_two,
    header,
    line,
    names_of,
    next_steps,
    shown,
    took_ms,
)
from scripts.demo.typed import answer, offers, typed_event
from scripts.policy.policy_file import read_policy
from tests.builders import make_event
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

NAMES = {"a": "Apple", "b": "Bread", "c": "Cake"}
NOW_MS = 1_790_000_000_000


def decision(*items: str, **more: Any) -> Decision:
    fields: dict[str, Any] = {
        "decision_id": "d" * 32, "kind": "decided", "person": "p", "session_id": "s", "event_id": "e",
        "event_time_ms": NOW_MS, "placement": "home", "channel": None, "action_id": "recommend_items",
        "treatment_id": "t", "items": tuple(DecisionItem(one, 1.0, "") for one in items), "priority": 1.0,
        "response_propensity": None, "action_probability": 1.0, "arm": {}, "is_holdout": False,
        "is_merging": False, "explanation": "", "versions": Versions("p", "m", 0, 0, "c"), "sequence": 1,
        "sent_at_ms": None, "valid_until_ms": NOW_MS,
    }  # fmt: skip
    return Decision(**fields | more)


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (make_event(event_type="product_viewed", item_ids=("a",)), "looks at Apple"),
        (make_event(event_type="product_viewed", item_ids=("x",)), "looks at x"),
        (make_event(event_type="product_viewed"), "looks at something"),
        (
            make_event(event_type="product_added_to_cart", item_ids=("a", "b", "c")),
            "adds Apple +2 to the cart",
        ),
        (make_event(event_type="search_performed", query="bread"), "searches for bread"),
        (make_event(event_type="filter_applied", attribute="size", value="10"), "wants size 10"),
        (make_event(event_type="page_viewed", page="/home"), "opens /home"),
        (make_event(event_type="session_ended"), "session ended"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_somebody_did_is_said_in_words(event: Event, words: str) -> None:
    assert deed(event, NAMES) == words


def test_every_type_of_event_has_its_words() -> None:
    for event_type in EVENT_TYPES:
        assert "{" not in deed(make_event(event_type=event_type), NAMES)


def test_names_are_the_newest_and_an_id_where_there_is_none() -> None:
    assert names_of([Item("a", 1, "Old"), Item("a", 2, "New"), Item("b")]) == {"a": "New", "b": "b"}


def test_what_is_shown_is_named() -> None:
    assert shown(decision("a", "b", "c"), NAMES) == "Apple, Bread +1"
    assert shown(decision("a", "b", "c"), NAMES, 1) == "Apple +2"
    assert first_two(decision("a", "b", "c"), NAMES) == "Apple, Bread"
    assert shown(decision(action_id=NOTHING), NAMES) == "nothing"
    assert first_two(decision(action_id=NOTHING), NAMES) == "nothing"
    assert shown(decision(action_id="free", content={"title": "Free!"}), NAMES) == "Free!"
    assert shown(decision(action_id="free"), NAMES) == "free"


def test_what_offers_nothing_is_not_shown_of_the_shop() -> None:
    assert not offers(decision(action_id=NOTHING))
    assert offers(decision(action_id="free"))
    assert offers(decision("a"))


# --- lines --------------------------------------------------------------------------------------------------


def test_columns_stand_below_their_headings_and_no_id_is_cut() -> None:
    columns = (Column("one", 5), Column("two", 4), ID)
    headings, rule = header(columns)
    cells = line(columns, ["a", "too long", "f" * 32])
    assert [headings.index("two"), rule.index("----", 6), cells.index("too")] == [7, 7, 7]
    assert cells == f"a      too…  {'f' * 32}"
    assert headings.startswith("one    two   decision (`kairos explain` takes it)")


@pytest.mark.parametrize("columns", [DECIDED, BESIDE])
def test_lines_fit_a_wide_terminal(columns: tuple[Column, ...]) -> None:
    assert sum(one.width for one in columns) + 2 * (len(columns) - 1) <= 135


def test_latency_is_of_this_very_decision() -> None:
    assert took_ms(decision(sent_at_ms=NOW_MS), NOW_MS + 12) == "   12"
    assert took_ms(decision(sent_at_ms=None), NOW_MS) == ""


def test_an_answer_of_the_shop_has_place_items_reason_and_id() -> None:
    made = decision("a", "b", placement="list", explanation="You like it", sent_at_ms=NOW_MS)
    words = re.split(r"  +", answer(made, NAMES, NOW_MS + 7).strip())
    assert words == ["7", "list", "Apple +1", "You like it", made.decision_id]


def test_how_much_a_model_changes_is_counted_by_first_items() -> None:
    one = decision("a", "b")
    pairs = [(one, decision("b", "a")), (one, decision("a", "c")), (one, one)]
    assert compared(pairs) == (
        "In 2 of these 3 decisions the model makes another order, in 1 of them it puts another item first."
    )


# --- what to do next ----------------------------------------------------------------------------------------


def test_the_end_names_addresses_three_things_and_commands_of_the_demos_home() -> None:
    home = PROJECT / ".kairos" / "demo"
    text = "\n".join(next_steps("127.0.0.1:8010", home, "d" * 32, names_of(shop_items())))
    for path in ("/shop/", "/console/", "/docs", f"/shop/p/{LOOK_AT}", f"/shop/p/{PUT_INTO_CART}"):
        assert f"http://127.0.0.1:8010{path}" in text
    assert [one for one in ("  1. ", "  2. ", "  3. ", "  4. ") if one in text][-1] == "  3. "
    assert re.search(rf"^  KAIROS_HOME=\S+/demo \S*kairos explain {'d' * 32}$", text, re.MULTILINE)
    assert EXAMPLE in text


def test_what_is_to_be_done_in_the_shop_is_there() -> None:
    static = PROJECT / "channels" / "shop" / "static"
    pages = "".join(one.read_text() for one in static.glob("*.js"))
    for words in (
        REVIEW,
        "Shipping & returns",
        "Why this?",
        "Not interested",
        "Yes, choose for me",
    ):
        assert words in pages + (static / "index.html").read_text(), words
    items = {one.item_id: one for one in shop_items()}
    assert items[LOOK_AT].category == items[PUT_INTO_CART].category == "Sports/Running/Shoes"
    assert (items[PUT_INTO_CART].price or 0) >= 100, "an offer is for full carts"


def test_the_event_to_type_gets_items_of_the_shop_that_is_shown() -> None:
    knowledge = Knowledge()
    policy = read_policy(Path(DEMO_DATA, "shop", "policy.yaml"))
    knowledge.add_policy("shop", 0, 0, compile_policy(policy))
    for position, item in enumerate(shop_items()):
        knowledge.add_item(item, position)
    event = typed_event(EXAMPLE, NOW_MS, 1)
    log = [LogRecord("events", 0, 0, NOW_MS, event.session_id, EVENT.encode(event))]
    made = [
        one
        for step in Fold(knowledge, FoldRules(EVENT.decode, "s")).run(log)
        for one, _ in step.decisions
    ]
    (offered,) = [one for one in made if offers(one)]
    known = names_of(shop_items())
    assert len(offered.items) == 8
    assert all(one.item_id in known for one in offered.items)
