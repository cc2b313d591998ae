"""The endpoints of the Decision API, in the order of its document. What they take and give stands in `bodies.py`."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from channels.api.handlers.decisions import decision, decision_there, decisions, recommendations
from channels.api.handlers.events import REACTED, events, sessions
from channels.api.handlers.explanations import explain, stream
from channels.api.handlers.health import healthz, metrics, readyz
from channels.api.handlers.items import categories, item, items
from channels.api.handlers.outcomes import outcomes

ENDPOINTS: Final[list[HTTPRouteHandler]] = [
    recommendations, decisions, decision, decision_there,
    events, *REACTED, sessions,
    stream, explain, outcomes,
    items, item, categories,
    healthz, readyz, metrics,
]  # fmt: skip
