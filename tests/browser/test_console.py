"""The console in a real browser: charts, look-up, a change with its question, keyboard, phone, axe."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from jobs.publish import Log
from tests.browser.shop import Shop, Visitor
from tests.e2e.homes import send_odd, wait_for

pytestmark = pytest.mark.browser
PAGES = (
    "now",
    "look",
    "today",
    "business",
    "experiments",
    "catalogue",
    "letters",
    "offers",
    "policy",
    "models",
    "audit",
)
PHONE = (390, 844)


@pytest.fixture
def page(visit: Callable[..., Visitor]) -> Page:
    """The console beside a visitor who has looked at a shoe."""
    visitor = visit()
    visitor.open("/shop/p/SKU-402")
    return open_console(visitor)


def open_console(visitor: Visitor) -> Page:
    visitor.page.goto(f"{visitor.shop.url}/console/")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Now")
    return visitor.page


def test_now_shows_charts_that_also_are_tables(page: Page) -> None:
    expect(page.get_by_label("Services")).to_contain_text("Decide job up")
    expect(page.locator(".tile").nth(1)).to_contain_text("/s", timeout=30_000)
    for title in ("Traffic", "Latency by hop", "Action mix"):
        figure = page.locator("figure", has=page.get_by_role("heading", name=title))
        expect(figure.get_by_role("img")).to_be_visible()
        figure.get_by_text("As a table").click()
        expect(figure.get_by_role("table")).to_be_visible()
    expect(page.locator("dl.facts")).to_contain_text("Policy")


def test_what_is_down_or_has_ended_is_named_with_its_cause(page: Page) -> None:
    troubles = page.get_by_label("What is down, or has ended by itself")
    expect(troubles.get_by_role("listitem")).to_have_count(0)

    def broken(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        failing = {"state": "failing", "cause": "no disk", "since_ms": found["at_ms"]}
        found["services"]["store"] |= failing
        found["services"]["api"] |= {
            "restarts": 2,
            "ended_ms": found["at_ms"],
            "reason": "no sense",
        }
        route.fulfill(response=answer, json=found)

    page.route(re.compile("/console/api/live"), broken)
    said = troubles.get_by_role("listitem")
    expect(said).to_have_text(
        [
            re.compile("^Store writer is failing since .+: no disk$"),
            re.compile("^API has ended by itself 2 times, last at .+: no sense$"),
        ],
        timeout=30_000,
    )
    expect(page.locator(".services .failing")).to_contain_text("Store writer failing")


def test_a_visitor_is_looked_up_and_their_decision_explained(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open("/shop/p/SKU-402")
    session = visitor.session()
    known = f"{visitor.shop.url}/console/api/person?named={session}"
    wait_for(lambda: visitor.page.request.get(known).ok)
    page = open_console(visitor)
    page.get_by_role("link", name="Look up").click()
    expect(page.get_by_label("Who, or which decision")).to_be_focused()
    page.keyboard.type(session)
    page.keyboard.press("Enter")
    expect(page.locator("h2.found")).to_contain_text(session)
    expect(page.get_by_role("heading", name="What they see now")).to_be_visible()
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".sentence")).to_contain_text(
        re.compile("chosen|competed in none"), timeout=30_000
    )
    decisions = page.get_by_role("table").filter(has_text="placement")
    decisions.locator("tbody tr").first.get_by_role("link").click()
    expect(page.locator("h2.found")).to_contain_text("Decision", timeout=30_000)
    expect(page.get_by_role("heading", name="Funnel: actions")).to_be_visible()
    expect(page.get_by_role("heading", name="What became of each action")).to_be_visible()


def test_what_a_visitor_has_spent_of_a_limit_is_told(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("/shop/p/SKU-425")
    visitor.page.get_by_role("button", name="Put into the cart").click()
    visitor.follow("Shipping & returns")
    visitor.shows("offer_bar", "Free express shipping")
    person = visitor.page.evaluate("kairos.ids().anonymous_id")
    page = open_console(visitor)
    page.goto(f"{page.url}#/look?q={person}")
    limits = page.get_by_role("table", name="Limits")
    given = limits.get_by_role("row").filter(has_text="express_shipping")
    expect(given).to_contain_text("once in 90 days", timeout=30_000)
    expect(given).to_contain_text("1 of 1")
    expect(given).to_contain_text("They have it now, until")
    expect(limits.get_by_role("row").filter(has_text="0 of 1").first).to_contain_text("Yes.")


def test_the_newest_decisions_and_their_people_are_there_to_click(page: Page) -> None:
    page.goto(page.url + "#/look")
    newest = page.get_by_role("table", name="The newest decisions")
    person = newest.locator("tbody tr").first.get_by_role("link").first
    name = person.inner_text()
    person.click()
    expect(page.locator("h2.found")).to_contain_text(name.removesuffix("…"))
    page.go_back()
    newest.locator("tbody tr").first.get_by_role("link").last.click()
    expect(page.locator("h2.found")).to_contain_text("Decision", timeout=30_000)


def test_the_day_and_the_catalogue_are_read(page: Page) -> None:
    page.goto(page.url + "#/today")
    actions = page.get_by_role("table", name="Actions today")
    expect(actions).to_contain_text("recommend_items", timeout=30_000)
    expect(actions).to_contain_text("makes no sense now")
    budgets = page.get_by_role("table", name="Budgets")
    expect(budgets.get_by_role("row").filter(has_text="express_shipping")).to_contain_text("7,000")
    met = page.get_by_role("table", name="Limits met")
    expect(met.get_by_role("row").filter(has_text="express_shipping")).to_contain_text("once in")
    page.get_by_role("link", name="Catalogue").click()
    page.get_by_label("Words of name, brand, category or tags").fill("gooseneck")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Items")).to_contain_text("ooseneck")


def test_a_change_is_checked_asked_about_and_told(page: Page) -> None:
    page.goto(page.url + "#/policy")
    page.get_by_role("button", name="Begin with the live one").click()
    field = page.get_by_label("Policy file (YAML)")
    expect(field).to_have_value(re.compile("placements"))
    publish = page.get_by_role("button", name="Publish …")
    expect(publish).to_be_disabled()
    text = field.input_value()
    field.fill(text + "no_such_field: 1\n")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".mistakes")).to_contain_text("no_such_field")
    expect(publish).to_be_disabled()
    field.fill(text + "nothing_priority: 0.000001\ncontact: {quiet_hours: {begin: 8, end: 8}}\n")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".changes")).to_contain_text("nothing_priority")
    expect(page.locator(".notice").filter(has_text="all hours are quiet")).to_be_visible()
    publish.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 changes against the live one")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#said")).to_be_empty()


def test_the_keyboard_alone_reaches_everything(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Now")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look up")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_too_wide(
    visit: Callable[..., Visitor], scheme: str
) -> None:
    visitor = visit(color_scheme=scheme, desk=PHONE if scheme == "dark" else (1280, 900))
    page = open_console(visitor)
    for name in PAGES:
        page.goto(f"{visitor.shop.url}/console/#/{name}")
        expect(page.locator(f".view.{name}")).not_to_be_empty()
        accessible(page, name)
    page.goto(f"{visitor.shop.url}/console/#/offers")
    page.get_by_role("button", name="Change … express_shipping").click()
    page.get_by_label("Times a person").fill("2")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("article").first).to_contain_text("EXPRESS-FREE")
    accessible(page, "an offer's form and card")


def accessible(page: Page, where: str) -> None:
    """Axe finds nothing serious, and nothing is wider than the screen."""
    found = Axe().run(page).response["violations"]
    serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert serious == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


def test_what_could_not_be_used_is_mended_and_sent_again(page: Page, shop: Shop) -> None:
    send_odd(Log(shop.kafka), "browser")
    page.get_by_role("link", name="Dead letters").click()
    kinds = page.get_by_role("table", name="All dead letters by reason")
    row = kinds.get_by_role("row").filter(has_text="invalid_value")
    expect(row).to_be_visible(timeout=30_000)
    row.get_by_role("button", name="Mend").click()
    expect(page.get_by_role("heading", name="Mend invalid_value of events")).to_be_focused()
    send = page.get_by_role("button", name="Send again …")
    expect(send).to_be_disabled()
    page.get_by_role("button", name="Show what it makes").click()
    expect(page.get_by_text("0 would be events")).to_be_visible(timeout=30_000)
    expect(send).to_be_disabled()
    page.get_by_label("Give fields a value").fill("event_type=product_viewed")
    page.get_by_role("button", name="Show what it makes").click()
    expect(page.get_by_text('+ event_type: "product_viewed"').first).to_be_visible(timeout=30_000)
    assert not Axe().run(page).response["violations"]
    send.click()
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(page.locator("p.sentence").filter(has_text="sent again")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Show what it makes").click()
    expect(page.get_by_text("sent before").first).to_be_visible(timeout=30_000)
