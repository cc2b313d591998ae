"""User agent -> kind of device, system, browser; and whether it is a program that nobody looks through.

Systems and browsers by the patterns of uap-core (https://github.com/ua-parser/uap-core), bots by the list of
https://github.com/monperrus/crawler-user-agents, both matched by ua-parser's engine in Rust.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ua_parser_rs import UserAgentExtractor

BOT: Final = "bot"
"""Kind of device of what no person sits at (`context.device`)."""
LENGTH_MAX: Final = 512
"""So many characters are looked at: no browser's has more, and patterns take longer on more."""
KNOWN_MAX: Final = 4_096
"""So many user agents are remembered; one that is not takes some 100 us."""
NO_BOTS: Final = frozenset({"http-library", "browser-automation"})
"""Kinds on the list of bots that are taken for none: what apps and servers ask through, and browsers that run a shop's own tests."""
OF_ANY_BOT: Final = r"(?:[a-z]|^|[^A-Za-z])(?:[Bb]ot|[Cc]rawler|[Ss]pider|[Ss]craper)(?:[/;)]|$)"
"""Those that call themselves one and are not on the list yet (CUBOT, in capitals, makes telephones)."""
DEVICES: Final = (
    ("ipad", "tablet"), ("tablet", "tablet"), ("mobi", "mobile"), ("dalvik", "mobile"), ("smart-tv", "tv"), ("smarttv", "tv"),
    ("appletv", "tv"), ("googletv", "tv"), ("crkey", "tv"),
)  # fmt: skip
"""Marks in lower case, the first that is found counts."""
ANDROID: Final = "android"
BROWSERS: Final = "mozilla/"
"""As user agents of browsers begin, in lower case: on Android they say `Mobile` on telephones only."""
OF_APPS: Final = ((ANDROID, "Android"), ("iphone", "iOS"), ("ipad", "iOS"), ("ios/", "iOS"))
"""Marks of systems in what apps and their trackers say of themselves."""
SYSTEMS: Final = {
    "Mac OS X": "macOS", "Chrome OS": "ChromeOS", "Ubuntu": "Linux", "Debian": "Linux", "Fedora": "Linux",
    "Red Hat": "Linux", "Arch Linux": "Linux", "openSUSE": "Linux", "Linux Mint": "Linux",
}  # fmt: skip
"""Other names than uap-core's."""
VARIANT: Final = re.compile(r"^Mobile |(?: (?:Mobile|iOS|WebView|UI/WKWebView))+$")
"""What uap-core says of a browser beside its name."""


class Agent(NamedTuple):
    """What a user agent says; `device` is `bot`, tablet, mobile, tv, or None where it does not tell: a desktop, most often."""

    device: str | None = None
    os: str | None = None
    browser: str | None = None


NO_AGENT: Final = Agent()


@lru_cache(KNOWN_MAX)
def agent_of(user_agent: str | None) -> Agent:
    """What it says; of nothing, nothing."""
    if not user_agent:
        return NO_AGENT
    text = user_agent[:LENGTH_MAX].encode(errors="replace").decode()
    if _bots().extract(text) is not None:
        return Agent(BOT, *_names(text))
    return Agent(_device(text.lower()), *_names(text))


def _device(lower: str) -> str | None:
    found = next((kind for mark, kind in DEVICES if mark in lower), None)
    if found is None and lower.startswith(BROWSERS) and ANDROID in lower:
        return "tablet"
    return found


def _names(text: str) -> tuple[str | None, str | None]:
    """System and browser."""
    from ua_parser import parse_os, parse_user_agent

    system, browser = parse_os(text), parse_user_agent(text)
    of_app = next((name for mark, name in OF_APPS if mark in text.lower()), None)
    return (
        SYSTEMS.get(system.family, system.family) if system is not None else of_app,
        VARIANT.sub("", browser.family) if browser is not None else None,
    )


@cache
def _bots() -> "UserAgentExtractor":
    """Compiled once, where a user agent is read at all."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA
    from ua_parser_rs import UserAgentExtractor

    listed = [
        one["pattern"]
        for one in CRAWLER_USER_AGENTS_DATA
        if NO_BOTS.isdisjoint(one.get("tags", ()))
    ]
    return UserAgentExtractor([(one, BOT, None, None, None, None) for one in (*listed, OF_ANY_BOT)])
