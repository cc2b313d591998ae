"""A marketer's offer on the console, with the keyboard alone: made, mended, previewed, published, taken back; axe beside it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.shop import Visitor
from tests.browser.test_console import accessible

pytestmark = pytest.mark.browser
OFFER = "autumn_by_form"
WORTH = 98_765
"""A cart so full that no other test meets the offer."""
TABS_MAX = 150


def test_an_offer_is_made_previewed_published_and_taken_back_by_keyboard(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(agrees=False)
    page, press = visitor.page, visitor.page.keyboard.press
    page.goto(f"{visitor.shop.url}/console/#/offers")
    expect(page.get_by_role("table", name="Offers")).to_contain_text("express_shipping")
    accessible(page, "the list")
    tab_to(page.get_by_role("button", name="New offer"))
    press("Enter")
    expect(page.get_by_role("heading", name="New offer")).to_be_focused()
    accessible(page, "an empty form")

    tab_to(page.get_by_role("button", name="Preview"))
    press("Enter")
    # nothing is filled in yet: each mistake stands at its field, and the first one has the focus
    name = page.get_by_label("Name in reports")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("give it a name"))
    accessible(page, "a form with mistakes")
    fill(page)
    expect(page.get_by_role("button", name="Publish …")).to_be_disabled()
    tab_to(page.get_by_role("button", name="Preview"))
    press("Enter")
    expect(page.get_by_label("Times a person")).to_be_focused()
    expect(page.get_by_label("Times a person")).to_have_accessible_description(
        re.compile("at most 32")
    )
    press("ControlOrMeta+a")
    page.keyboard.type("2")
    press("Enter")
    expect(page.get_by_role("heading", name="Preview")).to_be_focused()
    look_at_preview(page)
    tab_to(page.get_by_role("button", name="Save as draft"), press_key="Shift+Tab")
    press("Enter")
    expect(page.locator("#said")).to_contain_text(f"draft {OFFER} is saved")
    tab_to(page.get_by_role("button", name="Publish …"), press_key="Shift+Tab")
    press("Enter")
    confirm(page, "Publish")
    expect(page.locator("#said")).to_contain_text("decides from")
    row = page.get_by_role("row").filter(has_text=OFFER)
    expect(row).to_contain_text("2 times in 30 days")
    newest = page.request.get(f"{visitor.shop.url}/console/api/live").json()["history"][0]
    assert newest["note"] == "for the lambs wool"
    assert newest["author"]
    assert page.locator(":focus").count() == 1

    take_back(page, row)
    history = page.request.get(f"{visitor.shop.url}/console/api/live").json()["history"]
    assert history[0]["note"] == f"{OFFER} taken back"
    assert history[0]["version"] == history[2]["version"], "it is as before"


def look_at_preview(page: Page) -> None:
    """The card, who meets it, what would have been otherwise; what changes in the file is folded."""
    card = page.get_by_role("article")
    expect(card.get_by_role("heading")).to_have_text("Autumn for session.cart_item_name")
    expect(page.get_by_text(f"session.cart_value >= {WORTH}")).to_be_hidden()
    expect(page.locator(".reach")).to_contain_text(
        re.compile("met this|is not known"), timeout=30_000
    )
    tab_to(page.get_by_role("button", name="What if?"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("decisions over|is not known: the log"))).to_be_visible(
        timeout=30_000
    )
    accessible(page, "a preview")


def take_back(page: Page, row: Locator) -> None:
    """Takes the offer of a row back."""
    tab_to(row.get_by_role("button", name="Take back"))
    page.keyboard.press("Enter")
    confirm(page, "Take back")
    expect(row).to_have_count(0)


def fill(page: Page) -> None:
    """Fills the form in, from its first field on; one mistake is made."""
    for label, text in (
        ("Name in reports", OFFER),
        ("Title", "Autumn for {session.cart_item_name}"),
        ("Picture (address)", "/shop/icon.svg"),
    ):
        tab_to(page.get_by_label(label).first, may_be_there=True)
        page.keyboard.type(text)
    tab_to(page.get_by_role("checkbox", name="offer_bar"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("button", name="Add a condition"))
    page.keyboard.press("Enter")
    what = page.get_by_label("What", exact=True)
    expect(what).to_be_focused()
    page.keyboard.type("cart value")
    expect(what).to_have_value("session.cart_value")
    tab_to(page.get_by_label("With what"))
    page.keyboard.type(str(WORTH))
    tab_to(page.get_by_label("Times a person"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("33")
    tab_to(page.get_by_label("Note for colleagues"))
    page.keyboard.type("for the lambs wool")


def confirm(page: Page, answer: str) -> None:
    """Says yes to the question."""
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    tab_to(dialog.get_by_role("button", name=answer))
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()


def tab_to(wanted: Locator, *, press_key: str = "Tab", may_be_there: bool = False) -> None:
    """Presses Tab until this has the focus; `may_be_there`: it may have it already."""
    is_there = "one => one === document.activeElement"
    if may_be_there and wanted.evaluate(is_there):
        return
    for _ in range(TABS_MAX):
        wanted.page.keyboard.press(press_key)
        if wanted.evaluate(is_there):
            return
    raise AssertionError(f"{TABS_MAX} tabs did not lead to {wanted}")
