"""The browser's client: what it sends and when, what it keeps, how placements are filled, what it costs."""

import json
import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from channels.shop.pages import read_client
from tests.browser.shop import Visitor, slow
from tests.e2e.homes import wait_for

pytestmark = pytest.mark.browser
LOADS = 5
STUB = (
    "window.kairos = {track() {}, page() {}, key() {}, headers: () => ({}), context() {}, consent: () => [], ids: () => ({}),"
    "identify() {}, signOut() {}, isLink: () => true, isOptedOut: false};"
)


def types(visitor: Visitor, session_id: str | None = None) -> list[str]:
    return [one.event_type for one in visitor.events(session_id)]


def stored(visitor: Visitor) -> dict[str, str]:
    found: dict[str, str] = visitor.page.evaluate("({...localStorage})")
    return found


def test_exposure_counts_once_half_of_it_was_visible_for_a_second(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(desk=(1440, 400))
    visitor.open("/shop/p/SKU-482")
    list_below = visitor.placed("list")
    assert visitor.place_of("list")["y"] > 400
    list_below.scroll_into_view_if_needed()
    visitor.page.evaluate("scrollTo(0, 0)")  # less than a second
    visitor.page.wait_for_timeout(1_300)
    assert "decision_exposed" not in types(visitor)
    visitor.page.evaluate(
        "document.querySelector('[data-kairos=list]').scrollIntoView({block: 'center'})"
    )
    assert visitor.place_of("list")["height"] > 800
    visitor.page.wait_for_timeout(1_300)
    assert "decision_exposed" not in types(
        visitor
    )  # it is higher than the window: never half of it
    visitor.page.set_viewport_size({"width": 1440, "height": 900})
    visitor.page.evaluate(
        "document.querySelector('[data-kairos=list]').scrollIntoView({block: 'center'})"
    )
    visitor.wait_for_exposure("list")
    visitor.page.wait_for_timeout(1_300)
    exposed = [one for one in visitor.events() if one.event_type == "decision_exposed"]
    assert len(exposed) == 1
    assert exposed[0].event_id == f"{exposed[0].decision_id}/exposed"
    assert exposed[0].item_ids == tuple(visitor.slate("list"))
    assert exposed[0].properties["action_id"] == "recommend_items"


def test_what_is_still_to_be_sent_goes_with_a_beacon_on_leaving(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open("/shop/help")
    session = visitor.session()
    visitor.page.evaluate(
        "kairos.track('element_clicked', {value: 'the last thing'}); location = 'about:blank'"
    )
    wait_for(lambda: any(one.value == "the last thing" for one in visitor.events(session)))


def test_events_that_were_not_taken_are_sent_again_and_count_once(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open("/shop/help")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(json.loads(route.request.post_data or "")["events"][0]["event_id"])
        if len(refused) == 1:
            route.fulfill(status=503)
        else:
            route.fetch()  # taken, but the answer is lost
            route.abort()

    visitor.page.route("**/v1/events", refuse, times=2)
    sent = visitor.page.evaluate("kairos.track('element_clicked', {value: 'again'})")
    wait_for(lambda: any(one.event_id == sent for one in visitor.events()))
    visitor.page.wait_for_timeout(2_500)
    assert refused == [sent, sent]
    again = [one for one in visitor.events() if one.event_id == sent]
    assert len({one.event_id for one in again}) == 1
    visitor.complaints.clear()  # the refusals


def test_what_is_answered_before_it_is_logged_goes_again_and_is_told_once(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.page.add_init_script(
        "window.told = []; document.addEventListener('kairos:sent',"
        " ({detail}) => told.push(...detail.events.map((one) => one.event_type)))"
    )
    asked: list[str] = []

    def unlogged(route: Route) -> None:
        events = json.loads(route.request.post_data or "")["events"]
        asked.extend(one["event_type"] for one in events)
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"is_logged": False})

    visitor.page.route("**/v1/decisions", unlogged, times=1)
    visitor.open("/shop/p/SKU-402")
    assert "product_viewed" in asked
    # a function of the page's own to wait by would be `eval`, which its Content Security Policy forbids
    wait_for(lambda: visitor.page.evaluate("told.includes('product_viewed')"))
    visitor.page.wait_for_timeout(1_000)
    assert visitor.page.evaluate("told").count("product_viewed") == 1
    logged = {one.event_id for one in visitor.events() if one.event_type == "product_viewed"}
    assert len(logged) == 1


def test_without_consent_nothing_is_stored_and_ids_end_with_the_page(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(agrees=False)
    visitor.open("/shop/help")
    visitor.page.get_by_role("button", name="Only what is needed").click()
    before = visitor.session()
    assert stored(visitor) == {"kairos.consent": "[]"}
    wait_for(lambda: "consent_changed" in types(visitor, before))
    assert visitor.events(before)[-1].consent == ()
    visitor.open("/shop/help")
    assert visitor.session() != before
    assert visitor.page.context.cookies() == []


def test_with_consent_the_visitor_is_known_again_and_withdrawing_it_forgets(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(ago_s=31 * 60)
    visitor.open("/shop/help")
    before = visitor.page.evaluate("kairos.ids()")
    visitor.open("/shop/privacy")
    assert visitor.page.evaluate("kairos.ids()") == before
    assert visitor.events()[-1].consent == ("personalisation", "analytics")
    visitor.later(31 * 60)
    visitor.page.evaluate("kairos.track('page_scrolled')")
    after = visitor.page.evaluate("kairos.ids()")
    assert after["anonymous_id"] == before["anonymous_id"]
    assert after["session_id"] != before["session_id"]  # half an hour ends a session
    visitor.page.get_by_role("checkbox", name="Choosing for you").uncheck()
    visitor.page.get_by_role("button", name="Save").click()
    expect(visitor.page.get_by_text("This browser stores no id of you.")).to_be_visible()
    assert stored(visitor) == {"kairos.consent": '["analytics"]'}
    assert visitor.page.evaluate("kairos.ids().anonymous_id") != before["anonymous_id"]
    wait_for(lambda: "consent_changed" in types(visitor, after["session_id"]))


def test_global_privacy_control_is_obeyed_whatever_is_chosen(visit: Callable[..., Visitor]) -> None:
    visitor = visit(agrees=False)
    visitor.page.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    )
    visitor.open("/shop/privacy")
    expect(visitor.page.locator("#consent")).to_be_hidden()
    assert visitor.page.evaluate("kairos.consent(['personalisation'])") == []
    visitor.page.evaluate("kairos.track('page_scrolled')")
    wait_for(lambda: "page_scrolled" in types(visitor))
    assert {one.consent for one in visitor.events()} == {()}
    assert "kairos" not in stored(visitor)


def test_signing_in_names_the_person_and_signing_out_ends_that(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open("/shop/sign-in")
    visitor.page.get_by_label("A made-up name").fill("Ada Example")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_text("customer-ada-example").first).to_be_visible()
    wait_for(lambda: "identified" in types(visitor))
    visitor.open("/shop/preferences")
    visitor.page.get_by_label("Your size").select_option("10")
    visitor.page.get_by_role("button", name="Save").click()
    wait_for(lambda: "preference_stated" in types(visitor))
    stated = next(one for one in visitor.events() if one.event_type == "preference_stated")
    assert (stated.attribute, stated.value, stated.person_id) == (
        "size",
        "10",
        "customer-ada-example",
    )
    visitor.open("/shop/sign-in")
    theirs = visitor.session()
    visitor.page.get_by_role("button", name="Sign out").click()
    wait_for(lambda: "signed_out" in {one.event_type for one in visitor.events(theirs)})
    visitor.open("/shop/help")
    wait_for(lambda: "/shop/help" in {one.page for one in visitor.events()})
    assert visitor.session() != theirs, "who comes next is somebody else"
    assert {one.person_id for one in visitor.events()} == {None}
    assert visitor.events()[0].anonymous_id == visitor.events(theirs)[0].anonymous_id


def test_a_placement_without_an_answer_shows_its_default_in_time(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    with slow(visitor, "/v1/decisions"):
        visitor.open("/shop/c/Sports/Yoga")  # returns when all placements are visible
        expect(visitor.placed("list").get_by_role("heading", level=2)).to_have_text("Well liked")
        expect(visitor.placed("list").locator(".told")).to_have_count(0)
        expect(visitor.placed("list").locator("li")).to_have_count(8)
    visitor.complaints.clear()


def test_placements_move_nothing_and_what_they_cost(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    for path in ("", "p/SKU-403", "p/SKU-402", "p/SKU-413", "c/Sports/Running/Shoes"):
        visitor.open(f"/shop/{path}")
        visitor.page.wait_for_timeout(300)
        assert [one for one in visitor.shifts() if not one["isAnswer"]] == [], path
    visitor.page.evaluate("kairos.track('filter_applied', {attribute: 'size', value: '10'})")
    visitor.open("/shop/p/SKU-402")
    before = visitor.page.evaluate("document.documentElement.scrollHeight")
    visitor.page.evaluate(
        "kairos.track('review_read', {item_ids: ['SKU-402'], properties: {text: 'more arch support'}})"
    )
    visitor.shows("hero", "Running shoe finder")
    visitor.shows("list", "arch support")
    visitor.page.wait_for_timeout(300)
    assert visitor.shifts() == []  # the whole list and the hero have changed
    assert visitor.page.evaluate("document.documentElement.scrollHeight") == before
    took = visitor.page.locator(".hops").inner_text().replace("\n", " ")
    served = {"with": read_client().body.decode(), "without": STUB}
    times: dict[str, list[float]] = {"with": [], "without": []}
    for name in ("with", "without") * (LOADS + 1):  # both served by the test: that costs the same
        visitor.page.route("**/client/kairos.js", serving(served[name]))
        times[name].append(interactive_ms(visitor))
        visitor.page.unroute("**/client/kairos.js")
    with_client, without = times["with"][1:], times["without"][1:]  # the first loads are slower
    added_ms = statistics.median(with_client) - statistics.median(without)
    print(
        f"\nlayout shift from placements: 0; the client adds {added_ms:.0f} ms to interactive (median of {LOADS}: "
        f"{statistics.median(with_client):.0f} against {statistics.median(without):.0f} ms); {took}"
    )


def serving(body: str) -> Callable[[Route], None]:
    """Answers with this script."""
    return lambda route: route.fulfill(body=body, content_type="text/javascript")


def interactive_ms(visitor: Visitor) -> float:
    """From the start of a load until the page's scripts have run."""
    visitor.page.goto(visitor.shop.url + "/shop/")
    return float(
        visitor.page.evaluate(
            "performance.getEntriesByType('navigation')[0].domContentLoadedEventStart"
        )
    )
