"""Mappings that come with the docs, over records as their senders write them."""

from pathlib import Path
from typing import Final

import pytest

from jobs.config import PROJECT
from jobs.mapping_file import read_mapping
from schemas.events import Context, Event
from scripts.mappings.mapping_file import read_mapped

MAPPINGS: Final = PROJECT / "docs" / "mappings"
EXAMPLES: Final = Path(__file__).parent / "examples"


@pytest.mark.parametrize("path", sorted(MAPPINGS.iterdir()), ids=lambda path: path.stem)
def test_each_is_a_mapping_that_the_docs_name(path: Path) -> None:
    assert read_mapping(path)
    assert f"mappings/{path.name}" in (PROJECT / "docs" / "what-we-accept.md").read_text("utf-8")


def test_orders_of_shopify_are_purchases_and_refunds() -> None:
    """https://shopify.dev/docs/api/admin-rest/latest/resources/order"""
    rules = read_mapping(MAPPINGS / "shopify-orders.yaml")
    found = list(read_mapped(EXAMPLES / "shopify_orders.jsonl", rules))
    events = [one for one in found if isinstance(one, Event)]
    assert events == found, "and the notification that is a test is passed over"
    bought, till, refunded = events
    assert (bought.event_type, bought.session_id, bought.anonymous_id) == ("purchase_completed", "s-77", "a-77")  # fmt: skip
    assert (bought.person_id, bought.item_ids) == ("115310627314723954", ("SKU-402", "SKU-115"))
    assert (bought.value_amount, bought.currency) == (388.0, "USD")
    assert bought.context == Context(referrer="https://www.google.com/")
    assert (till.session_id, till.anonymous_id, till.person_id) == ("820982911946154509", "5", "5")
    assert (refunded.event_type, refunded.item_ids) == ("purchase_refunded", ("SKU-402",))
    assert (refunded.value_amount, refunded.properties) == (199.0, {"order_id": "820982911946154508"})  # fmt: skip
    assert "example.com" not in repr(events)
