"""The demo shop's pictures for the documentation, taken in a real browser."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.config import Config
from schemas.errors import ConfigError, NotUp
from scripts.console import show, show_json
from scripts.ops.homes import elsewhere
from scripts.ops.status import status

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
DESK: Final[Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Final[Any] = {"viewport": {"width": 390, "height": 780}, "is_mobile": True}
SHOES: Final = ("SKU-403", "SKU-402", "SKU-413")
EXPLAINED_MS: Final = 1_500
"""Until the inspector has the explanation of what is shown, too."""


def screenshots(config: Config, folder: Path, *, is_json: bool) -> None:
    """Takes the pictures from the shop that runs here and says where they are; raises ConfigError."""
    address = status(config)["api"]["address"]
    if address is None:
        there = elsewhere(config.home, "shop screenshots")
        raise NotUp(f"no shop is open: `kairos demo` or `kairos up --shop` opens it{there}")
    made = take(f"http://{address}", folder)
    if is_json:
        show_json({"files": [str(path) for path in made]})
        return
    for path in made:
        show(f"{path} ({path.stat().st_size / 1024:.0f} KB)")


def take(url: str, folder: Path) -> list[Path]:
    """Plays two visits and keeps what is then on the screen; raises ConfigError without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigError("playwright is missing: `uv sync` installs it") from error
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise ConfigError("no Chromium on this machine: `apt-get install chromium`")
    folder.mkdir(parents=True, exist_ok=True)
    scenes = (("shop-desk.png", DESK, _running_shoes), ("shop-phone.png", PHONE, _hesitation))
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, setting, play in scenes:
            page = browser.new_page(reduced_motion="reduce", **setting)
            page.goto(f"{url}/shop/")
            page.get_by_role("button", name="Yes, choose for me").click()
            play(page, url)
            page.wait_for_timeout(EXPLAINED_MS)
            page.screenshot(path=folder / name)
            made.append(folder / name)
        browser.close()
    return made


def _running_shoes(page: "Page", url: str) -> None:
    """Three shoes, a size, a review: the list and the hero answer to it."""
    for shoe in SHOES:
        page.goto(f"{url}/shop/p/{shoe}")
        page.locator("[data-kairos=list] .told").first.wait_for()
    page.goto(f"{url}/shop/c/Sports/Running/Shoes")
    page.locator("input[name=facet-size][value='10']").check()
    page.goto(f"{url}/shop/p/SKU-402")
    page.locator("details summary").first.click()
    page.get_by_role("heading", name="Running shoe finder").wait_for()
    page.goto(f"{url}/shop/c/Sports/Running/Shoes")
    page.get_by_role("heading", name="Shoes that support your arch").wait_for()
    page.evaluate("document.querySelector('.hero').scrollIntoView({block: 'start'})")


def _hesitation(page: "Page", url: str) -> None:
    """A premium pair in the cart and a look at the terms of delivery."""
    page.goto(f"{url}/shop/p/SKU-425")
    page.get_by_role("button", name="Put into the cart").click()
    page.locator("#main").get_by_role("link", name="Shipping & returns").first.click()
    page.locator(".offer-bar code").wait_for()
    page.get_by_role("heading", name="in stock right now").wait_for()
