"""One event that asks for decisions, and all they may depend on."""

from typing import NamedTuple

from schemas.state.person import PersonState
from udfs.explain.tracing import Tracing
from udfs.moment import Moment
from udfs.policy.compiled_policy import CompiledPolicy


class Asked(NamedTuple):
    """`moment` is what may be looked at: a masked one for a person in the holdout. `state` is the person's own, to be written to."""

    person: str
    state: PersonState
    moment: Moment
    policy: CompiledPolicy
    arms: dict[str, str]
    is_held_out: bool
    language: str
    seed: str
    tracing: Tracing
