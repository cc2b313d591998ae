"""Services: all that the endpoints work with, made by whoever starts the API."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from channels.api.access import Access
from channels.api.audit_log import Actor
from channels.api.came import Whereabouts
from channels.api.decision_stream import DecisionStream
from channels.api.door import Door
from channels.api.event_log import EventLog
from channels.api.knowledge import KnowledgeReader
from channels.api.measures import Measures
from channels.api.rates import Rates
from channels.api.read_events import Known
from channels.api.store_reader import StoreReader
from channels.api.visitors import Visitors

BUDGET_MS: Final = 50
KEY_REQUESTS_PER_S: Final = 5_000
SESSION_REQUESTS_PER_S: Final = 50
BURST_S: Final = 2.0
"""So many seconds' worth of requests may come at once."""

Explain = Callable[[str, "int | None"], "Mapping[str, Any] | None"]
"""By decision id and, if it is known, its event's time; None = not found. Blocks: called in a thread."""


Looked = Callable[[Actor, str, "Iterable[str]", "Mapping[str, str]"], None]
"""Writes down who looks at whom; raises ConfigError where it cannot. Blocks: called in a thread."""


@dataclass
class Services:
    """`say` and `explain` live in layers that channels may not import. `extra` is for the console."""

    access: Access
    door: Door
    log: EventLog
    decisions: DecisionStream
    store: StoreReader
    knowledge: KnowledgeReader
    visitors: Visitors
    say: Callable[[str, str, str], str]
    explain: Explain
    is_engine_up: Callable[[], bool]
    looked: Looked = lambda *_: None
    budget_ms: int = BUDGET_MS
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    shop_key: str = ""
    """Of the demo shop's own server; never in a page."""
    origins: frozenset[str] = frozenset()
    measures: Measures = field(default_factory=Measures)
    key_rates: Rates = field(
        default_factory=lambda: Rates(KEY_REQUESTS_PER_S, KEY_REQUESTS_PER_S * BURST_S)
    )
    session_rates: Rates = field(
        default_factory=lambda: Rates(SESSION_REQUESTS_PER_S, SESSION_REQUESTS_PER_S * BURST_S)
    )
    extra: dict[str, Any] = field(default_factory=dict)

    def known(self, now_ms: int) -> Known:
        """What events are read by beside their request."""
        version = self.knowledge.policy_at(now_ms)
        is_strict = version is not None and version.policy.strict_events
        names = version.policy.own_names if version is not None and is_strict else None
        return Known(self.whereabouts.places, names)
