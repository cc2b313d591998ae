"""User agents: device, system and browser, and who is no person."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from schemas.enrich.user_agents import BOT, NO_BOTS, Agent, agent_of

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "wanted"),
    [
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {IOS} Version/17.0 Mobile/15E148 Safari/604.1", Agent("mobile", "iOS", "Safari")),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {IOS} CriOS/129.0 Mobile/15E148 Safari/604.1", Agent("mobile", "iOS", "Chrome")),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {IOS} FxiOS/129.0 Mobile/15E148 Safari/604.1", Agent("mobile", "iOS", "Firefox")),
        (f"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) {IOS} Version/17.0 Mobile/15E148 Safari/604.1", Agent("tablet", "iOS", "Safari")),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {KIT} Chrome/129.0.0.0 Mobile Safari/537.36", Agent("mobile", "Android", "Chrome")),
        (f"Mozilla/5.0 (Linux; Android 14; SM-X910) {KIT} Chrome/129.0.0.0 Safari/537.36", Agent("tablet", "Android", "Chrome")),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) {KIT} Version/4.0 Chrome/129.0.0.0 Mobile Safari/537.36", Agent("mobile", "Android", "Chrome")),
        (f"Mozilla/5.0 (Linux; Android 13; CUBOT X30) {KIT} Chrome/120.0 Mobile Safari/537.36", Agent("mobile", "Android", "Chrome")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/129.0.0.0 Safari/537.36 Edg/129.0", Agent(None, "Windows", "Edge")),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KIT} Chrome/129.0.0.0 Safari/537.36", Agent(None, "ChromeOS", "Chrome")),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS} Version/17.0 Safari/605.1.15", Agent(None, "macOS", "Safari")),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", Agent(None, "Linux", "Firefox")),
        (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) {KIT} Version/5.0 TV Safari/537.36", Agent("tv", "Tizen", "Safari")),
        (f"Mozilla/5.0 (X11; Linux x86_64) {KIT} HeadlessChrome/129.0.0.0 Safari/537.36", Agent(None, "Linux", "HeadlessChrome")),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 8)", Agent("mobile", "Android", "Android")),
        ("tracker/andr-5.0.0 android/11", Agent(None, "Android", None)),
        ("", Agent()),
        (None, Agent()),
    ],
)  # fmt: skip
def test_what_people_use(user_agent: str | None, wanted: Agent) -> None:
    assert agent_of(user_agent) == wanted


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {KIT} Chrome/129.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
        "facebookexternalhit/1.1",
        "GPTBot/1.2",
        "nobody-knows-this-bot/1.0",
        "Mozilla/5.0 (compatible; OwnCrawler)",
    ],
)
def test_what_no_person_sits_at(user_agent: str) -> None:
    assert agent_of(user_agent).device == BOT


@pytest.mark.parametrize("user_agent", ["curl/8.1", "okhttp/4.9", "python-requests/2.31", "Abbot Labs 1.0", "Robotics/1"])  # fmt: skip
def test_what_is_no_bot_by_its_name_alone(user_agent: str) -> None:
    assert agent_of(user_agent).device is None


def test_of_the_known_bots_nearly_all_are_known() -> None:
    texts = [
        text
        for one in CRAWLER_USER_AGENTS_DATA[::10]
        if NO_BOTS.isdisjoint(one.get("tags", ()))
        for text in one.get("instances", ())
    ]
    known = sum(agent_of(text).device == BOT for text in texts)
    assert len(texts) > 100
    assert known / len(texts) > 0.99


@given(st.text(alphabet=st.characters(), max_size=2_000))
def test_any_text_is_read(text: str) -> None:
    found = agent_of(text)
    assert all(one is None or 0 < len(one) <= 600 for one in found)
