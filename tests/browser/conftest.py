"""The shop on one engine for all browser tests, a Chromium per module, and a visitor per test."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from jobs.config import PROJECT
from scripts.demo.pictures import chromium
from tests.browser.shop import Shop, Visitor
from tests.e2e.homes import fresh_home, kafka_of

ARTEFACTS: Final = PROJECT / ".kairos" / "artefacts" / "browser"
CLOCK: Final = """
  const real = Date.now.bind(Date);
  window.aheadMs = 0; // tests move the visitor's clock with it
  Date.now = () => real() + window.aheadMs;
"""
SHIFTS: Final = """
  window.shifts = [];
  new PerformanceObserver((list) => list.getEntries().forEach((one) => window.shifts.push({
    value: one.value, isAnswer: one.hadRecentInput,
    of: one.sources.map(({node}) => node && (node.className || node.id || node.nodeName)),
  }))).observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """`kairos up --shop`: servers, jobs, store writer and API."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium`")
    with fresh_home(tmp_path_factory.mktemp("browser") / "kairos") as home:
        started = home.kairos("up", "--shop")
        assert started.returncode == 0, started.stderr
        found = home.status()
        yield Shop(home, f"http://{found['api']['address']}", kafka_of(found))
        assert home.kairos("down").returncode == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for one module: its event loop must not meet those of other tests."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(
    shop: Shop, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors: each a browser context of its own that has agreed to personalisation.

    With `ago_s` the visit begins so long ago: the log takes nothing that lies far ahead of its own clock.

    What a page complains of fails the test; its last look is kept as an artefact.
    """
    visitors: list[Visitor] = []

    def make(
        agrees: bool = True, desk: tuple[int, int] = (1440, 900), ago_s: int = 0, **more: Any
    ) -> Visitor:
        size = {"width": desk[0], "height": desk[1]}
        context = browser.new_context(viewport=size, reduced_motion="reduce", **more)  # type: ignore[arg-type]
        visitors.append(_visitor(shop, context, agrees, ago_s))
        return visitors[-1]

    yield make
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for number, visitor in enumerate(visitors):
        name = re.sub(r"\W+", "-", request.node.name)
        _keep(visitor.page, ARTEFACTS / f"{name}-{number}.png")
        visitor.page.context.close()
    assert [one for visitor in visitors for one in visitor.complaints] == []


def _visitor(shop: Shop, context: BrowserContext, agrees: bool, ago_s: int) -> Visitor:
    context.add_init_script(CLOCK + SHIFTS)
    context.set_default_timeout(20_000)
    page = context.new_page()
    visitor = Visitor(shop, page, [])
    page.on("console", lambda message: _hear(message, visitor.complaints))
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.later(-ago_s)
    if agrees:
        visitor.open("/shop/")
        page.get_by_role("button", name="Yes, choose for me").click()
    return visitor


def _hear(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type == "error":
        complaints.append(message.text)


def _keep(page: Page, path: Path) -> None:
    page.screenshot(path=path)
