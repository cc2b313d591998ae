"""Names of Google Analytics 4: recommended and automatically collected events, and what they are here.

https://developers.google.com/analytics/devguides/collection/ga4/reference/events
"""

from typing import Final

from schemas.formats.segment_names import ACTIVITY

NAMES: Final = {
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
    "view_item": "product_viewed",
    "view_item_list": "page_viewed",
    "select_item": "element_clicked",
    "view_promotion": "page_viewed",
    "select_promotion": "element_clicked",
    "search": "search_performed",
    "view_search_results": "search_performed",
    "add_to_cart": "product_added_to_cart",
    "remove_from_cart": "product_removed_from_cart",
    "add_to_wishlist": "element_clicked",
    "view_cart": "cart_viewed",
    "begin_checkout": "checkout_started",
    "add_shipping_info": "checkout_started",
    "add_payment_info": "checkout_started",
    "purchase": "purchase_completed",
    "in_app_purchase": "purchase_completed",
    "refund": "purchase_refunded",
    "login": "identified",
    "sign_up": "identified",
    "share": "element_clicked",
    "click": "element_clicked",
    "file_download": "element_clicked",
    "form_start": "element_clicked",
    "form_submit": "element_clicked",
    "video_start": "video_played",
    "video_progress": ACTIVITY,
    "video_complete": ACTIVITY,
    "scroll": "page_scrolled",
    "user_engagement": ACTIVITY,
    "session_start": ACTIVITY,
    "first_visit": ACTIVITY,
    "first_open": ACTIVITY,
}
"""Name of an event -> event_type."""
ABOUT: Final = {
    "view_item_list": ("list", ("item_list_name", "item_list_id")),
    "select_item": ("list", ("item_list_name", "item_list_id")),
    "view_promotion": ("promotion", ("promotion_id", "promotion_name")),
    "select_promotion": ("promotion", ("promotion_id", "promotion_name")),
    "add_to_wishlist": ("wishlist", ()),
    "share": ("share", ("method",)),
    "click": ("link", ("link_id", "link_domain")),
    "file_download": ("file", ("file_name",)),
    "form_start": ("form", ("form_id", "form_name")),
    "form_submit": ("form", ("form_id", "form_name")),
    "add_shipping_info": ("checkout_step", ()),
    "add_payment_info": ("checkout_step", ()),
}
"""What was seen or clicked: `attribute`, and the parameters of which the first is `value`."""
KNOWN: Final = frozenset(NAMES)
