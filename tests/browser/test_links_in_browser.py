"""What the browser's client and the shop follow, whatever a decision says. No engine: the answers are the test's."""

import json
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route

from channels.shop.pages import SHOP, read_client
from schemas.links import link_fault
from tests.links import BAD, GOOD

pytestmark = pytest.mark.browser
PAGE: Final = "http://shop.example/page"
HTML: Final = """<!doctype html><script src="/client/kairos.js"></script>
<section data-kairos="hero"><h1 data-field="title">Default</h1><a data-field="link" href="/default">Look</a></section>
<script type="module">
  import { h } from "/dom.js";
  window.drawn = (link) => h("a", { href: link }).getAttribute("href");
</script>"""


def decision(link: str) -> dict[str, object]:
    return {
        "placement": "hero", "decision_id": "d1", "action_id": "banner", "items": [],
        "content": {"title": "Look at this", "link": link}, "valid_until_ms": 4_000_000_000_000,
    }  # fmt: skip


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page of a shop, with the client as it is served."""
    page = browser.new_context().new_page()
    files = {
        "/page": ("text/html", HTML),
        "/client/kairos.js": ("text/javascript", read_client().body.decode()),
        "/dom.js": ("text/javascript", (SHOP / "dom.js").read_text()),
    }

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix("http://shop.example").partition("?")[0]
        media_type, body = files.get(path, ("application/json", "{}"))
        route.fulfill(status=200 if path in files else 503, content_type=media_type, body=body)

    page.route("**/*", serve)
    return page


def test_the_client_follows_what_the_engine_does_and_nothing_else(page: Page) -> None:
    page.goto(PAGE)
    for text in (*GOOD, *BAD):
        is_link = page.evaluate("(text) => kairos.isLink(text)", text)
        assert is_link == (link_fault(text) == ""), text
        drawn = page.evaluate("(text) => drawn(text)", text)
        assert drawn == (text if is_link else None), text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "java\nscript:alert(1)", "//evil.example"])
def test_a_decision_does_not_put_a_bad_link_into_the_page(page: Page, link: str) -> None:
    answers = [decision(link)]
    page.route(
        "**/v1/decisions", lambda route: route.fulfill(body=json.dumps({"decisions": answers}))
    )
    page.goto(PAGE)
    page.evaluate("kairos.page()")
    page.get_by_text("Look at this").wait_for()
    assert page.locator("a").get_attribute("href") == "/default"
    answers[:] = [decision("/shop/cart") | {"decision_id": "d2"}]
    page.evaluate("kairos.page()")
    page.locator("a[href='/shop/cart']").wait_for()
