"""Names of Segment's specifications (e-commerce, video, mobile lifecycle, B2B) and what they are here.

https://segment.com/docs/connections/spec/ecommerce/v2/ and, with the same names, https://www.rudderstack.com/docs/event-spec/
"""

from typing import Final

from schemas.events import CONSENT_CHANGED, SENT_TYPES, Purpose
from schemas.formats.foreign_json import plain

ACTIVITY: Final = "page_scrolled"
"""What says only that somebody is there, as Snowplow's page ping."""
TRACKED: Final = {
    "Products Searched": "search_performed",
    "Product List Viewed": "page_viewed",
    "Product List Filtered": "filter_applied",
    "Promotion Viewed": "page_viewed",
    "Promotion Clicked": "element_clicked",
    "Product Clicked": "element_clicked",
    "Product Viewed": "product_viewed",
    "Product Added": "product_added_to_cart",
    "Product Removed": "product_removed_from_cart",
    "Cart Viewed": "cart_viewed",
    "Checkout Started": "checkout_started",
    "Checkout Step Viewed": "checkout_started",
    "Checkout Step Completed": "checkout_started",
    "Payment Info Entered": "checkout_started",
    "Order Completed": "purchase_completed",
    "Order Refunded": "purchase_refunded",
    "Coupon Entered": "element_clicked",
    "Coupon Applied": "element_clicked",
    "Coupon Denied": "element_clicked",
    "Coupon Removed": "element_clicked",
    "Product Added to Wishlist": "element_clicked",
    "Product Removed from Wishlist": "element_clicked",
    "Wishlist Product Added to Cart": "product_added_to_cart",
    "Product Shared": "element_clicked",
    "Cart Shared": "element_clicked",
    "Product Reviewed": "item_rated",
    "Signed In": "identified",
    "Signed Up": "identified",
    "Signed Out": "signed_out",
    "Video Playback Started": "video_played",
    "Video Playback Paused": ACTIVITY,
    "Video Playback Resumed": ACTIVITY,
    "Video Playback Completed": ACTIVITY,
    "Video Content Started": ACTIVITY,
    "Video Content Playing": ACTIVITY,
    "Video Content Completed": ACTIVITY,
    "Application Installed": ACTIVITY,
    "Application Opened": ACTIVITY,
    "Application Updated": ACTIVITY,
    "Application Backgrounded": ACTIVITY,
    "Segment Consent Preference": CONSENT_CHANGED,
    "Segment Consent Preference Updated": CONSENT_CHANGED,
}
"""Name of a `track` call -> event_type. Orders that were changed or cancelled are not here: what became of the money they do not say."""
CLICKED: Final = {
    "product_clicked": "list",
    "promotion_clicked": "promotion",
    "coupon_entered": "coupon",
    "coupon_applied": "coupon",
    "coupon_denied": "coupon",
    "coupon_removed": "coupon",
    "product_added_to_wishlist": "wishlist",
    "product_removed_from_wishlist": "wishlist",
    "product_shared": "share",
    "cart_shared": "share",
    "product_list_viewed": "list",
    "promotion_viewed": "promotion",
}
"""What was seen or clicked, which is `attribute`, by the plain name of a call."""
OURS: Final = SENT_TYPES - {plain(name) for name in TRACKED}
"""Our own names, for what the specification has no word for."""
KNOWN: Final = frozenset(TRACKED) | SENT_TYPES
BY_PLAIN: Final = {plain(name): kind for name, kind in TRACKED.items()} | {
    one: one for one in SENT_TYPES
}
CATEGORIES: Final[dict[str, Purpose]] = {
    "personalisation": "personalisation",
    "personalization": "personalisation",
    "analytics": "analytics",
    "advertising": "advertising",
    "email": "email",
    "push": "push",
    "sms": "sms",
    "in_app": "in_app",
}
"""Categories of `context.consent.categoryPreferences` by their plain names; a business's others name no purpose of ours."""
