"""The demo shop's checkout: its server says what was bought, at the catalogue's prices, with a key that no page sees."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.api.services import Services
from channels.shop.pages import SHOP
from jobs.config import config_from
from schemas.errors import ConfigError
from schemas.items import Item
from scripts.ops.serve_api import shop_key_of
from tests.channels.api_process import lonely_services, served
from tests.channels.test_doorway import Log, api, page

ITEMS = {
    "shoe": Item("shoe", 0, price=79.95, currency="EUR"),
    "sock": Item("sock", 0, price=5.0, currency="EUR"),
    "gone": Item("gone", 0, price=1.0, is_gone=True),
}
LINES = [{"item_id": "shoe", "quantity": 1}, {"item_id": "sock", "quantity": 3}]


def stocked(services: Services) -> None:
    services.knowledge.item_at = lambda item_id, _: ITEMS.get(item_id)  # type: ignore[method-assign, assignment]


def order(client: httpx.Client, **more: Any) -> dict[str, Any]:
    return {
        "order_id": "o1", "session_id": client.headers["X-Test-Session"], "lines": LINES
    } | more  # fmt: skip


def with_key(folder: Path, key: str = "k-server") -> dict[str, str]:
    (folder / "shop.key").write_text(f"{key}\n")
    return {"KAIROS_SHOP_KEY_FILE": str(folder / "shop.key")}


def test_the_shops_server_proves_what_was_bought(tmp_path: Path) -> None:
    with (
        api(tmp_path, **with_key(tmp_path)) as (address, services, log),
        page(address) as client,
    ):
        stocked(services)
        token = services.access.person_token("anna")
        headers = {"X-Kairos-Person": token}
        for _ in range(2):
            found = client.post("/shop/orders", json=order(client), headers=headers)
            assert found.status_code == 202, found.text
        [event] = log.written
        assert not event.is_unproven
        assert (event.event_type, event.person_id) == ("purchase_completed", "anna")
        assert event.session_id == client.headers["X-Test-Session"]
        assert (event.item_ids, event.quantity) == (("shoe", "sock"), 4)
        assert event.value_amount == pytest.approx(94.95)


@pytest.mark.parametrize("key", [None, "k-page", "made-up"])
def test_without_a_servers_key_nothing_is_proven(tmp_path: Path, key: str | None) -> None:
    settings = with_key(tmp_path, key) if key else {}
    with api(tmp_path, **settings) as (address, services, log), page(address) as client:
        stocked(services)
        found = client.post("/shop/orders", json=order(client))
        assert (found.status_code, log.written) == (503, [])
        assert "KAIROS_SHOP_KEY_FILE" in found.json()["detail"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"session_id": "of-another"}, 403),
        ({"person_id": "anna"}, 403),
        ({"anonymous_id": "another"}, 202),
        ({"lines": [{"item_id": "evil.example", "quantity": 1}]}, 422),
        ({"lines": [{"item_id": "gone", "quantity": 1}]}, 422),
        ({"lines": [{"item_id": "shoe", "quantity": 1_000_000}]}, 400),
        ({"lines": [{"item_id": "shoe", "quantity": 1, "price": 0.01}]}, 400),
        ({"value_amount": 1e9}, 400),
    ],
)
def test_a_page_buys_for_itself_only_and_at_the_catalogues_price(
    tmp_path: Path, more: dict[str, Any], status: int
) -> None:
    with (
        api(tmp_path, **with_key(tmp_path)) as (address, services, log),
        page(address) as client,
    ):
        stocked(services)
        assert client.post("/shop/orders", json=order(client, **more)).status_code == status
        assert [one.anonymous_id != "another" for one in log.written] == [True] * (status == 202)


def test_where_all_is_open_the_shop_needs_no_key() -> None:
    services = lonely_services()
    services.log.close()
    services.log = log = Log()  # type: ignore[assignment]  # Kafka's part is tested with Kafka
    stocked(services)
    with served(services) as address, httpx.Client(base_url=f"http://{address}") as client:
        bought = {"order_id": "o", "session_id": "s", "person_id": "anna", "lines": LINES}
        assert client.post("/shop/orders", json=bought).status_code == 202
    assert [(one.person_id, one.is_unproven) for one in log.written] == [("anna", False)]


def test_every_page_of_the_shop_can_be_loaded_by_its_own_address() -> None:
    """An address that the API takes for something else is a page no more when it is reloaded, or sent to a friend."""
    routes = re.findall(r"^ {2}\[/\^(.+?)\$/, ", (SHOP / "main.js").read_text(), re.MULTILINE)
    pages = [re.sub(r"\(.*\)\??|\\/\?|\\", "", one) for one in routes]
    assert "/shop/checkout" in pages
    with served(lonely_services()) as address, httpx.Client(base_url=f"http://{address}") as client:
        found = {one: client.get(one, follow_redirects=True) for one in pages}
    assert {path: one.status_code for path, one in found.items() if one.status_code != 200} == {}
    assert all("text/html" in one.headers["content-type"] for one in found.values())


def test_no_page_of_the_shop_holds_a_key() -> None:
    texts = [path.read_text() for path in SHOP.rglob("*") if path.suffix in (".js", ".html")]
    assert texts
    assert not any("kairos_" in text or "SHOP_KEY" in text for text in texts)


@pytest.mark.parametrize("text", ["", " \n", "two keys"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(ConfigError, match="KAIROS_SHOP_KEY_FILE"):
        shop_key_of(config_from({"KAIROS_SHOP_KEY_FILE": str(tmp_path / "key")}))
    with pytest.raises(ConfigError, match="KAIROS_SHOP_KEY_FILE"):
        shop_key_of(config_from({"KAIROS_SHOP_KEY_FILE": str(tmp_path / "none")}))
