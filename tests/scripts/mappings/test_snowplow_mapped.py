"""A mapping makes of the Snowplow file what the built-in format does, event by event: the fields that decide."""

import csv
import gzip
from typing import Any, Final

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats import FORMATS
from schemas.mappings.mapped import mapped_event
from schemas.mappings.mapping_rules import compile_mapping
from scripts.demo.make_catalogue import DEMO_DATA
from tests.scripts.mappings.test_mapped import DECIDING

FILE: Final = DEMO_DATA / "snowplow" / "events.csv.gz"
SAYS: Final = (
    "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0"
)
ABOUT: Final = "contexts_com_snowplowanalytics_snowplow_ecommerce_"
PRODUCT: Final = f"{ABOUT}product_1_0_0"
SESSION: Final = "contexts_com_snowplowanalytics_snowplow_client_session_1_0_1[0]"
KINDS: Final = {
    "product_view": "product_viewed", "list_view": "page_viewed", "list_click": "element_clicked", "promo_view": "page_viewed",
    "promo_click": "element_clicked", "add_to_cart": "product_added_to_cart", "remove_from_cart": "product_removed_from_cart",
    "checkout_step": "checkout_started", "transaction": "purchase_completed", "refund": "purchase_refunded",
}  # fmt: skip
WORTH: Final = {
    "add_to_cart": f"{ABOUT}cart_1_0_0[0].total_value", "remove_from_cart": f"{ABOUT}cart_1_0_0[0].total_value",
    "transaction": f"{ABOUT}transaction_1_0_0[0].revenue", "refund": f"{ABOUT}refund_1_0_0[0].refund_amount",
}  # fmt: skip
PIECES: Final = f"{ABOUT}transaction_1_0_0[0].total_quantity"


def rule(kind: str | None, *, is_one: bool) -> dict[str, Any]:
    """Of an action about one product or several; None: the event says none, and is a page."""
    fields: dict[str, Any] = {}
    if is_one:
        fields |= {"price": f"{PRODUCT}[0].price", "quantity": f"{PRODUCT}[0].quantity"}
    if kind in WORTH:
        fields["value_amount"] = WORTH[kind]
    if kind == "transaction":
        fields["quantity"] = PIECES
    when: dict[str, Any] = {f"{SAYS}.type": kind}
    if is_one:
        when[f"{PRODUCT}[1].id"] = None
    return {"when": when, "event_type": KINDS[kind] if kind else "page_viewed", "fields": fields}


MIXED: Final = rule("transaction", is_one=False)
MIXED["when"] |= {f"{PRODUCT}[0].currency": "GBP", f"{ABOUT}transaction_1_0_0[0].currency": "USD"}
"""A price in another currency than what was paid is left out."""
RULES: Final = compile_mapping(
    {
        "fields": {
            "event_id": "event_id", "event_time_ms": "derived_tstamp", "session_id": ["domain_sessionid", f"{SESSION}.sessionId"], "anonymous_id": ["domain_userid", f"{SESSION}.userId"],
            "item_ids": f"{PRODUCT}[].id",
            "currency": [f"{ABOUT}transaction_1_0_0[0].currency", f"{ABOUT}refund_1_0_0[0].currency", f"{ABOUT}cart_1_0_0[0].currency", f"{PRODUCT}[0].currency"],
        },
        "rules": [MIXED, *(rule(kind, is_one=is_one) for kind in (*KINDS, None) for is_one in (True, False))],
    }
)  # fmt: skip


def records() -> list[bytes]:
    """The rows, with what is JSON in them as JSON."""
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        rows = [{n: v for n, v in row.items() if v} for row in csv.DictReader(file)]
    parsed = [
        {n: msgspec.json.decode(v) if v[0] in "[{" else v for n, v in row.items()} for row in rows
    ]
    return [msgspec.json.encode(row) for row in parsed]


def test_a_mapping_makes_of_the_snowplow_file_what_the_built_in_format_does() -> None:
    compared = 0
    for record in records():
        try:
            built_in = FORMATS["snowplow"].decode(record)
        except InvalidEvent:
            continue  # a row without a visitor
        event = mapped_event(record, RULES)
        assert event is not None
        found, expected = (
            {name: getattr(one, name) for name in DECIDING} for one in (event, built_in)
        )
        assert found == expected
        compared += 1
    assert compared == 832
