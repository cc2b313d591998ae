"""What a browser test does in the shop, in the words of a visitor."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Locator, Page, Route, expect

from log.kafka import read_to_end
from schemas.codec import EVENT
from schemas.events import Event
from schemas.topics import EVENTS
from tests.e2e.homes import Home, wait_for


class Shop(NamedTuple):
    """The running shop: its address, and where its log is."""

    home: Home
    url: str
    kafka: str


class Visitor:
    """Somebody with a browser. `complaints` are errors of the page."""

    def __init__(self, shop: Shop, page: Page, complaints: list[str]) -> None:
        self.shop, self.page, self.complaints = shop, page, complaints
        self._ahead_s = 0

    def open(self, path: str) -> None:
        """Types an address of the shop."""
        self.page.goto(self.shop.url + path)
        self.settle()

    def settle(self) -> None:
        """Waits until every placement of the page has been answered."""
        expect(self.page.locator("#foot")).to_be_visible()
        expect(self.page.locator("[data-kairos][style*=hidden]")).to_have_count(0)

    def follow(self, name: str) -> None:
        """Follows the first link in the page's content that is called so."""
        self.page.locator("#main").get_by_role("link", name=name).first.click()
        self.settle()

    def placed(self, placement: str) -> Locator:
        """The element of a placement."""
        return self.page.locator(f"[data-kairos={placement}]")

    def shows(self, placement: str, text: str) -> None:
        """Waits until the placement says this."""
        expect(self.placed(placement)).to_contain_text(text, timeout=20_000)

    def slate(self, placement: str) -> list[str]:
        """The ids of the items that stand there and say why, once there are any."""
        told = self.placed(placement).locator("li:has(.told)")
        told.first.wait_for()
        ids: list[str] = told.evaluate_all("all => all.map(one => one.dataset.item)")
        return ids

    def reasons(self, placement: str) -> list[str]:
        """Why they are there."""
        return self.placed(placement).locator(".told p").all_inner_texts()

    def place_of(self, placement: str) -> dict[str, float]:
        """Where the placement is in the window, in pixels: x, y, width, height."""
        found = self.placed(placement).bounding_box()
        assert found is not None
        return {
            "x": found["x"],
            "y": found["y"],
            "width": found["width"],
            "height": found["height"],
        }

    def later(self, seconds: int) -> None:
        """Moves the visitor's clock, on this page and those that are opened; nobody waits."""
        self._ahead_s += seconds
        moved = f"window.aheadMs = {self._ahead_s * 1000}"
        self.page.context.add_init_script(moved)
        self.page.evaluate(moved)

    def wait_for_exposure(self, placement: str) -> None:
        """Looks at a placement for as long as it takes to count as seen."""
        self.placed(placement).scroll_into_view_if_needed()
        asked = self.session()
        wait_for(
            lambda: any(
                one.event_type == "decision_exposed" and one.properties["placement"] == placement
                for one in self.events(asked)
            )
        )

    def session(self) -> str:
        """The session's id."""
        return str(self.page.evaluate("kairos.ids().session_id"))

    def events(self, session_id: str | None = None) -> list[Event]:
        """What Kafka holds of this session a second later, in its order: all of it, however slow the machine is."""
        wanted = session_id or self.session()
        time.sleep(1.0)
        records = read_to_end(self.shop.kafka, [EVENTS])
        return [EVENT.decode(one.value) for one in records if one.key == wanted]

    def shifts(self) -> list[dict[str, Any]]:
        """Every jump of the layout so far."""
        found: list[dict[str, Any]] = self.page.evaluate("window.shifts")
        return found


@contextmanager
def slow(visitor: Visitor, path: str) -> Iterator[None]:
    """The API does not answer at this path, for as long as it takes."""
    visitor.page.route(f"**{path}", lambda _: None)
    try:
        yield
    finally:
        visitor.page.unroute(f"**{path}")


def open_own(visitor: Visitor, html: str, script: str) -> None:
    """Opens a page of somebody else that has loaded both files of the client."""
    page = f"""<!doctype html><link rel="icon" href="data:,"><script src="/client/kairos.js"></script>
      <script src="/client/kairos-capture.js"></script><body>{html}<script>{script}</script></body>"""

    def answer(route: Route) -> None:
        route.fulfill(body=page, content_type="text/html")

    visitor.page.route("**/own", answer)
    visitor.page.goto(visitor.shop.url + "/own")
