"""How a request of a page reached the door: by its user agent, and by its address, which is looked at and let go of."""

from collections.abc import Sequence
from typing import Any

from litestar import Request

from channels.api.access import Caller
from channels.api.addresses import Network, is_within
from channels.api.doorway import visit_of
from schemas.enrich.enrich_event import FROM_NOWHERE, Came
from schemas.enrich.places import NOWHERE, Places
from schemas.enrich.user_agents import agent_of


class Whereabouts:
    """Which addresses are the operator's own (KAIROS_INTERNAL_NETWORKS), and where the others are (KAIROS_PLACES)."""

    def __init__(self, internal: Sequence[Network] = (), places: Places | None = None) -> None:
        self._internal, self.places = internal, places

    def came(self, caller: Caller, request: "Request[Any, Any, Any]") -> Came:
        """Of a page's request; what a server sends tells nothing of the person whom it is about."""
        if not caller.is_visitor:
            return FROM_NOWHERE
        address = visit_of(request).address.partition("/")[0]
        place = self.places.of(address) if self.places is not None else NOWHERE
        agent = agent_of(request.headers.get("user-agent"))
        return Came(agent, place, is_within(address, self._internal))
