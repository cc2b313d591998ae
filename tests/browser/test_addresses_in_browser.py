"""What a page with a key asks for, as its server sees it: addresses stand in logs, so no token stands in them."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser

from channels.shop.pages import read_client

pytestmark = pytest.mark.browser
KEY: Final = "k-browser"
SESSION: Final = {"session_id": "s-1", "anonymous_id": "a-1", "token": "token-of-the-session"}
HTML: Final = f"""<!doctype html><script src="/client/kairos.js" data-key="{KEY}"></script>
<section data-kairos="hero"><h1 data-field="title">Default</h1></section>"""
DECISION: Final = {
    "placement": "hero", "decision_id": "d1", "action_id": "banner", "items": [], "content": {"title": "Pushed"},
    "valid_until_ms": 4_000_000_000_000,
}  # fmt: skip
SENT: Final = f": hello\n\nid: d1\nevent: decision\ndata: {json.dumps(DECISION)}\n\n"


class Asked(NamedTuple):
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: str


class Recorder(ThreadingHTTPServer):
    """Serves the page, and writes down what it asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []

    def of(self, path: str) -> list[Asked]:
        return [one for one in list(self.asked) if one.path.startswith(path)]


class Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._take()
        if self.path.startswith("/v1/stream"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for part in (SENT[:70], SENT[70:]):  # a message does not come in one piece
                self.wfile.write(part.encode())
                time.sleep(0.1)
            time.sleep(5)
            self.close_connection = True
        elif self.path == "/client/kairos.js":
            self._say("text/javascript", read_client().body)
        else:
            self._say("text/html", HTML.encode())

    def do_POST(self) -> None:
        self._take()
        is_session = self.path == "/v1/sessions"
        self._say("application/json", json.dumps(SESSION if is_session else {}).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        """Says nothing."""

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.path, headers, body))

    def _say(self, media_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Runs while a test does."""
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_no_address_of_a_page_with_a_key_holds_a_token(browser: Browser, server: Recorder) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/page")
    page.evaluate("kairos.identify('anna', 'token-of-anna'); kairos.page()")
    page.get_by_text("Pushed").wait_for()  # what the stream says is shown
    page.evaluate("kairos.track('element_clicked', {value: 'bye'}); location = 'about:blank'")
    while not any("bye" in one.body for one in server.of("/v1/events")):
        page.wait_for_timeout(50)
    (stream,) = server.of("/v1/stream")
    assert stream.headers["authorization"] == f"Bearer {KEY}"
    assert stream.headers["x-kairos-session"] == SESSION["token"]
    beacon = next(one for one in server.of("/v1/events") if "bye" in one.body)
    assert json.loads(beacon.body)["auth"] == {
        "key": KEY, "session": SESSION["token"], "person": "token-of-anna",
    }  # fmt: skip
    assert "authorization" not in beacon.headers
    for one in server.asked:
        seen = one.path + one.headers.get("referer", "")
        assert not any(word in seen for word in (KEY, SESSION["token"], "token-of-anna")), seen
