"""What traces hold beyond what each always does."""

from typing import Final, NamedTuple


class Room(NamedTuple):
    """How many bytes key and value of a record may have, and the topic of the events that are decided on."""

    bytes_max: int
    topic: str


class Tracing(NamedTuple):
    """`share`: of so many decisions every feature is computed and kept, by a hash of their id; of the others those that
    the scorer reads, and their digest is kept. `room`: what a record may take; None = as much as it needs.
    """

    share: float = 1.0
    room: Room | None = None

    def keeps_matrix(self, decision_id: str) -> bool:
        """Whether the trace of this decision holds its matrix; the id is a hash of 32 hexadecimal digits."""
        return int(decision_id[:8], 16) < self.share * 2**32


WHOLE: Final = Tracing()
