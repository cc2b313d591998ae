"""The shop's account page splits a browser from a person who it was not: what it did decides there again, and for them no more."""

from typing import Any

from channels.shop.pages import SHOP
from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from scripts.demo.shop import shop_items
from tests.builders import make_event, make_record
from tests.scripts.scenarios import policy_of
from udfs.knowledge.knowledge import Knowledge

NOON = 1_710_000_000_000
SHOES = "Sports/Running/Shoes"


def event(number: int, event_type: str, **fields: Any) -> Event:
    return make_event(
        event_id=f"e{number}", event_type=event_type, event_time_ms=NOON + number, **fields
    )


def asking(number: int, device: str = "a1") -> Event:
    return event(
        number, "page_viewed", placements=("preferences",), page="/shop/preferences", anonymous_id=device, session_id=f"s-{device}",
    )  # fmt: skip


def assumed(*events: Event) -> list[tuple[str, str | None]]:
    """Of whom what is assumed, each time that a page asks."""
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, policy_of("shop"))
    for at, item in enumerate(shop_items()):
        knowledge.add_item(item, at)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    made = [one for step in fold.run(make_record(one, at) for at, one in enumerate(events)) for one, _ in step.decisions]  # fmt: skip
    return [(one.person, one.content.get("categories")) for one in made if one.placement == "preferences"]  # fmt: skip


def test_what_the_page_sends_takes_the_browsers_past_from_who_it_was_not() -> None:
    looks = [event(n, "product_viewed", item_ids=("SKU-402",), session_id="s-a1") for n in range(5)]
    signed_in = event(6, "identified", person_id="mia", session_id="s-a1")
    not_me = event(8, "signed_out", session_id="s-a1", properties={"unmerge": "true"})
    at_home = event(9, "identified", person_id="mia", anonymous_id="a2", session_id="s-a2")
    found = assumed(*looks, signed_in, asking(7), not_me, at_home, asking(10, "a2"), asking(11))
    assert found[0] == ("mia", SHOES)
    assert found[1][0] == "mia"
    assert found[1][1] != SHOES
    assert found[2] == ("a1", SHOES)


def test_the_account_page_offers_it_beside_signing_out() -> None:
    page = (SHOP / "service.js").read_text(encoding="utf-8")
    assert 'leave({ unmerge: "true" }' in page
    assert 'onclick: isNotMe }, "Not you?"' in page
