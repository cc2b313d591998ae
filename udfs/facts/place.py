"""Place: where the event that asks comes from."""

from typing import Final

from udfs.facts.fact import Room, context
from udfs.facts.types import STRING
from udfs.facts.view import bucket
from udfs.policy.compiled_events import origin

FACTS: Final = (
    context("event_type", STRING, "type of the event that asks", lambda m: m.event.event_type),
    context("event_name", STRING, "what its sender called the event that asks: its type, or a name of the sender's own", lambda m: m.own_name or m.event.event_type),
    context("channel", STRING, "where it comes from: web, app, email ...", lambda m: m.event.channel or m.context.channel),
    context("page", STRING, "the page that the event names", lambda m: m.event.page),
    context("item", STRING, "id of the event's first item", lambda m: m.event.item_ids[0] if m.event.item_ids else None),
    context("device", STRING, "kind of device: desktop, mobile, tablet, tv, or `bot`", lambda m: m.told.device, "context_device", scale=bucket),
    context("os", STRING, "operating system", lambda m: m.told.os),
    context("browser", STRING, "browser", lambda m: m.told.browser),
    context("country", STRING, "country, by its code of ISO 3166-1 (DE) as far as the sender says so", lambda m: m.told.country, "context_country", scale=bucket),
    context("city", STRING, "city", lambda m: m.told.city),
    context("region", STRING, "part of the country, by its code of ISO 3166-2 (CA, US-CA)", lambda m: m.told.region),
    context("currency", STRING, "currency in which the event's page or app shows prices", lambda m: m.told.currency),
    context("referrer", STRING, "address of the page that led here", lambda m: m.told.referrer, "context_referrer", scale=bucket),
    context("campaign", STRING, "campaign that led here", lambda m: m.told.campaign),
    context("medium", STRING, "how somebody came here, as the event tells: `search`, `social`, `email`, `assistant`, `referral` by the referrer, or the campaign's `utm_medium` (`cpc` …)", lambda m: origin(m.event).medium),
    context("source", STRING, "from where: the site's name (`google`) or host, or the campaign's `utm_source`", lambda m: origin(m.event).source),
    context("language", STRING, "language that the event names", lambda m: m.event.properties.get("language")),
)  # fmt: skip

ROOM: Final = Room("place", FACTS)
