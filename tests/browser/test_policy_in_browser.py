"""A policy on the console, with the keyboard alone but for the dates: kept as a draft, opened, scheduled to its end, taken back; axe beside it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import Visitor
from tests.browser.test_console import accessible
from tests.browser.test_offers_in_browser import confirm, tab_to

pytestmark = pytest.mark.browser
NAME = "sale-by-keyboard"


def test_a_policy_is_kept_scheduled_and_taken_back_by_keyboard(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(agrees=False)
    page, press = visitor.page, visitor.page.keyboard.press
    page.goto(f"{visitor.shop.url}/console/#/policy")
    text = page.get_by_label("Policy file (YAML)")
    tab_to(page.get_by_role("button", name="Begin with the live one"))
    press("Enter")
    expect(text).to_have_value(re.compile("offer_bar"))
    tab_to(text)
    press("ControlOrMeta+End")
    page.keyboard.type("no_such_field: 1\n")
    save(page)
    expect(page.locator("#said")).to_contain_text("is saved, with 1 mistake")
    row = page.get_by_role("table", name="Drafts").get_by_role("row").filter(has_text=NAME)
    expect(row).to_contain_text("1 mistake")
    expect(row).to_contain_text("for the winter")
    accessible(page, "a draft with a mistake")

    page.reload()
    tab_to(row.get_by_role("button", name="Open"))
    press("Enter")
    expect(text).to_be_focused()
    expect(text).to_have_value(re.compile("no_such_field"))
    press("ControlOrMeta+End")
    press("Shift+ArrowUp")
    page.keyboard.type("currency: SEK\n")
    save(page, is_named=True)
    expect(row).not_to_contain_text("mistake")
    schedule(page)
    take_back(page)
    tab_to(row.get_by_role("button", name="Delete"), press_key="Shift+Tab")
    press("Enter")
    confirm(page, "Delete")
    expect(row).to_have_count(0)
    expect(page.get_by_role("heading", name="Drafts")).to_be_focused()


def save(page: Page, *, is_named: bool = False) -> None:
    """Keeps what the text says as the draft of this name."""
    if not is_named:
        tab_to(page.get_by_label("Note for colleagues"))
        page.keyboard.type("for the winter")
        tab_to(page.get_by_label("Name of the draft"))
        page.keyboard.type(NAME)
    tab_to(page.get_by_role("button", name="Save as draft"))
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text(f"draft {NAME} is saved")


def schedule(page: Page) -> None:
    """Publishes it for a day to come, until another one."""
    check, publish = (
        page.get_by_role("button", name="Check"),
        page.get_by_role("button", name="Publish …"),
    )
    tab_to(check, press_key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(publish).to_be_enabled()
    expect(page.locator("#policy-zone")).to_contain_text("Time of Europe/Berlin")
    page.get_by_label("From", exact=True).fill("2098-03-01T09:00")
    page.get_by_label("Until", exact=True).fill("2098-03-02T09:00")
    tab_to(publish)
    page.keyboard.press("Enter")
    asked = "from 2098-03-01 09:00 (Europe/Berlin) on, until 2098-03-02 09:00 (Europe/Berlin)"
    expect(page.get_by_role("dialog")).to_contain_text(asked)
    confirm(page, "Publish")
    expect(page.locator("#said")).to_contain_text(re.compile("decides from .* until .* takes over"))


def take_back(page: Page) -> None:
    """What is scheduled stands there, and is taken back."""
    table = page.get_by_role("table", name="Scheduled")
    row = table.get_by_role("row").filter(has_text="2098-03-01 09:00 in Europe/Berlin")
    expect(row).to_contain_text("for the winter")
    expect(table).to_contain_text("takes over again")
    accessible(page, "a schedule")
    tab_to(row.get_by_role("button", name="Take back"), press_key="Shift+Tab")
    page.keyboard.press("Enter")
    confirm(page, "Take back")
    expect(page.get_by_text("Nothing is published for a time to come.")).to_be_visible()
    expect(page.get_by_role("heading", name="Scheduled")).to_be_focused()
    expect(page.get_by_role("table", name="Versions of the policy").first).to_contain_text(
        "taken back"
    )
