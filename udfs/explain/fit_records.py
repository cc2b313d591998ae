"""What is written has a bound in bytes: a trace leaves parts out and says so, a decision becomes a dead letter.

Sizes are upper bounds, so a record that is let through fits; they depend on nothing but the record, so a replay with
the same bound writes the same bytes, and an audit that knows what a trace left out needs no bound at all.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import structs

from schemas.codec import DECISION
from schemas.dead_letters import DeadLetter, fit_letter
from schemas.decisions import Decision, DecisionTrace, LeftOut, TracedAction, TracedCandidate
from schemas.outputs import Written
from schemas.sizes import size_at_most
from schemas.state.session import SessionNews
from udfs.explain.tracing import Room

LEFT_OUT_BYTES: Final = 64
"""What the note of what was left out takes itself."""
TOO_LARGE: Final = "decision_too_large"

Made = tuple[Decision, DecisionTrace]
"""A decision, and how it came about."""
T = TypeVar("T")
Parts = Sequence[TracedCandidate] | Sequence[TracedAction]


def fit_all(
    made: Sequence[Made], news: SessionNews, room: Room | None
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """What can be written of the decisions on `news`, each before its trace, and what to count where something cannot.

    Without `room` everything can.
    """
    outputs: list[Written] = []
    counts: list[str] = []
    for one in made:
        fitting = one if room is None else fit(one, news, room)
        if isinstance(fitting, DeadLetter):
            outputs.append(fitting)
            counts.append(TOO_LARGE)
        else:
            outputs += fitting
            counts += ["traces_cut"] * (fitting[1].left_out is not None)
    return tuple(outputs), tuple(counts)


def fit(made: Made, news: SessionNews, room: Room) -> Made | DeadLetter:
    """The decision with as much of its trace as there is room for; else why it cannot be written.

    The dead letter names the place of the event that caused it, and holds no bytes: they lie there.
    """
    decision, trace = made
    size = size_at_most(decision) + len(decision.person.encode())
    if size > room.bytes_max:
        size = len(DECISION.encode(decision)) + len(decision.person.encode())
    if size > room.bytes_max:
        said = f"{decision.decision_id}: {size} bytes with its key, at most {room.bytes_max}"
        return DeadLetter(
            TOO_LARGE, said, b"", room.topic, news.partition, news.offset, decision.event_time_ms
        )
    return decision, fit_trace(trace, room.bytes_max - len(trace.decision_id))


def fit_letters(outputs: Sequence[T], bytes_max: int) -> tuple[T | DeadLetter, ...]:
    """The outputs of a step, with the raw bytes of dead letters cut where a record would have too many."""
    return tuple(
        fit_letter(one, bytes_max) if isinstance(one, DeadLetter) else one for one in outputs
    )


def decision_of(letter: DeadLetter) -> str | None:
    """The id of the decision that a dead letter says was too large; None where it is about something else."""
    return letter.message.partition(":")[0] if letter.reason == TOO_LARGE else None


def fit_trace(trace: DecisionTrace, bytes_max: int) -> DecisionTrace:
    """The trace in at most so many bytes: features go first, then candidates, then actions (see LeftOut)."""
    over = size_at_most(trace) - bytes_max
    if over <= 0:
        return trace
    over += LEFT_OUT_BYTES - len(trace.features)
    candidates, over = _surplus(trace.candidates, over)
    actions, over = _surplus(trace.actions, over)
    return leave_out(trace, LeftOut(len(trace.features), candidates, actions))


def leave_out(trace: DecisionTrace, left_out: LeftOut) -> DecisionTrace:
    """The whole `trace` without what another one has left out."""
    gone = set(_order(trace.candidates)[: left_out.candidates])
    gone_actions = set(_order(trace.actions)[: left_out.actions])
    return structs.replace(
        trace,
        features=b"" if left_out.features else trace.features,
        candidates=tuple(one for at, one in enumerate(trace.candidates) if at not in gone),
        actions=tuple(one for at, one in enumerate(trace.actions) if at not in gone_actions),
        left_out=left_out,
    )


def _surplus(parts: Parts, over: int) -> tuple[int, int]:
    """How many go until no byte is over, and what is over then."""
    count = 0
    for at in _order(parts):
        if over <= 0:
            break
        over -= size_at_most(parts[at])
        count += 1
    return count, over


def _order(parts: Parts) -> list[int]:
    """The places in the order in which they go: from the end on, the chosen ones last."""
    return sorted(range(len(parts)), key=lambda at: (parts[at].verdict == "chosen", -at))
