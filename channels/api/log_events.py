"""What a request says happened, on its way into Kafka, to the dead letters, and into what is remembered of visitors."""

import time
from collections.abc import Iterable

from channels.api.bodies import Accepted
from channels.api.event_log import LogUnavailable
from channels.api.names import warnings_of
from channels.api.problems import ApiError
from channels.api.read_events import ReadEvents
from channels.api.services import Services
from channels.api.vouch import to_be_logged
from schemas.events import Event
from schemas.formats.field_names import Notices
from schemas.mask_attributes import NO_NAMES, in_small_letters


async def log_events(
    services: Services, read: ReadEvents, place: str, own: Notices | None = None
) -> Accepted:
    """Returns once Kafka has the events; those it has had from here already count as accepted.

    `own`: what there is to say of the request's own fields. Raises ApiError 503.
    """
    count = services.measures.count
    new = [one for one in read.events if not services.visitors.is_logged(one)]
    see(services, new)
    try:
        if new:
            logged = to_be_logged(new, services.decisions.find_id)
            await services.log.write(logged.events, is_page=logged.is_page)
    except LogUnavailable as error:
        count("kairos_api_events_total", len(new), outcome="failed")
        raise ApiError(
            503, f"the events were not taken, send them again: {error}", retry_after_s=1
        ) from error
    for one in new:
        services.visitors.remember_logged(one)
    count("kairos_api_events_total", len(new), outcome="accepted")
    count("kairos_api_events_total", len(read.events) - len(new), outcome="repeated")
    put_aside(services, place, read)
    warnings = warnings_of(own or Notices(), read.notices)
    return Accepted(len(read.events), tuple(one.rejected for one in read.bad), warnings)


def put_aside(services: Services, place: str, read: ReadEvents) -> None:
    """Keeps what cannot be an event among the dead letters; the caller has been told in any case."""
    if not read.bad:
        return
    services.measures.count("kairos_api_events_total", len(read.bad), outcome="rejected")
    policy = services.knowledge.policy_at(now_ms())
    hidden = (
        in_small_letters(policy.policy.sensitive_attributes) if policy is not None else NO_NAMES
    )
    try:
        services.log.dead_letters(place, read.bad, now_ms(), hidden)
    except LogUnavailable:
        services.measures.count("kairos_api_events_total", len(read.bad), outcome="failed")


def see(services: Services, events: Iterable[Event]) -> None:
    """Remembers of the visitors what answers need."""
    snapshot = services.knowledge.snapshot
    for event in events:
        item = snapshot.items.get(event.item_ids[0]) if event.item_ids else None
        services.visitors.see(event, (item.category or "") if item else "")


def now_ms() -> int:
    """The time by our clock, in epoch milliseconds."""
    return time.time_ns() // 1_000_000
