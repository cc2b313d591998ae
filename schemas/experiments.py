"""Experiments and holdout of a policy: who is compared with whom, on what, and from when until when."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from schemas.actions import LengthMs, MomentMs, Share
from schemas.events import Id, Text
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS

Unit = Literal["person", "session"]
HOLDOUT: Final = "holdout"
"""Under this name those whose decisions are personal are compared with who is held out, so no experiment may have it."""
HELD_OUT: Final = "held out"
PERSONAL: Final = "personalised"
"""What outcomes call both: of who did not agree to personalisation they say neither."""
METRICS_MAX: Final = 8
Metrics = Annotated[tuple[Id, ...], Meta(max_length=METRICS_MAX)]
SHARES_SUM_MAX: Final = 1.0 + 1e-9


class Arm(Struct, frozen=True, forbid_unknown_fields=True):
    """A variant: `changes` says what is different for its people, and nothing else is.

    Name a thing by its id or name, then the fields that change. Example: `changes: {actions: {chat: {value: 3}}}` gives the
    action `chat` the value 3 and leaves its other fields as they are; `{actions: {chat: {budget: null}}}` takes its budget
    away. A list does the same: `actions: [{id: chat, value: 3}]`. Without `changes` an arm gets the policy as it is.
    """

    name: Id
    share: Share | None = None
    """Of all people, or sessions; arms that say none share alike what the others leave: two of them have half each."""
    changes: dict[str, Any] = {}


class Minimum(Struct, frozen=True, forbid_unknown_fields=True):
    """How much there has to be before `kairos experiment show` says `keep`: either is enough. Harm is told before."""

    lasts_ms: LengthMs = 14 * DAY_MS
    sessions: Annotated[int, Meta(ge=1, le=10**9)] = 10_000
    """In each arm."""


class Experiment(Struct, frozen=True, forbid_unknown_fields=True):
    """People are split by a salted hash, for ever the same way; those beyond the arms' shares are in none.

    Example: with `starts: 2026-06-01T00:00+02:00` and two arms, half of the people see what the second one changes from June on. `kairos experiment show`
    compares each arm with the first, by the metrics, and says what to do and why ([how](experiments.md)).
    """

    name: Id
    arms: Annotated[tuple[Arm, ...], Meta(min_length=2, max_length=20)]
    salt: Text = ""
    """Empty = the experiment's name."""
    unit: Unit = "person"
    """What is split. A `person` keeps the arm over visits, devices and signing in; a `session` is one visit, so a person may see both."""
    starts_ms: MomentMs = 0
    """Before, and from `ends` on, nobody is in an arm: everybody gets the policy as it is."""
    ends_ms: MomentMs = EVENT_TIME_MAX_MS
    control: Id | None = None
    """The arm that the others are compared with; without it the first."""
    metrics: Annotated[Metrics, Meta(min_length=1)] = ("revenue_per_visit",)
    """What it is about, by names of `kairos kpi`; the more there are, the surer each has to be (Holm)."""
    guardrails: Metrics = ("bounce",)
    """What may not become worse: the arm stops where one does."""
    minimum: Minimum = Minimum()
    group: Id | None = None
    """Nobody is in two experiments of one group at a time."""
    offset: Share = 0.0
    """Where in its group the experiment's part of the people begins: with 0.5 and shares that sum to 0.5 it is their second half."""

    @property
    def left(self) -> float:
        """What each arm has that says no share."""
        told = [arm.share for arm in self.arms if arm.share is not None]
        return max(0.0, 1.0 - sum(told)) / max(1, len(self.arms) - len(told))

    @property
    def shares(self) -> tuple[float, ...]:
        """Of all units, in the order of the arms."""
        left = self.left
        return tuple(left if arm.share is None else arm.share for arm in self.arms)

    @property
    def compared_with(self) -> str:
        """The name of the arm that the others are compared with."""
        return self.arms[0].name if self.control is None else self.control

    def runs(self, at_ms: int) -> bool:
        """Whether anybody is in an arm at this time."""
        return self.starts_ms <= at_ms < self.ends_ms
