"""What a step of the core returns: state, outputs, the next timer, and what to count."""

from typing import NamedTuple

from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.state.person import PersonState
from schemas.state.session import SessionNews, SessionState


class SessionOutcome(NamedTuple):
    """`timer_ms` is when to call `expire_session` (event time), None = never."""

    state: SessionState | None
    news: tuple[SessionNews, ...]
    dead_letters: tuple[DeadLetter, ...]
    timer_ms: int | None
    counts: tuple[str, ...]


class PersonOutcome(NamedTuple):
    """`timer_ms` is when to call `expire_person` (event time), None = never.

    `dead_letters` are of decisions that cannot be written.
    """

    state: PersonState | None
    decisions: tuple[tuple[Decision, DecisionTrace], ...]
    timer_ms: int | None
    counts: tuple[str, ...]
    dead_letters: tuple[DeadLetter, ...] = ()
