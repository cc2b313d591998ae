"""What a visitor says of themselves counts in a real browser: preferences, withdrawal in an open page, Global Privacy Control."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from schemas.codec import DECISION
from schemas.topics import DECISIONS
from tests.browser.shop import Visitor
from tests.e2e.homes import Tail, wait_for

pytestmark = pytest.mark.browser
SHOES = ("SKU-403", "SKU-402", "SKU-413")


def likes_shoes(visitor: Visitor) -> None:
    """Looks at some, and opens the page that says what is assumed of that."""
    for shoe in SHOES:
        visitor.open(f"/shop/p/{shoe}")
    visitor.open("/shop/preferences")
    visitor.shows("preferences", "You like Shoes.")


def test_what_is_assumed_is_seen_and_changed_and_shows_in_the_next_list(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    page = visitor.page
    likes_shoes(visitor)
    page.get_by_label("Kitchen", exact=True).select_option("more of it")
    page.get_by_label("Your price level").select_option("the lower end")
    page.get_by_role("button", name="Save").click()
    visitor.shows("preferences", "You like Kitchen, Shoes.")
    visitor.shows("preferences", "You choose at the lower end of our prices.")
    visitor.shows("home", "Because you said you like Kitchen")
    page.get_by_label("Kitchen (you said so)").select_option("as you guess")
    page.get_by_label("Sports · Running · Shoes (we guess so)").select_option("less of it")
    page.get_by_role("button", name="Save").click()
    visitor.shows("preferences", "Sports · Running · Shoes (you said so)")
    expect(visitor.placed("preferences")).not_to_contain_text("You like Shoes")
    # what is not answered in time is sent again: it is one event still
    events = {one.event_id: one for one in visitor.events()}.values()
    stated = [one for one in events if one.event_type == "preference_stated"]
    assert [(one.attribute, one.value) for one in stated] == [
        ("category", "Kitchen"), ("price_level", "budget"), ("category", "-Sports/Running/Shoes"),
    ]  # fmt: skip


def test_an_open_page_shows_its_default_once_its_decision_is_taken_back(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{SHOES[0]}")
    visitor.open("/shop/")
    assert visitor.slate("home")
    # the engine alone is told: no page is asked for, so what the page shows now was pushed
    visitor.page.evaluate("kairos.track('consent_changed', {consent: []})")
    expect(visitor.placed("home").locator(".told")).to_have_count(0, timeout=20_000)
    expect(visitor.placed("home")).to_contain_text("What other visitors rate best")


def test_global_privacy_control_is_sent_with_every_event(visit: Callable[..., Visitor]) -> None:
    asks, says_nothing = visit(agrees=False), visit(agrees=False)
    asks.page.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    )
    for visitor, gpc in ((asks, True), (says_nothing, None)):
        visitor.open("/shop/help")
        visitor.page.evaluate("kairos.track('element_clicked', {value: 'x'})")
        visitor.page.wait_for_timeout(500)
        told = {one.context.gpc if one.context else None for one in visitor.events()}
        assert told == {gpc}


def test_who_asks_to_be_forgotten_is_somebody_new(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    likes_shoes(visitor)
    before = page.evaluate("kairos.ids()")
    visitor.open("/shop/privacy")
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_text("This browser stores no id of you.")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter(one => one.startsWith('kairos'))") == []
    after = page.evaluate("kairos.ids()")
    assert before["is_stored"]
    assert after["anonymous_id"] != before["anonymous_id"]
    told = visitor.events(before["session_id"])
    assert told[-1].event_type == "erasure_requested", "and nothing after it"
    with Tail(visitor.shop.kafka, DECISIONS) as tail:

        def theirs() -> list[str]:
            found = [DECISION.decode(one.value) for one in tail.read()]
            return [one.kind for one in found if one.person == before["anonymous_id"]]

        wait_for(lambda: theirs()[-1:] == ["purged"])
    visitor.open("/shop/")  # where whoever comes is asked
    page.get_by_role("button", name="Yes, choose for me").click()
    visitor.open("/shop/preferences")
    expect(visitor.placed("preferences")).not_to_contain_text("You like Shoes")
