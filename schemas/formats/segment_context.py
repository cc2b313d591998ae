"""Where a call of Segment's came from: device, place, campaign, channel."""

from typing import Final

from schemas.enrich.origins import place_of
from schemas.enrich.user_agents import agent_of
from schemas.formats.foreign_json import Given, part, text, url_of
from schemas.times import utc_offset_min

CHANNELS: Final = {"browser": "web", "web": "web", "mobile": "app", "server": "server"}
"""`channel` of a call -> ours; `client` says neither."""
UTM: Final = (
    ("source", "utm_source"),
    ("medium", "utm_medium"),
    ("term", "utm_term"),
    ("content", "utm_content"),
)
AT: Final = "context."


def channel_of(call: Given, kind: str, has_page: bool) -> str | None:
    """What the call says, else what it is: a screen is an app's, a page the web's."""
    said = CHANNELS.get(text(call, "channel") or "")
    if said is None and kind == "screen":
        return "app"
    return "web" if said is None and (has_page or kind == "page") else said


def context_of(context: Given, page: Given, properties: Given, time_ms: int) -> dict[str, object]:
    """Fields of Context; the IP address is never taken over."""
    device, location = part(context, "device", AT), part(context, "location", AT)
    said = text(context, "userAgent", AT)
    agent = agent_of(said)
    system = text(part(context, "os", AT), "name", f"{AT}os.")
    return {
        "device": agent.device or _device(text(device, "type", f"{AT}device."), said),
        "os": system or agent.os,
        "browser": agent.browser,
        "country": text(location, "country", f"{AT}location."),
        "city": text(location, "city", f"{AT}location."),
        "referrer": _referrer(context, page, properties),
        "campaign": text(part(context, "campaign", AT), "name", f"{AT}campaign."),
        "utc_offset_min": utc_offset_min(text(context, "timezone", AT), time_ms),
    }


def campaign_of(context: Given) -> dict[str, str]:
    """The campaign's other parts, and the language, as properties."""
    campaign = part(context, "campaign", AT)
    found: dict[str, str] = {}
    for name, ours in UTM if campaign else ():
        if (said := text(campaign, name, f"{AT}campaign.")) is not None:
            found[ours] = said
    locale = text(context, "locale", AT)
    return found if locale is None else found | {"locale": locale}


def _device(kind: str | None, agent: str | None) -> str | None:
    """Where the user agent does not tell: phones call themselves by their system."""
    if kind is not None:
        return "mobile" if kind.lower() in ("ios", "android") else kind.lower()
    return "desktop" if agent is not None else None


def _referrer(context: Given, page: Given, properties: Given) -> str | None:
    """The host of another site."""
    at = f"{AT}page."
    said = url_of(page, "referrer", at) or url_of(properties, "referrer", "properties.")
    said = said or url_of(part(context, "referrer", AT), "url", f"{AT}referrer.")
    host = place_of(said)[0]
    if host is None:
        return None
    own = place_of(url_of(page, "url", at) or url_of(properties, "url", "properties."))[0]
    return host if host != own else None
