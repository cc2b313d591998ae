"""Events of one session that ask for rankings and answer them, by seconds after noon."""

from typing import Any

from schemas.events import Event
from schemas.limits import SECOND_MS
from tests.builders import NOON, make_event


def at(seconds: float, event_type: str, *item_ids: str, **fields: Any) -> Event:
    return make_event(
        **{"event_id": f"{event_type}-{seconds}", "event_type": event_type, "item_ids": item_ids,
           "event_time_ms": NOON + int(seconds * SECOND_MS)} | fields
    )  # fmt: skip


def request(seconds: float, event_id: str, *item_ids: str, **fields: Any) -> Event:
    return at(
        seconds, "ranking_requested", event_id=event_id,
        candidates=[{"item_id": one, "position": n} for n, one in enumerate(item_ids)], **fields,
    )  # fmt: skip
