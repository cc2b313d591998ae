"""What a step of the core returns: state, outputs, the next timer, and what to count."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.outputs import Written
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PersonState
from schemas.state.session import SessionNews, SessionState
from udfs.explain.fit_records import Made

Told = SessionNews | Claim | Transfer
"""What a step tells persons; see udfs/inputs.py."""
Output = Told | Written
"""What a step may put out: an input of a person's step, or a record of a topic (schemas/outputs.py)."""
S = TypeVar("S")
Out = TypeVar("Out", bound=Output)


class Result(NamedTuple, Generic[S, Out]):
    """`state` None: nothing is kept. `outputs` in their order, a decision before its trace; `timer_ms` is when to
    call the step's `expire_…` (event time), None = never; `counts` are names of jobs/metrics.py.
    """

    state: S | None
    outputs: tuple[Out, ...]
    timer_ms: int | None
    counts: tuple[str, ...]

    @property
    def news(self) -> tuple[SessionNews, ...]:
        """What the session tells persons."""
        return tuple(one for one in self.outputs if isinstance(one, SessionNews))

    @property
    def told(self) -> tuple[Told, ...]:
        """What persons are told, in its order."""
        return tuple(one for one in self.outputs if isinstance(one, SessionNews | Claim | Transfer))

    @property
    def written(self) -> tuple[Written, ...]:
        """What goes to topics, in its order."""
        return tuple(one for one in self.outputs if not isinstance(one, SessionNews | Claim | Transfer))  # fmt: skip

    @property
    def decisions(self) -> tuple[Made, ...]:
        """The decisions with their traces."""
        return decisions_in(self.outputs)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Of a record that could not be used, or of decisions that cannot be written."""
        return dead_letters_in(self.outputs)


SessionResult = Result[SessionState, Output]
PersonResult = Result[PersonState, Transfer | Written]


def decisions_in(outputs: Iterable[object]) -> tuple[Made, ...]:
    """What was decided among outputs, each with its trace."""
    given = list(outputs)
    traces = {one.decision_id: one for one in given if isinstance(one, DecisionTrace)}
    return tuple(
        (one, traces[one.decision_id])
        for one in given
        if isinstance(one, Decision) and one.kind == "decided"
    )


def dead_letters_in(outputs: Iterable[object]) -> tuple[DeadLetter, ...]:
    """The dead letters among outputs."""
    return tuple(one for one in outputs if isinstance(one, DeadLetter))
