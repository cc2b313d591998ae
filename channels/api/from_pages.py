"""What a page can know, and so may say: anybody reads its key, so whatever comes with one may be made up.

Purchases, refunds and profiles are taken as well, unproven: the engine decides what that is worth. Pure.
"""

import re
from collections.abc import Sequence
from typing import Final

from schemas.errors import InvalidEvent
from schemas.events import Event

PAGE_EVENTS_MAX: Final = 100
"""In a request of a page; kairos.js sends 50 at most."""
REACTIONS_MAX: Final = 50
"""Exposures, clicks and dismissals in a request: a page has no more placements."""
REACTIONS: Final = frozenset({"decision_exposed", "decision_clicked", "decision_dismissed"})
NOT_OF_A_PAGE: Final = frozenset({"clock_ticked"})
"""Time is the engine's own. What a page *could* know is unproven instead."""
DECISION_ID: Final = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
"""As the engine makes them (`udfs/draw.py`)."""


def check_of_page(event: Event, before: Sequence[Event]) -> None:
    """Raises InvalidEvent for what no page can know; `before` are the events of the request that were taken."""
    if event.event_type in NOT_OF_A_PAGE:
        raise InvalidEvent("invalid_value", f"{event.event_type} is not for a page to say")
    if event.decision_id is not None and not is_decision_id(event.decision_id):
        raise InvalidEvent("invalid_value", "decision_id is none of ours")
    if event.event_type not in REACTIONS:
        return
    if event.decision_id is None:
        raise InvalidEvent("invalid_value", f"{event.event_type} needs a decision_id")
    if sum(one.event_type in REACTIONS for one in before) >= REACTIONS_MAX:
        raise InvalidEvent(
            "invalid_value", f"more than {REACTIONS_MAX} reactions to decisions at once"
        )


def is_decision_id(text: str) -> bool:
    """Whether the engine could have made it."""
    return DECISION_ID.match(text) is not None
