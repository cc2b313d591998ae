"""What kairos-capture.js tells of real clicks, scrolling, pointers, fields and films, and what it does not."""

import io
import wave
from base64 import b64encode
from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from schemas.events import Event
from scripts.demo.pictures import chromium
from tests.browser.shop import Shop, Visitor, open_own
from tests.e2e.homes import wait_for

pytestmark = pytest.mark.browser
PAIR: Final = "SKU-425"
SHOE: Final = "SKU-402"
EXIT_AFTER_MS: Final = 3_200
CAPTURED: Final = frozenset(
    {"page_scrolled", "page_left", "element_clicked", "form_hesitated", "video_played"}
)
PER_MINUTE: Final = 30


def told(visitor: Visitor, event_type: str, attribute: str | None = None) -> list[Event]:
    """Events of a type that say this, in their order."""
    return [
        one
        for one in visitor.events()
        if one.event_type == event_type and attribute in (None, one.attribute)
    ]


def hit(page: Page, x: float, y: float, times: int = 3) -> None:
    """Clicks so often on one spot, as fast as an angry hand."""
    for _ in range(times):
        page.mouse.click(x, y)


def middle_of(page: Page, selector: str) -> tuple[float, float]:
    place = page.locator(selector).first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def leave_by_the_top(page: Page) -> None:
    for y in (400, 120, 2, -20):
        page.mouse.move(600, y)


def test_who_clicks_in_anger_is_offered_help(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{SHOE}")
    expect(visitor.placed("assistant")).to_be_empty()
    x, y = middle_of(visitor.page, ".product-picture")
    hit(visitor.page, x, y)
    visitor.page.wait_for_timeout(1_200)
    assert len(told(visitor, "element_clicked", "rage_click")) == 3
    expect(visitor.placed("assistant")).to_be_empty()  # once is an accident
    hit(visitor.page, x, y)
    visitor.shows("assistant", "Does something not work?")
    angry = told(visitor, "element_clicked", "rage_click")
    assert len(angry) == 6
    assert len({one.value for one in angry}) == 1
    assert (angry[0].value or "").startswith("main/article/")
    times = [one.event_time_ms for one in angry]
    assert times == sorted(times)
    assert times[2] - times[0] <= 1_000
    assert [bool(one.placements) for one in angry] == [False, False, True] * 2


def test_who_takes_the_pointer_out_of_the_window_is_told_of_the_cart(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{PAIR}")
    visitor.page.get_by_role("button", name="Put into the cart").click()
    visitor.open("/shop/cart")
    visitor.page.mouse.move(600, 400)
    leave_by_the_top(visitor.page)  # too soon to mean anything
    visitor.page.wait_for_timeout(EXIT_AFTER_MS)
    assert told(visitor, "page_scrolled", "exit_intent") == []
    expect(visitor.placed("cart_banner")).not_to_contain_text("in stock right now")
    leave_by_the_top(visitor.page)
    visitor.shows("cart_banner", "in stock right now")
    leave_by_the_top(visitor.page)
    assert [one.value for one in told(visitor, "page_scrolled", "exit_intent")] == ["pointer"]


def test_a_finger_that_throws_the_page_up_is_about_to_go(visit: Callable[..., Visitor]) -> None:
    visitor = visit(desk=(390, 844), is_mobile=True, has_touch=True)
    visitor.open("/shop/c/Sports/Running/Shoes")
    visitor.page.wait_for_timeout(EXIT_AFTER_MS)
    finger = visitor.page.context.new_cdp_session(visitor.page)

    def swipe(begin: int, end: int, steps: int = 3) -> None:
        """A finger from one height of the screen to another."""
        moves = [
            ("touchMove", begin + (end - begin) * step / steps) for step in range(1, steps + 1)
        ]
        for kind, y in [("touchStart", begin), *moves]:
            finger.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 195, "y": y}]}
            )
        visitor.page.wait_for_timeout(300)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        visitor.page.wait_for_timeout(300)

    for _ in range(3):
        swipe(800, 50)
    assert visitor.page.evaluate("scrollY") > 1_500
    swipe(300, 700)  # back to the line above
    assert told(visitor, "page_scrolled", "exit_intent") == []
    for _ in range(4):
        swipe(50, 830)
        if told(visitor, "page_scrolled", "exit_intent"):
            break
        swipe(800, 50)  # a busy machine has taken its time for it: no throw
    assert [one.value for one in told(visitor, "page_scrolled", "exit_intent")] == ["scroll"]


def test_how_far_a_page_was_scrolled_is_told_once(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("/shop/c/Sports/Running/Shoes")
    page = visitor.page
    page.mouse.move(600, 500)
    for _ in range(2):
        page.mouse.wheel(0, 100_000)
        page.wait_for_timeout(500)
        page.mouse.wheel(0, -100_000)
        page.wait_for_timeout(500)
    first = [(one.page, one.value) for one in told(visitor, "page_scrolled")]
    assert first == [("/shop/c/Sports/Running/Shoes", one) for one in ("25", "50", "75", "90")]
    in_menu(visitor, "Outdoor")
    page.wait_for_timeout(500)
    assert len(told(visitor, "page_scrolled")) == 4  # the shop itself has scrolled to the top
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(500)
    again = {one.page for one in told(visitor, "page_scrolled")[4:]}
    assert again == {"/shop/c/Outdoor"}


def test_time_on_pages_is_that_in_which_somebody_was_there(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{SHOE}")
    page, session = visitor.page, visitor.session()
    page.mouse.move(500, 300)
    page.wait_for_timeout(2_200)
    page.mouse.move(520, 320)
    in_menu(visitor, "Outdoor")
    page.mouse.move(540, 340)
    visitor.later(300)  # nobody moves for five minutes: half a minute of it counts
    page.mouse.move(560, 360)
    page.evaluate("location = 'about:blank'")
    wait_for(lambda: len(left_of(visitor, session)) == 2)
    shoe, shelf = left_of(visitor, session)
    assert (shoe.page, shelf.page) == (f"/shop/p/{SHOE}", "/shop/c/Outdoor")
    assert 2 <= int(shoe.properties["seconds"]) <= 20
    assert 30 <= int(shelf.properties["seconds"]) <= 45


def left_of(visitor: Visitor, session: str) -> list[Event]:
    """What was told of pages that were left, but for the one on which was agreed."""
    return [
        one
        for one in visitor.events(session)
        if one.event_type == "page_left" and one.page != "/shop/"
    ]


def in_menu(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    visitor.settle()


def test_a_click_that_nothing_answers_is_told_and_one_that_works_is_not(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(agrees=False)
    open_own(
        visitor,
        """<main><details><summary>Folded</summary>Text</details><a href="#foot">Down</a> <h1>Head</h1>
        <button id="late">Late</button> <button id="asks">Asks</button> <button data-kairos-ignore>A stepper</button>
        <section><button>Nothing</button> <a href="javascript:void 0">Nor here</a></section>
        <p style="height: 3000px">Long</p><p id="foot">Foot</p></main>""",
        """kairos.consent(["analytics"]); KairosCapture.start(kairos);
        late.onclick = () => setTimeout(() => { document.querySelector("h1").textContent = "Changed"; }, 700);
        asks.onclick = () => fetch("/asked");""",
    )
    page = visitor.page
    page.route("**/asked", lambda route: route.fulfill(body="an answer at once"))
    for name in ("Folded", "Down", "Head", "Late", "Asks", "A stepper"):
        page.get_by_text(name, exact=True).click()
        page.wait_for_timeout(1_300)
    page.get_by_text("A stepper").click(click_count=3)
    page.wait_for_timeout(1_300)
    assert told(visitor, "element_clicked") == []
    for name in ("Nothing", "Nor here"):
        page.get_by_text(name).click()
        page.wait_for_timeout(1_300)
    dead = told(visitor, "element_clicked")
    assert [one.attribute for one in dead] == ["dead_click"] * 2
    assert [one.value for one in dead] == ["main/section/button", "main/section/a"]


def test_back_and_forth_is_told_where_it_was_quick(visit: Callable[..., Visitor]) -> None:
    visitor = visit(ago_s=120)
    for wait_s, wanted in ((60, 0), (0, 1)):
        visitor.open(f"/shop/p/{SHOE}")
        in_menu(visitor, "Outdoor")
        visitor.later(wait_s)
        visitor.page.go_back()
        visitor.settle()
        quick = told(visitor, "page_viewed", "back_and_forth")
        assert [one.page for one in quick] == [f"/shop/p/{SHOE}"] * wanted


def test_a_page_out_of_the_browsers_memory_is_told_to_be_open(shop: Shop, browser: Browser) -> None:
    """No script of it runs anew."""
    remembering = browser.browser_type.launch(
        executable_path=chromium(),
        args=["--no-sandbox"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    try:
        page = remembering.new_context().new_page()
        visitor = Visitor(shop, page, [])
        open_own(
            visitor,
            "<p>First</p>",
            "kairos.consent(['analytics']); kairos.page(); KairosCapture.start(kairos)",
        )
        session = visitor.session()
        page.evaluate("location = '/healthz'")
        page.wait_for_url("**/healthz")
        page.wait_for_timeout(500)
        page.evaluate("history.back()")
        wait_for(
            lambda: [one for one in visitor.events(session) if one.attribute == "back_and_forth"]
        )
    finally:
        remembering.close()


def test_who_hesitates_in_a_form_is_told_without_a_word_of_it(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{PAIR}")
    visitor.page.get_by_role("button", name="Put into the cart").click()
    visitor.open("/shop/checkout")
    page, field = visitor.page, visitor.page.get_by_label("Where to")
    field.click()
    page.keyboard.type("Privet Drive")
    page.wait_for_timeout(15_500)
    assert [one.value for one in told(visitor, "form_hesitated")] == ["long"]
    for _ in range(3):
        page.get_by_role("heading", level=1).click()
        field.click()
    said = told(visitor, "form_hesitated")
    assert [one.value for one in said] == ["long", "again"]
    assert {one.attribute for one in said} == {"main/form/input"}
    assert "Privet" not in "".join(map(str, visitor.events()))


def test_a_film_is_told_as_far_as_it_was_played(visit: Callable[..., Visitor]) -> None:
    visitor = visit(agrees=False)
    open_own(
        visitor,
        f"""<section data-item="SKU-1"><video id="film" src="{silence(4)}" muted></video></section>
        <video id="other" src="{silence(8)}" muted></video>""",
        "kairos.consent(['analytics']); KairosCapture.start(kairos)",
    )
    visitor.page.evaluate("film.play()")
    visitor.page.wait_for_function("film.ended")
    wait_for(lambda: len(told(visitor, "video_played")) == 4)
    played = told(visitor, "video_played")
    assert [one.value for one in played] == ["25", "50", "75", "100"]
    assert [one.item_ids for one in played] == [("SKU-1",), (), (), ()]
    visitor.page.evaluate("other.currentTime = 7.2; other.play()")
    visitor.page.wait_for_function("other.ended")
    visitor.page.wait_for_timeout(500)
    assert len(told(visitor, "video_played")) == 4  # wound on to its end


def test_without_analytics_nothing_is_captured(visit: Callable[..., Visitor]) -> None:
    opted_out = visit(agrees=False)
    opted_out.page.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    )
    for visitor, answer in ((visit(agrees=False), "Only what is needed"), (opted_out, None)):
        visitor.open(f"/shop/p/{SHOE}")
        misbehave(visitor)
        if answer:
            visitor.page.get_by_role("button", name=answer).click()
            misbehave(visitor)
        visitor.page.evaluate("kairos.track('cart_viewed')")
        wait_for(lambda visitor=visitor: "cart_viewed" in types(visitor))  # type: ignore[misc]
        assert not CAPTURED & set(types(visitor))
    agreed = visit()
    agreed.open(f"/shop/p/{SHOE}")
    misbehave(agreed)
    before = captured(agreed)
    assert {"page_scrolled", "page_left", "element_clicked"} == {one.event_type for one in before}
    agreed.page.evaluate("KairosCapture.stop()")
    misbehave(agreed)
    assert captured(agreed) == before


def test_no_more_than_thirty_events_a_minute(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open(f"/shop/p/{SHOE}")
    x, y = middle_of(visitor.page, ".product-picture")
    for _ in range(PER_MINUTE // 3 + 4):
        hit(visitor.page, x, y)
        visitor.page.wait_for_timeout(100)
    assert len(captured(visitor)) == PER_MINUTE


# --- what they do -------------------------------------------------------------------------------


def silence(seconds: int) -> str:
    """The address of a film without pictures."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(1)
            sound.setframerate(8_000)
            sound.writeframes(b"\x80" * 8_000 * seconds)
        return f"data:audio/wav;base64,{b64encode(file.getvalue()).decode()}"


def captured(visitor: Visitor) -> list[Event]:
    """What was told by itself of the page."""
    return [one for one in visitor.events() if one.event_type in CAPTURED and one.page != "/shop/"]


def types(visitor: Visitor) -> list[str]:
    return [one.event_type for one in visitor.events()]


def misbehave(visitor: Visitor) -> None:
    """Scrolls, clicks in anger, and goes to another page."""
    page = visitor.page
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(1_200)
    page.mouse.wheel(0, -100_000)
    page.wait_for_timeout(500)
    hit(page, *middle_of(page, ".product-picture"))
    page.evaluate("history.pushState({}, '', location.pathname + '/x')")
    page.evaluate("history.pushState({}, '', location.pathname.replace(/.x$/, ''))")
