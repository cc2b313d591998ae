"""What traces hold beyond what each always does, and who is told what else could have been chosen."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

Sight = tuple[str, tuple[str, ...]]
"""What a person would see of an action: the id of its treatment, and those of the items in their order."""


class Weighed(NamedTuple):
    """Of one decision, by action, the chance that it had to be chosen, and what would be seen of it."""

    decision_id: str
    chances: Mapping[str, float]
    sights: Mapping[str, Sight]


class Room(NamedTuple):
    """How many bytes key and value of a record may have, and the topic of the events that are decided on."""

    bytes_max: int
    topic: str


class Tracing(NamedTuple):
    """`share`: of so many decisions every feature is computed and kept, by a hash of their id; of the others those that
    the scorer reads, and their digest is kept. `room`: what a record may take; None = as much as it needs. `tell` is told of each decision what
    else could have been chosen: in one process, of who compares policies; it changes nothing.
    """

    share: float = 1.0
    room: Room | None = None
    tell: Callable[[Weighed], None] | None = None

    def keeps_matrix(self, decision_id: str) -> bool:
        """Whether the trace of this decision holds its matrix; the id is a hash of 32 hexadecimal digits."""
        return int(decision_id[:8], 16) < self.share * 2**32


WHOLE: Final = Tracing()
