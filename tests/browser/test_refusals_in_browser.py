"""What the client does with what is refused: an odd event costs itself, and nobody is identified as nobody."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from channels.shop.pages import read_client

pytestmark = pytest.mark.browser
HTML: Final = (
    '<!doctype html><link rel="icon" href="data:,"><script src="/client/kairos.js"></script>'
)
BODY_BYTES_MAX: Final = 20_000
EVENTS: Final = 40


class Refusing(ThreadingHTTPServer):
    """Refuses a request whole where one of its events has the value `odd`, or where it is too large."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[dict[str, Any]] = []
        self.refused = 0


class Handler(BaseHTTPRequestHandler):
    server: Refusing
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/client/kairos.js":
            self._say(200, "text/javascript", read_client().body)
        else:
            self._say(200, "text/html", HTML.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        events = json.loads(body)["events"]
        status = 413 if len(body) > BODY_BYTES_MAX else 202
        status = 400 if any(one.get("value") == "odd" for one in events) else status
        if status == 202:
            self.server.taken += events
            rejected = [
                {"index": at, "reason": "rejected alone"}
                for at, one in enumerate(events)
                if one.get("value") == "rejected"
            ]
            return self._say(
                status, "application/json", json.dumps({"rejected": rejected}).encode()
            )
        self.server.refused += 1
        return self._say(status, "application/problem+json", b'{"detail":"the body is odd"}')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        """Says nothing."""

    def _say(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Refusing]:
    """Runs while a test does."""
    with Refusing() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def said() -> list[str]:
    """What the page says on its console."""
    return []


@pytest.fixture
def page(browser: Browser, server: Refusing, said: list[str]) -> Iterator[Page]:
    """A page with the client."""
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"http://127.0.0.1:{server.server_port}/page")
    yield page
    context.close()


def wait_for(page: Page, server: Refusing, count: int) -> list[str | None]:
    for _ in range(200):
        if len(server.taken) >= count:
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)
    return [one.get("value") for one in server.taken]


TRACK: Final = """([count, odd, size]) => {
  for (let at = 0; at < count; at++) {
    const value = at === odd ? "odd" : `v${at}`;
    kairos.track("element_clicked", { value, properties: { padding: "x".repeat(size) } });
  }
}"""


@pytest.mark.parametrize("odd", [0, 17, EVENTS - 1])
def test_an_event_that_spoils_its_batch_is_dropped_alone_and_named(
    page: Page, server: Refusing, said: list[str], odd: int
) -> None:
    page.evaluate(TRACK, [EVENTS, odd, 1])
    values = wait_for(page, server, EVENTS - 1)
    assert values == [f"v{at}" for at in range(EVENTS) if at != odd]
    assert server.refused <= 12  # halves of halves
    [warning] = [one for one in said if "kairos: not taken" in one]
    assert "the body is odd" in warning


def test_what_is_too_large_together_goes_in_parts(
    page: Page, server: Refusing, said: list[str]
) -> None:
    page.evaluate(TRACK, [EVENTS, -1, 1_500])
    assert wait_for(page, server, EVENTS) == [f"v{at}" for at in range(EVENTS)]
    assert [one for one in said if "kairos" in one] == []
    page.evaluate(TRACK, [1, -1, 2 * BODY_BYTES_MAX])
    page.evaluate(TRACK, [1, -1, 1])
    assert wait_for(page, server, EVENTS + 1)[EVENTS:] == ["v0"]
    assert len([one for one in said if "kairos: not taken" in one]) == 1


def test_an_event_that_is_rejected_by_its_place_is_named(
    page: Page, server: Refusing, said: list[str]
) -> None:
    page.evaluate(
        "kairos.track('element_clicked', {value: 'good'}); kairos.track('element_clicked', {value: 'rejected'})"
    )
    wait_for(page, server, 2)
    assert [one for one in said if "rejected alone" in one]


def test_nobody_is_identified_as_nobody(page: Page, server: Refusing, said: list[str]) -> None:
    page.evaluate(
        """for (const one of [undefined, null, NaN, "undefined", "null", "None", " ", "", 0, "0", {}, "NaN"])
            kairos.identify(one)"""
    )
    page.evaluate("kairos.track('element_clicked', {value: 'last'})")
    assert wait_for(page, server, 1) == ["last"]
    assert page.evaluate("kairos.ids()").get("person_id") is None
    assert len([one for one in said if "nobody is" in one]) == 12
    page.evaluate("kairos.identify(42)")
    wait_for(page, server, 2)
    assert (server.taken[1]["event_type"], server.taken[1]["person_id"]) == ("identified", "42")
