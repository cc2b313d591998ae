"""The shop explains itself: tours that lead to what changes, an inspector in plain words, a page that says where there is no shop."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.shop import Visitor
from tests.browser.test_everybody_in_browser import serious

pytestmark = pytest.mark.browser
NUMBERS = ("priority ", "propensity", "session.", "session_", "Policy ")


def in_shop(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    visitor.settle()


def test_the_inspector_speaks_plainly_and_folds_the_numbers(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    for name in ("Sports", "Kitchen", "Outdoor", "Home", "Sports", "Running shoes"):
        in_shop(visitor, name)
    visitor.open("/shop/p/SKU-402")
    visitor.slate("list")
    inspector = visitor.page.get_by_role("complementary", name="Inspector")
    expect(inspector).to_contain_text("items looked at")
    folded = inspector.locator("details")
    assert folded.count() >= 2
    expect(inspector.locator("details[open]")).to_have_count(0)
    seen = inspector.inner_text()
    assert [one for one in NUMBERS if one in seen] == []
    assert "struggle" not in inspector.inner_text().lower()
    assert "in vain" not in seen, "somebody who used the menu is not lost"
    inspector.get_by_text("The numbers: what could have been done").click()
    expect(inspector.get_by_role("heading", name="What could have been done")).to_be_visible()
    visitor.page.locator("details summary").first.click()  # a review: the engine has news
    expect(inspector).to_contain_text("review_read")
    expect(inspector.locator("details[open]")).to_have_count(1)


def test_an_engine_without_the_shops_items_says_so(visit: Callable[..., Visitor]) -> None:
    visitor = visit(agrees=False)
    page = visitor.page
    item = (
        '{"item_id": "mine", "name": "Mine", "category": "Tea/Pots", "tags": [], "attributes": {}}'
    )
    page.route("**/v1/items*", lambda route: route.fulfill(body=f'{{"items": [{item}]}}'))
    page.goto(f"{visitor.shop.url}/shop/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This engine has no demo shop")
    expect(page.locator("#main")).to_contain_text("kairos up --shop")
    assert page.locator("[data-kairos=list]").count() == 0


def chosen_tour(visitor: Visitor, name: str) -> Locator:
    """The tour, begun from the home page."""
    visitor.open("/shop/")
    welcome = visitor.page.get_by_role("region", name="What this is")
    expect(welcome).to_contain_text("A made-up shop")
    welcome.get_by_role("button", name=name).click()
    tour = visitor.page.get_by_role("region", name="Tour")
    expect(tour.get_by_role("heading")).to_be_focused()
    expect(tour.locator("li")).to_have_count(3)
    return tour


def step(tour: Locator, number: int, button: str) -> None:
    """Waits for a step, and lets the tour lead to its place."""
    expect(tour.locator("[aria-current=step]")).to_have_count(1)
    expect(tour.locator("li").nth(number - 1)).to_have_attribute("aria-current", "step")
    tour.get_by_role("button", name=button).click()


def ends_at(visitor: Visitor, tour: Locator, placement: str, words: str) -> None:
    """All three steps are done, and what changed is marked and in sight."""
    expect(tour.locator("li.done")).to_have_count(3, timeout=20_000)
    expect(tour.locator(".outcome")).to_contain_text(words)
    expect(visitor.page.locator(".marked")).to_have_count(1)
    expect(visitor.page.locator(f"[data-kairos={placement}].marked")).to_be_in_viewport()


def test_the_tour_of_running_shoes(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    tour = chosen_tour(visitor, "Running shoes")
    for look in range(3):
        if look:
            expect(tour).to_contain_text(f"({look} of 3)")
        step(tour, 1, "Open the next one")
    step(tour, 2, "To the shelf")
    expect(page.locator(".marked legend")).to_have_text("size")
    expect(page.locator(".marked")).to_be_in_viewport()
    page.locator(".marked input[value='10']").check()
    step(tour, 3, "To the reviews")
    expect(page.locator("details.marked")).to_contain_text("Soft, soft, soft")
    page.locator("details.marked summary").click()
    ends_at(visitor, tour, "list", "arch support")
    visitor.shows("list", "Because you read about arch support")
    tour.get_by_role("button", name="End the tour").click()
    expect(tour).to_be_hidden()
    expect(page.locator(".marked")).to_have_count(0)


def test_the_tours_of_second_thoughts_and_of_taste(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    tour = chosen_tour(visitor, "Second thoughts")
    step(tour, 1, "To the shoes")
    step(tour, 2, "Show me where")
    expect(page.locator("#add")).to_have_class("button marked")
    page.locator("#add").click()
    step(tour, 3, "To Shipping & returns")
    ends_at(visitor, tour, "offer_bar", "express delivery")
    tour.get_by_role("button", name="Not for me").click()
    step(tour, 1, "To the kettle")
    visitor.settle()
    unwanted = visitor.slate("list")[0]
    step(tour, 2, "Show me where")
    page.locator(f"[data-kairos=list] [data-item={unwanted}] [data-why]").click()
    expect(tour.locator("li.done")).to_have_count(2)
    page.locator(f"[data-kairos=list] [data-item={unwanted}] [data-kairos-skip]").click()
    ends_at(visitor, tour, "list", "will not come back")
    assert unwanted not in visitor.slate("list")


@pytest.mark.parametrize(
    ("motion", "behavior"), [("reduce", "instant"), ("no-preference", "smooth")]
)
def test_nothing_moves_for_those_who_do_not_want_it(
    visit: Callable[..., Visitor], motion: str, behavior: str
) -> None:
    visitor = visit()
    page = visitor.page
    page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    page.add_init_script(
        "const real = Element.prototype.scrollIntoView;"
        "Element.prototype.scrollIntoView = function (how) { window.how = how; real.call(this, how); };"
    )
    tour = chosen_tour(visitor, "Second thoughts")
    step(tour, 1, "To the shoes")
    expect(page.locator("#add.marked")).to_be_in_viewport()
    assert page.evaluate("window.how.behavior") == behavior


@pytest.mark.parametrize(("colours", "desk"), [("light", (1440, 900)), ("dark", (390, 844))])
def test_axe_finds_no_serious_fault_in_the_tour(
    visit: Callable[..., Visitor], colours: str, desk: tuple[int, int]
) -> None:
    visitor = visit(color_scheme=colours, desk=desk)
    tour = chosen_tour(visitor, "Second thoughts")
    assert serious(visitor, "begun") == []
    step(tour, 1, "To the shoes")
    expect(visitor.page.locator("#add.marked")).to_be_visible()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= desk[0]
    assert serious(visitor, "on its way") == []


def test_a_decision_that_comes_before_the_page_is_drawn_stays_marked(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open("/shop/")
    marked = visitor.page.evaluate(
        """async () => {
            const { Tour } = await import("/shop/tour.js");
            const tour = new Tour(document.createElement("section"), () => {});
            Object.assign(tour, { name: "doubt", at: 2 });
            tour.turned();
            tour.decided("offer_bar", { action_id: "express_shipping" });
            await new Promise((done) => setTimeout(done, 200));
            return [tour.isDone, document.querySelectorAll("[data-kairos=offer_bar].marked").length];
        }"""
    )
    assert marked == [True, 1]
