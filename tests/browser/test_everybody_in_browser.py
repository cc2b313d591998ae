"""The shop for everybody: by keyboard alone, on a telephone, with a screen reader (axe), light and dark."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.shop import Visitor

pytestmark = pytest.mark.browser
PAGES = (
    "", "c/Sports/Running/Shoes", "c/Kitchen", "p/SKU-402", "search?q=yoga", "cart", "checkout", "thanks", "help",
    "help/shipping-and-returns", "sign-in", "privacy", "preferences", "magazine", "a/ART-206",
    "running-shoe-finder", "no/such/page",
)  # fmt: skip
TABS_MAX = 80
PHONE = (390, 844)


def tab_to(visitor: Visitor, name: str) -> None:
    """Presses Tab until what is focused is called so."""
    for _ in range(TABS_MAX):
        visitor.page.keyboard.press("Tab")
        said = visitor.page.evaluate(
            "(one => one.matches('a, button, input, select, summary')"
            " ? one.getAttribute('aria-label') || one.innerText || one.value : '')(document.activeElement)"
        )
        if name in said:
            return
    raise AssertionError(f"{TABS_MAX} tabs did not lead to {name!r}")


def test_keyboard_alone(visit: Callable[..., Visitor]) -> None:
    visitor = visit(agrees=False)
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.open("/shop/")
    tab_to(visitor, "To the content")
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    visitor.open("/shop/")
    tab_to(visitor, "Yes, choose for me")
    press("Enter")
    expect(page.locator("#consent")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "main"
    visitor.open("/shop/")
    tab_to(visitor, "Search")
    page.keyboard.type("gooseneck")
    press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Found for “gooseneck”")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to(visitor, "gooseneck kettle")
    press("Enter")
    expect(page.locator(".product h1")).to_contain_text("gooseneck kettle")
    tab_to(visitor, "Put into the cart")
    press("Enter")
    expect(page.get_by_role("link", name="Cart, 1 pieces")).to_be_visible()
    page.locator("#inspect").focus()
    press("Enter")  # it is open beside a page that is wide enough
    expect(page.locator("#inspector")).to_be_hidden()
    press("Enter")
    expect(page.locator("#inspector")).to_be_visible()
    press("Escape")
    expect(page.locator("#inspector")).to_be_hidden()
    expect(page.locator("#inspect")).to_be_focused()


def test_telephone(visit: Callable[..., Visitor]) -> None:
    visitor = visit(desk=PHONE, is_mobile=True, has_touch=True)
    page = visitor.page
    for path in PAGES:
        visitor.open(f"/shop/{path}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], f"{path} is {width} px wide"
    visitor.open("/shop/p/SKU-402")
    expect(page.locator("#inspector")).to_be_hidden()
    page.get_by_role("button", name="Inspector").tap()
    sheet = page.locator("#inspector").bounding_box()
    assert sheet is not None
    assert sheet["width"] == PHONE[0]
    assert sheet["y"] > 0.2 * PHONE[1]
    page.get_by_role("button", name="Close the inspector").tap()
    expect(page.locator("#inspector")).to_be_hidden()
    assert {one.context.device for one in visitor.events() if one.context} == {"mobile"}


DARK = (
    "c/Sports/Running/Shoes",
    "p/SKU-402",
    "cart",
    "privacy",
    "a/ART-206",
    "running-shoe-finder",
)


@pytest.mark.parametrize(("colours", "pages"), [("light", PAGES), ("dark", DARK)])
def test_axe_finds_no_serious_fault_on_any_page(
    visit: Callable[..., Visitor], colours: str, pages: tuple[str, ...]
) -> None:
    visitor = visit(agrees=False, color_scheme=colours)
    faults = []
    for number, path in enumerate(pages):
        visitor.open(f"/shop/{path}")
        if (
            number == 1
        ):  # the first with the question for consent, the others with the inspector alone
            visitor.page.get_by_role("button", name="Yes, choose for me").click()
        faults += serious(visitor, path)
    visitor.open("/shop/p/SKU-425")
    visitor.page.get_by_role("button", name="Put into the cart").click()
    visitor.follow("Shipping & returns")
    visitor.shows("offer_bar", "Free express shipping")
    visitor.shows("cart_banner", "in stock right now")
    faults += serious(visitor, "with an offer")
    assert faults == []


def serious(visitor: Visitor, where: str) -> list[str]:
    found = Axe().run(visitor.page).response["violations"]
    return [
        f"{where}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
