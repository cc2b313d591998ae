"""What the shop's page says that is assumed of a visitor is decided as everything is, and follows what they state."""

from typing import Any

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.events import Event
from scripts.demo.shop import shop_items
from tests.builders import make_event, make_record
from tests.scripts.scenarios import policy_of
from udfs.knowledge.knowledge import Knowledge

NOON = 1_710_000_000_000
"""The shop is open by then."""
SHOES = "Sports/Running/Shoes"


def event(number: int, event_type: str = "page_viewed", **fields: Any) -> Event:
    return make_event(
        event_id=f"e{number}", event_type=event_type, event_time_ms=NOON + number, **fields
    )


def asking(number: int, **fields: Any) -> Event:
    return event(number, placements=("preferences", "home"), page="/shop/preferences", **fields)


def decisions(*events: Event) -> list[Decision]:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, policy_of("shop"))
    for at, item in enumerate(shop_items()):
        knowledge.add_item(item, at)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = (make_record(one, at) for at, one in enumerate(events))
    return [decision for step in fold.run(log) for decision, _ in step.decisions]


def pages(*events: Event) -> list[dict[str, str]]:
    """What the page is told, each time that it asks."""
    return [one.content for one in decisions(*events) if one.placement == "preferences"]


LOOKS = [event(n, "product_viewed", item_ids=("SKU-402",)) for n in range(5)]


def test_the_page_tells_what_is_assumed_and_what_was_said() -> None:
    (before, after) = pages(
        *LOOKS,
        event(6, "filter_applied", attribute="size", value="9"),
        asking(7),
        event(8, "preference_stated", attribute="category", value=f"Kitchen, -{SHOES}"),
        event(9, "preference_stated", attribute="price_level", value="budget"),
        asking(10),
    )
    assert before["categories"] == SHOES
    assert before["size"] == "9"
    assert not {one for one in before if one.startswith("said")}
    assert after["categories"] == "Kitchen"
    assert after["said_category"] == f"Kitchen, -{SHOES}"
    assert after["price_level"] == after["said_price_level"] == "budget"


def test_it_shows_in_the_next_list() -> None:
    stated = event(6, "preference_stated", attribute="category", value="Kitchen")
    lists = [one for one in decisions(*LOOKS, stated, asking(7)) if one.placement == "home"]
    assert [one.items[0].reason for one in lists] == ["Because you said you like Kitchen"]


def test_without_personalisation_nothing_is_assumed() -> None:
    (page,) = pages(*LOOKS, asking(7, consent=[]))
    assert page.get("categories", "") == ""
