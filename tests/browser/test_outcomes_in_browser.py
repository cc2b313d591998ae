"""What a marketer reads of experiments and of the business: the verdict in words, numbers one click away; over a log of outcomes in the running engine."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.measured import DAYS, EXPERIMENT, hold_out, write_outcomes
from tests.browser.shop import Shop, Visitor
from tests.browser.test_console import accessible

pytestmark = pytest.mark.browser
READ_MS = 120_000
"""The log is read in a process beside the API's, after everything else that this machine does."""


@pytest.fixture(scope="module", autouse=True)
def measured(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = hold_out(shop.home.kairos, tmp_path_factory.mktemp("policy"))
    write_outcomes(shop.kafka)
    yield
    back = shop.home.kairos("policy", "publish", str(before), "--reason", "the test is over")
    assert back.returncode == 0, back.stderr


@pytest.fixture
def page(visit: Callable[..., Visitor]) -> Page:
    visitor = visit(agrees=False)
    visitor.page.goto(f"{visitor.shop.url}/console/#/experiments")
    return visitor.page


def test_a_marketer_reads_what_to_do_and_why_and_the_numbers_are_one_click_away(
    page: Page, shop: Shop
) -> None:
    mine = page.get_by_role("region", name=EXPERIMENT)
    expect(mine).to_contain_text("Make six the policy: everybody gets it.", timeout=READ_MS)
    expect(mine).to_contain_text(re.compile(r"revenue per visit is better: .+ \(between \+.+% and \+.+%\)"))  # fmt: skip
    expect(mine).to_contain_text("bounce did not become worse as far as can be told")
    said = shop.home.kairos("experiment", "show", EXPERIMENT).stdout
    assert "Make six the policy: everybody gets it." in said, "one fact, one place"
    expect(mine.get_by_role("table")).to_have_count(0)
    accessible(page, "experiments in words")
    mine.get_by_text("The numbers").click()
    row = mine.get_by_role("row").filter(has_text="revenue per visit").first
    expect(row).to_contain_text(re.compile(r"\+\d+\.\d%"))
    expect(mine.get_by_role("img").first).to_be_visible()
    accessible(page, "experiments in numbers")
    earns = page.locator(".card").filter(has_text="What personalisation earns")
    expect(earns).to_contain_text(
        re.compile(r"Personalisation earns \+.+ EUR a person against the holdout \(95 %: \+")
    )


def test_the_business_is_read_in_words_by_day_and_of_a_choice(page: Page) -> None:
    page.get_by_role("link", name="Business").click()
    said = page.get_by_role("region", name="In words")
    expect(said).to_contain_text(re.compile("People with personal recommendations spend .+% more a visit than people without"), timeout=READ_MS)  # fmt: skip
    days = page.locator("figure", has=page.get_by_role("heading", name="Day by day"))
    expect(days.get_by_role("img")).to_be_visible()
    expect(days).to_contain_text("revenue per visit")
    days.get_by_text("As a table").click()
    assert days.get_by_role("row").count() > DAYS / 2
    expect(page.get_by_role("table", name="KPIs")).to_be_hidden()
    page.get_by_text("The numbers").click()
    kpis = page.get_by_role("region", name="KPIs").get_by_role("row")
    expect(kpis.filter(has_text="conversion").first).to_contain_text("%")
    page.get_by_label("KPI", exact=True).select_option("conversion")
    expect(days).to_contain_text("visits in which something is bought")
    accessible(page, "the business in numbers")
    page.get_by_label("Of").select_option(label="recommend_items")
    expect(page).to_have_url(re.compile("by=action&value=recommend_items"))
    expect(page.get_by_role("region", name="In words")).to_contain_text("click on")


def test_alerts_stand_newest_first_in_words_with_their_evidence_one_click_away(page: Page) -> None:
    page.get_by_role("link", name="Business").click()
    alerts = page.get_by_role("region", name="Alerts")
    told = alerts.get_by_role("listitem")
    expect(told).to_have_count(2, timeout=READ_MS)
    expect(told.first).to_contain_text("what is paid, less what is given back: 90% less")
    expect(told.first.get_by_text("bad news", exact=True)).to_be_visible()
    expect(told.last.get_by_text("no bad news", exact=True)).to_be_visible()
    expect(alerts).to_contain_text("Records of the topic that are no alerts, left out: 1.")
    expect(told.first.get_by_role("table")).to_be_hidden()
    accessible(page, "alerts in words")
    told.first.get_by_text("The evidence").click()
    rows = told.first.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("3,100")
    expect(rows.nth(2)).to_contain_text("because of placement cart")
    expect(told.last.get_by_role("table")).to_be_hidden()
    accessible(page, "alerts with their evidence")
