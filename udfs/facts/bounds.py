"""The most that each field of a person's state holds: entries of a dict or list, bytes of bytes. What has one value has no line."""

from typing import Final

from schemas.limits import (
    ACTIONS_REMEMBERED_MAX,
    AFFINITIES_MAX,
    CLAIMANTS_MAX,
    CONTACTS_MAX,
    DECLARED_MAX,
    DISMISSALS_MAX,
    EXPOSURES_MAX,
    FACT_IDS_MAX,
    FEATURES_MAX,
    GIFTS_NOTED_MAX,
    OFFERED_MAX,
    PARTS_MAX,
    PERSON_CART_MAX,
    PLACEMENTS_PER_POLICY_MAX,
    PURCHASES_MAX,
    RECENT_ITEMS_MAX,
    REFUSED_MAX,
    SESSION_FACTS_MAX,
    SLATES_REMEMBERED_MAX,
    STATEMENTS_MAX,
    TAKEN_ITEMS_MAX,
    UNMERGE_KEPT,
)
from udfs.session.deduplicate import ENTRY_BYTES

BOUNDS: Final[dict[str, int]] = {
    "categories": AFFINITIES_MAX, "brands": AFFINITIES_MAX, "price_levels": AFFINITIES_MAX,
    "price_bands": AFFINITIES_MAX, "bought_bands": 4, "recent_items": RECENT_ITEMS_MAX,
    "taken_items": TAKEN_ITEMS_MAX, "purchases": PURCHASES_MAX, "exposures": EXPOSURES_MAX,
    "dismissed": DISMISSALS_MAX, "fine": 12, "hourly": 24, "daily": 30, "offered": OFFERED_MAX,
    "actions": ACTIONS_REMEMBERED_MAX, "statements": STATEMENTS_MAX, "preferences": STATEMENTS_MAX,
    "statements_ms": 2 * STATEMENTS_MAX, "preferences_ms": 2 * STATEMENTS_MAX,
    "features_opened": FEATURES_MAX, "features_activated": FEATURES_MAX, "cart": PERSON_CART_MAX,
    "fact_ids": FACT_IDS_MAX * ENTRY_BYTES, "parts": PARTS_MAX * 8, "placed": PLACEMENTS_PER_POLICY_MAX,
    "contacts": CONTACTS_MAX, "refused_categories": REFUSED_MAX, "refused_actions": REFUSED_MAX,
    "joined": PARTS_MAX * ENTRY_BYTES, "claimed": CLAIMANTS_MAX + 1, "facts": SESSION_FACTS_MAX,
    "gave": GIFTS_NOTED_MAX, "before": UNMERGE_KEPT, "declared": DECLARED_MAX,
    "slates": SLATES_REMEMBERED_MAX,
}  # fmt: skip
"""By field of PersonState; tests/contracts/test_rooms.py holds merged states to them. What goes at each bound stands in schemas/limits.py."""
