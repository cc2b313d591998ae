"""A page that is told to wait: it waits so long, and loses nothing."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from tests.browser.test_addresses_in_browser import Handler, Recorder

pytestmark = pytest.mark.browser
WAIT_S: Final = 3
REFUSALS: Final = 2


class Strict(Handler):
    """Refuses the first events, and says for how long."""

    def do_POST(self) -> None:  # noqa: N802 - the name is the base's
        if not self.path.startswith(("/v1/events", "/v1/decisions")):
            super().do_POST()
            return
        self._take()
        times_s: list[float] = vars(self.server).setdefault("times_s", [])
        times_s.append(time.monotonic())
        body = json.dumps({"accepted": 0, "decisions": []}).encode()
        is_refused = len(times_s) <= REFUSALS
        self.send_response(429 if is_refused else 202)
        if is_refused:
            self.send_header("Retry-After", str(WAIT_S))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Runs while a test does."""
    with Recorder() as server:
        server.RequestHandlerClass = Strict
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_a_page_that_is_told_to_wait_waits_and_loses_nothing(
    browser: Browser, server: Recorder
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/page")
    page.evaluate("kairos.page()")
    sent = [
        page.evaluate(f"kairos.track('element_clicked', {{value: '{at}'}})") for at in range(120)
    ]

    def arrived() -> list[str]:
        asked = [one for one in server.asked if one.path in ("/v1/events", "/v1/decisions")]
        bodies: list[dict[str, Any]] = [json.loads(one.body) for one in asked[REFUSALS:]]
        return [event["event_id"] for body in bodies for event in body.get("events", [])]

    while not set(sent) <= set(arrived()):
        page.evaluate("kairos.page()")  # what is looked at meanwhile does not ask sooner
        page.wait_for_timeout(200)
    first, second, third, *_ = vars(server)["times_s"]
    assert second - first >= WAIT_S - 0.1
    assert third - second >= WAIT_S - 0.1
    assert [one for one in arrived() if one in sent] == sent
