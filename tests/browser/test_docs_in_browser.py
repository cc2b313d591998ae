"""The API's documentation page in a real browser: it reads our document, and asks nobody else."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from channels.api.declaring import GROUPS
from tests.channels.api_process import lonely_services, served
from tests.channels.operations import OPERATIONS

pytestmark = pytest.mark.browser


def test_the_page_shows_every_endpoint_and_complains_of_nothing(browser: Browser) -> None:
    with served(lonely_services()) as address:
        page = browser.new_context().new_page()
        complaints: list[str] = []
        asked: set[str] = set()
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda one: asked.add(urlsplit(one.url).netloc))
        page.goto(f"http://{address}/docs")
        expect(page.locator(".opblock")).to_have_count(len(OPERATIONS))
        page.locator(".opblock-summary", has_text="/v1/events").first.click()
        expect(page.get_by_text("answered once Kafka has them").first).to_be_visible()
        assert complaints == []
        assert asked - {""} == {address}
        page.context.close()


def test_the_page_is_dark_where_the_browser_is_grouped_and_filled_in(browser: Browser) -> None:
    with served(lonely_services()) as address:
        page = browser.new_context(color_scheme="dark").new_page()
        page.goto(f"http://{address}/docs")
        expect(page.locator("html.dark-mode")).to_have_count(1)
        page.emulate_media(color_scheme="light")
        expect(page.locator("html.dark-mode")).to_have_count(0)
        assert page.locator(".opblock-tag").evaluate_all(
            "found => found.map(one => one.dataset.tag)"
        ) == list(GROUPS)
        page.locator(".opblock-summary", has_text="/v1/items/{item_id}").click()
        expect(page.locator(".parameters input")).to_have_value("SKU-402")
        page.context.close()
