"""A moment of a person: all that retrieval, columns, rules, texts and suppression may look at."""

from typing import Final, NamedTuple

from schemas.events import Context, Event
from schemas.items import Item
from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from udfs.knowledge.knowledge import Knowledge, Known

NOBODY: Final = SessionContext(0, 0, 0)
NOWHERE: Final = Context()


class Moment(NamedTuple):
    """State and context after `event` was counted; `known` is what was in force then."""

    state: PersonState
    context: SessionContext
    event: Event
    knowledge: Knowledge
    known: Known
    own_name: str = ""
    """What the event's sender called it, where a policy says what it counts as."""

    @property
    def now_ms(self) -> int:
        """The event's time."""
        return self.event.event_time_ms

    @property
    def told(self) -> Context:
        """Where the event says that it comes from."""
        return self.event.context or NOWHERE

    def item(self, item_id: str | None) -> Item | None:
        """The item as the catalogue has it now."""
        return self.knowledge.item_at(item_id, self.now_ms) if item_id else None

    def written(self, item_id: str) -> Item | None:
        """The same as its owner wrote it: its price in its own currency, as whoever reads the catalogue has it."""
        return self.knowledge.catalogue.as_written(item_id, self.now_ms)

    def masked(self) -> "Moment":
        """The same moment of anybody: nothing of who it is and of what they did before this event."""
        return self._replace(state=PersonState(self.now_ms, self.now_ms), context=NOBODY)
