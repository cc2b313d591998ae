"""What led somebody here: medium and source, of the campaign that an address names or of the site that a link stood on.

The parameters are those of https://support.google.com/analytics/answer/10917952; of ids of clicks only the advertiser is taken over.
"""

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from schemas.limits import STRING_LENGTH_MAX

UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
CAMPAIGN: Final = "utm_campaign"
CLICKS: Final = {
    "gclid": "google", "gbraid": "google", "wbraid": "google", "msclkid": "bing", "ttclid": "tiktok", "twclid": "x",
    "li_fat_id": "linkedin", "yclid": "yandex",
}  # fmt: skip
"""Parameters by which an advertiser knows a click again -> who it is; such clicks are paid (`cpc`)."""
PAID: Final = "cpc"
FIELDS_MAX: Final = 64
"""Parameters of an address that are looked at."""
QUERY_MAX: Final = 4_096

SEARCH, SOCIAL, EMAIL, ASSISTANT, REFERRAL = "search", "social", "email", "assistant", "referral"
SITES: Final = {
    SEARCH: (
        "google", "bing", "duckduckgo", "yahoo", "ecosia", "baidu", "yandex", "qwant", "startpage", "naver", "brave", "kagi",
        "seznam", "sogou", "swisscows",
    ),
    SOCIAL: (
        "facebook", "fb", "instagram", "twitter", "t.co", "x", "linkedin", "lnkd", "pinterest", "tiktok", "reddit", "youtube", "youtu",
        "threads", "snapchat", "xing", "vk", "weibo", "mastodon", "bsky", "tumblr", "whatsapp", "wa", "telegram", "t.me", "discord",
        "quora",
    ),
    ASSISTANT: ("chatgpt", "openai", "perplexity", "claude", "gemini.google", "copilot.microsoft"),
    EMAIL: ("mail.google", "mail.yahoo", "outlook.live", "outlook.office", "mail.ru", "webmail", "gmx", "mail.proton"),
}  # fmt: skip
"""By the name of a site, that in front of its country's or kind's ending, with what stands before it where that tells more."""
SOURCES: Final = {"t.co": "x", "twitter": "x", "fb": "facebook", "lnkd": "linkedin", "youtu": "youtube", "wa": "whatsapp", "t.me": "telegram"}  # fmt: skip
"""Other names of the same."""
MEDIUM_OF: Final = {name: medium for medium, names in SITES.items() for name in names}
SECOND_LEVEL: Final = frozenset({"co", "com", "org", "net", "ac", "gov", "edu"})
"""In front of a country's ending."""


class Origin(NamedTuple):
    """How somebody came (`search`, `social`, `email`, `assistant`, `referral`, or what the campaign says: `cpc`, `newsletter` …), and from where."""

    medium: str | None = None
    source: str | None = None


NO_ORIGIN: Final = Origin()


def place_of(url: str | None) -> tuple[str | None, str | None]:
    """Host and path of an address. Its query, its fragment and who is named before the host are nobody's business."""
    if url is None:
        return None, None
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].partition("://")
    if not mark:
        return None, scheme or None
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2].partition(":")[0]
    return host.lower() or None, slash + path or "/"


def campaign_in(url: str) -> dict[str, str]:
    """What the query of an address says of a campaign, as properties of an event; what else stands there is nobody's business."""
    query = url.partition("?")[2].partition("#")[0][:QUERY_MAX]
    if not query:
        return {}
    try:
        said = dict(parse_qsl(query, max_num_fields=FIELDS_MAX, errors="replace"))
    except ValueError:  # more of them than anybody has
        return {}
    found = {
        name: value
        for name in UTM
        if (value := said.get(name, "").strip()) and len(value) <= STRING_LENGTH_MAX
    }
    advertiser = next((who for name, who in CLICKS.items() if said.get(name)), None)
    if advertiser is not None and "utm_source" not in found:
        found |= {"utm_source": advertiser, "utm_medium": PAID}
    return found


@lru_cache(4_096)
def origin_of(referrer: str | None, source: str | None, medium: str | None) -> Origin:
    """Where an event's person came from: as its campaign says (`utm_source`, `utm_medium`), or by the address or host of the page before."""
    if source or medium:
        return Origin(medium.lower() if medium else None, source.lower() if source else None)
    host = _host(referrer) if referrer else ""
    if not host:
        return NO_ORIGIN
    for name in _names(host):
        if name in MEDIUM_OF:
            return Origin(MEDIUM_OF[name], SOURCES.get(name, name))
    return Origin(REFERRAL, host)


def _host(referrer: str) -> str:
    """Of an address, also one of an app (`android-app://com.google.android.gm`), or of a host by itself."""
    scheme, mark, _ = referrer.partition("://")
    host = place_of(referrer if mark else f"https://{referrer}")[0] or ""
    host = host.strip().strip(".")
    if mark and scheme.lower() == "android-app":
        return ".".join(reversed(host.split(".")))
    return host.removeprefix("www.") if "." in host else ""


def _names(host: str) -> list[str]:
    """The names that a site may be known by, the one that tells most first: `mail.google`, `google`; whole, too (`t.co`)."""
    parts = host.split(".")
    ending = 2 if len(parts) > 2 and len(parts[-1]) == 2 and parts[-2] in SECOND_LEVEL else 1
    own = parts[:-ending]
    found = [host, ".".join(own[-2:])] if len(own) > 1 else [host]
    return [*found, own[-1]] if own else found
