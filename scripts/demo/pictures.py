"""The pictures of the documentation: the demo shop, its tour and the console, each played in a real browser and kept."""

import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from jobs.config import PROJECT, Config
from schemas.errors import ConfigError, NotUp
from scripts.console import show
from scripts.ops.homes import elsewhere
from scripts.ops.status import status

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FOLDER: Final = PROJECT / "docs" / "pictures"
SIZES: Final = {"desk": (1280, 800), "phone": (390, 780)}
SHOES: Final = ("SKU-403", "SKU-402", "SKU-413")
SHELF: Final = "/shop/c/Sports/Running/Shoes"
PREMIUM_PAIR: Final = "SKU-425"
SETTLED_MS: Final = 1_500
"""Until explanations and charts of what is shown are drawn, too."""
COUNTED: Final = re.compile("met this")
"""What is said of an offer when it has been counted."""
COUNTED_MS: Final = 30_000
"""Counting in the log takes its time, beside the engine's work."""


class Picture(NamedTuple):
    """What is played before the picture is taken, in a window of this size and these colours.

    `play` is handed a page on the shop's front page, whose visitor has agreed to personalisation, and the address.
    """

    name: str
    play: Callable[["Page", str], None]
    size: Literal["desk", "phone"] = "desk"
    colours: Literal["light", "dark"] = "light"

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"{self.name}.png"


def pictures(config: Config, folder: Path) -> None:
    """Takes all pictures of the shop and console that run here, and says where they are; raises ConfigError."""
    address = status(config)["api"]["address"]
    if address is None:
        there = elsewhere(config.home, "docs --pictures")
        raise NotUp(f"no shop is open: `kairos demo` or `kairos up --shop` opens it{there}")
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise ConfigError("playwright is missing: `uv sync` installs it") from error
    path = chromium()
    if path is None:
        raise ConfigError("no Chromium on this machine: `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for one in PICTURES:
            try:
                file = take(browser, f"http://{address}", one, folder)
            except Error as error:
                why = error.message.splitlines()
                raise ConfigError(
                    f"{one.file} was not taken, those before it were: {why[0]} ({why[-1].strip(' -')})"
                ) from error
            show(f"{file} ({file.stat().st_size / 1024:.0f} KB)")
        browser.close()


def chromium() -> str | None:
    """The browser of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def take(browser: "Browser", url: str, picture: Picture, folder: Path) -> Path:
    """Plays a picture's visit to the shop at `url` and keeps what is then on the screen; its file.

    Raises ConfigError where the page names this machine.
    """
    width, height = SIZES[picture.size]
    setting: dict[str, Any] = {"viewport": {"width": width, "height": height}}
    context = browser.new_context(
        color_scheme=picture.colours, is_mobile=picture.size == "phone", reduced_motion="reduce",
        locale="en-GB", timezone_id="UTC", **setting,
    )  # fmt: skip
    try:
        page = context.new_page()
        page.goto(f"{url}/shop/")
        page.get_by_role("button", name="Yes, choose for me").click()
        picture.play(page, url)
        page.get_by_text("Looking it up").wait_for(state="hidden", timeout=COUNTED_MS)
        page.mouse.move(0, height - 1)  # so that nothing is as it is below a pointer
        page.wait_for_timeout(SETTLED_MS)
        named = names_here(page.locator("body").inner_text())
        if named:
            raise ConfigError(
                f"{picture.file} would show {', '.join(named)}, which is of this machine"
            )
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / picture.file)
    finally:
        context.close()
    return folder / picture.file


def names_here(text: str) -> list[str]:
    """What a text names of this machine: its host, a folder of its user or of this project."""
    here = {socket.gethostname(), str(Path.home()), str(PROJECT)} - {"localhost", "/"}
    return sorted(one for one in here if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text))


def _running_shoes(page: "Page", url: str) -> None:
    """Three shoes, a size, a review: the list and the hero answer to it."""
    for shoe in SHOES:
        page.goto(f"{url}/shop/p/{shoe}")
        page.locator("[data-kairos=list] .told").first.wait_for()
    page.goto(f"{url}{SHELF}")
    page.locator("input[name=facet-size][value='10']").check()
    page.goto(f"{url}/shop/p/SKU-402")
    page.locator("details summary").first.click()
    page.get_by_role("heading", name="Running shoe finder").wait_for()
    page.goto(f"{url}{SHELF}")
    page.get_by_role("heading", name="Shoes that support your arch").wait_for()
    page.evaluate("document.querySelector('.hero').scrollIntoView({block: 'start'})")


def _hesitation(page: "Page", url: str) -> None:
    """A premium pair in the cart and a look at the terms of delivery."""
    page.goto(f"{url}/shop/p/{PREMIUM_PAIR}")
    page.get_by_role("button", name="Put into the cart").click()
    page.locator("#main").get_by_role("link", name="Shipping & returns").first.click()
    page.locator(".offer-bar code").wait_for()
    page.get_by_role("heading", name="in stock right now").wait_for()


def _tour(page: "Page", url: str, steps: int) -> None:
    """The tour of second thoughts, up to the end of so many of its steps."""
    page.goto(f"{url}/shop/")
    page.get_by_role("button", name="Second thoughts").click()
    tour = page.get_by_role("region", name="Tour")
    for step, button in enumerate(
        ("To the shoes", "Show me where", "To Shipping & returns")[:steps]
    ):
        tour.locator(f"li:nth-child({step + 1})[aria-current=step]").wait_for()
        tour.get_by_role("button", name=button).click()
        if button == "Show me where":
            page.locator("#add.marked").click()
    if steps == len(SHOES):
        tour.locator(".outcome").wait_for()
    else:
        tour.locator(f"li.done:nth-child({steps})").wait_for()


def _begun_tour(page: "Page", url: str) -> None:
    """The second of three steps, and its place marked."""
    _tour(page, url, 1)
    page.get_by_role("region", name="Tour").get_by_role("button", name="Show me where").click()
    page.locator("#add.marked").wait_for()


def _whole_tour(page: "Page", url: str) -> None:
    """All three steps are done, and what has changed is marked."""
    _tour(page, url, 3)


def _console(page: "Page", url: str, name: str) -> None:
    """A page of the console; what it counts are the visits of the pictures before, and the demo's."""
    page.goto(f"{url}/console/#/{name}")


def _now(page: "Page", url: str) -> None:
    """What runs, how fast, and what is decided."""
    _running_shoes(page, url)
    _console(page, url, "now")
    page.locator(".tile").nth(1).get_by_text("/s").wait_for(timeout=COUNTED_MS)
    page.locator("figure svg rect.area").first.wait_for(timeout=COUNTED_MS)


def _today(page: "Page", url: str) -> None:
    """What became of each action."""
    _console(page, url, "today")
    page.get_by_role("table", name="Actions today").wait_for(timeout=COUNTED_MS)


def _person(page: "Page", url: str) -> None:
    """What a visitor sees now, and what they have spent of limits."""
    _hesitation(page, url)
    person = page.evaluate("kairos.ids().anonymous_id")
    page.goto(f"{url}/console/#/look?q={person}")
    limits = page.get_by_role("table", name="Limits")
    limits.wait_for(timeout=COUNTED_MS)
    _to_foot(limits)


def _offer(page: "Page", url: str) -> None:
    """An offer by form, with its preview."""
    _console(page, url, "offers")
    page.get_by_role("button", name="Change … express_shipping").click()
    page.get_by_label("Times a person").fill("2")
    reached = page.locator(".reach")
    reached.filter(has_text=COUNTED).wait_for(timeout=COUNTED_MS)
    _to_foot(reached)


def _experiments(page: "Page", url: str) -> None:
    """What to do about the demo's experiment, the numbers unfolded."""
    _console(page, url, "experiments")
    numbers = page.get_by_text("The numbers").first
    numbers.wait_for(timeout=COUNTED_MS)
    numbers.click()


def _business(page: "Page", url: str) -> None:
    """How visits go, day by day."""
    _console(page, url, "business")
    page.get_by_role("region", name="In words").wait_for(timeout=COUNTED_MS)


def _to_foot(place: "Locator") -> None:
    """Scrolls so that the place stands above the foot of the window."""
    place.evaluate("one => { one.scrollIntoView({block: 'end'}); scrollBy(0, 48); }")


PICTURES: Final = (
    Picture("shop-desk", _running_shoes),
    Picture("shop-phone", _hesitation, "phone"),
    Picture("shop-dark", _hesitation, colours="dark"),
    Picture("tour-desk", _begun_tour),
    Picture("tour-phone", _whole_tour, "phone"),
    Picture("tour-dark", _whole_tour, colours="dark"),
    Picture("console-desk", _now),
    Picture("console-phone", _now, "phone"),
    Picture("console-dark", _today, colours="dark"),
    Picture("console-person", _person),
    Picture("console-offer", _offer),
    Picture("console-experiments", _experiments),
    Picture("console-business", _business, "phone"),
)
