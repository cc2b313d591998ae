"""A type of event that is none of ours is told with the one that was probably meant."""

import pytest

from schemas.events import EVENT_TYPES, unknown_in_words
from schemas.meant_types import HUMP, MEANT_TYPES, meant_type


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("page_view", "page_viewed"), ("Page Viewed", "page_viewed"), ("pageViewed", "page_viewed"),
        ("product_veiwed", "product_viewed"), ("add_to_cart", "product_added_to_cart"),
        ("Order Completed", "purchase_completed"), ("ecommerce.purchase", None), ("teleported", None),
        ("purchases", "purchase_completed"), ("", None), ("x" * 500, None), ("clock_tick", None),
    ],
)  # fmt: skip
def test_what_is_near_is_named_and_nothing_else(written: str, meant: str | None) -> None:
    assert meant_type(written, EVENT_TYPES - {"clock_ticked"}) == meant


def test_every_name_of_others_leads_to_a_type_of_ours() -> None:
    assert set(MEANT_TYPES.values()) <= EVENT_TYPES
    assert not MEANT_TYPES.keys() & EVENT_TYPES
    assert all(HUMP.sub("_", one).lower() == one for one in MEANT_TYPES)


@pytest.mark.parametrize(
    ("written", "told"),
    [("view_item", "'view_item': `product_viewed` is meant?"), ("teleported", "'teleported'")],
)
def test_it_is_said_in_words(written: str, told: str) -> None:
    assert unknown_in_words(written) == told
