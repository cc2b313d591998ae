"""One event that asks for decisions, and all they may depend on."""

from typing import NamedTuple

from schemas.actions import Action, needs_of
from schemas.events import PERSONALISATION, PROFILING
from schemas.state.person import PersonState
from udfs.explain.tracing import Tracing
from udfs.facts.consent import Agreed
from udfs.moment import Moment
from udfs.policy.compiled_policy import CompiledPolicy


class Asked(NamedTuple):
    """`moment` is what may be looked at: a masked one for a person in the holdout, and for one who objects to being profiled.
    `state` is the person's own, to be written to; `agreed` is what they agreed to.
    """

    person: str
    state: PersonState
    moment: Moment
    policy: CompiledPolicy
    arms: dict[str, str]
    is_held_out: bool
    agreed: Agreed
    language: str
    seed: str
    tracing: Tracing

    @property
    def is_masked(self) -> bool:
        """Whether nothing that the person did may be looked at."""
        return self.is_held_out or not self.agreed.may_profile

    def needs(self, action: Action, channel: str | None) -> list[str]:
        """What must be granted for as long as a decision stands, with what it rests on."""
        rests_on = [] if self.is_masked else [PROFILING]
        if self.agreed.is_personal and not self.is_masked:
            rests_on.append(PERSONALISATION)
        return [*rests_on, *needs_of(action, channel)]
