"""An experiment read: every metric of every arm against the control, in all ways at once, and whether the figures can be trusted."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from models.experiments.arms import ArmMean, arm_mean, cuped
from models.experiments.bayes import Belief, belief, chances_of_best
from models.experiments.checks import DayEffect, RatioCheck, Trend, holm, sample_ratio, trend
from models.experiments.difference import (
    Difference,
    FixedHorizon,
    Interval,
    difference,
    fixed_horizon,
    relative_lift,
)
from models.experiments.metrics import METRICS, Metric
from models.experiments.sequential import AlwaysValid, always_valid
from models.experiments.sums import Sums, moments
from models.experiments.units import Counted
from schemas.experiments import Experiment

ALPHA: Final = 0.05
MIXED_MAX: Final = 0.01
"""So many of the units may have been seen in several arms."""
DAYS_MAX: Final = 400
DAY_UNITS_MIN: Final = 50
"""Units in each arm on a day that is looked at by itself."""


class Compared(NamedTuple):
    """A metric in an arm against the control, after CUPED; None where too little is there to say it.

    `plain`: the arm's value as it is, `kept`: the share of the variance that CUPED left. `p`: of the always valid test, of metrics corrected by Holm. `days`: the difference by day.
    """

    metric: Metric
    arm: str
    is_guardrail: bool
    control: ArmMean
    plain: ArmMean
    apart: Difference
    once: FixedHorizon
    always: AlwaysValid | None
    lift: tuple[float, Interval] | None
    belief: Belief
    best: float
    kept: float
    p: float | None
    days: tuple[DayEffect, ...]
    trend: Trend | None

    @property
    def is_constant(self) -> bool:
        """Whether nobody differs from anybody in it."""
        return self.apart.error <= 0

    @property
    def gain(self) -> float:
        """The difference in the good direction."""
        return self.apart.value if self.metric.is_more_better else -self.apart.value

    @property
    def is_sure(self) -> bool:
        """Whether there is a difference, however often one has looked."""
        return self.p is not None and self.p < ALPHA


class Reading(NamedTuple):
    """`comparisons`: how many of metrics and arms were corrected for together. `missing`: metrics by arm of which nothing is known."""

    experiment: Experiment
    counted: Counted
    ratio: RatioCheck
    mixed_share: float
    compared: tuple[Compared, ...]
    comparisons: int
    missing: tuple[tuple[str, str], ...]

    @property
    def is_enough(self) -> bool:
        """Whether the experiment's minimum is reached: either of both."""
        least = self.experiment.minimum
        return self.lasted_ms >= least.lasts_ms or self.fewest_sessions >= least.sessions

    @property
    def lasted_ms(self) -> int:
        """From the first unit to the last outcome."""
        return self.counted.last_ms - self.counted.first_ms

    @property
    def fewest_sessions(self) -> int:
        """Of the arm that has the fewest."""
        return min(self.counted.sessions.get(arm.name, 0) for arm in self.experiment.arms)


def read(experiment: Experiment, counted: Counted) -> Reading:
    """Every comparison with the control that the sums can tell."""
    names = [arm.name for arm in experiment.arms]
    shares = dict(zip(names, experiment.shares, strict=True))
    everybody = sum(counted.units.values()) + counted.mixed
    compared: list[Compared] = []
    missing: list[tuple[str, str]] = []
    for name in (*experiment.metrics, *experiment.guardrails):
        found = _metric(experiment, counted, METRICS[name])
        compared += found
        known = {one.arm for one in found}
        missing += [(name, arm) for arm in names if arm not in (*known, experiment.compared_with)]
    told = _corrected(compared)
    return Reading(
        experiment, counted, sample_ratio(counted.units, shares),
        counted.mixed / everybody if everybody else 0.0, tuple(told),
        sum(not one.is_guardrail and one.always is not None for one in told), tuple(missing),
    )  # fmt: skip


def _metric(experiment: Experiment, counted: Counted, metric: Metric) -> list[Compared]:
    names = [arm.name for arm in experiment.arms]
    plain = {name: mean for name in names if (mean := _mean(counted.sums.get((metric.name, name))))}
    control = experiment.compared_with
    if control not in plain:
        return []
    less_noise = cuped(list(plain.values()))
    arms = dict(zip(plain, less_noise.arms, strict=True))
    best = dict(zip(arms, chances_of_best([_up(one, metric) for one in arms.values()]), strict=True))  # fmt: skip
    at = _At(experiment, counted, metric, plain, less_noise.kept)
    return [
        _against(arms[control], arm, name, best[name], at)
        for name, arm in arms.items()
        if name != control
    ]


class _At(NamedTuple):
    """What comparisons of one metric share."""

    experiment: Experiment
    counted: Counted
    metric: Metric
    plain: dict[str, ArmMean]
    kept: float


def _against(control: ArmMean, arm: ArmMean, name: str, best: float, at: _At) -> Compared:
    apart = difference(control, arm)
    always = always_valid(apart, 2.0 * at.experiment.minimum.sessions, ALPHA)
    days = _days(at.counted, at.metric.name, (at.experiment.compared_with, name))
    return Compared(
        at.metric, name, at.metric.name in at.experiment.guardrails, control, at.plain[name],
        apart, fixed_horizon(apart, ALPHA), always,
        relative_lift(apart, always.reach) if always else None,
        belief(apart), best, at.kept, always.p if always else None, days, trend(days),
    )  # fmt: skip


def _mean(sums: Sums | None) -> ArmMean | None:
    """None of fewer than two units, and of units with nothing below."""
    return arm_mean(moments(sums)) if sums is not None and sums.units > 1 else None


def _up(arm: ArmMean, metric: Metric) -> ArmMean:
    return arm if metric.is_more_better else arm._replace(value=-arm.value)


def _days(counted: Counted, metric: str, arms: tuple[str, str]) -> tuple[DayEffect, ...]:
    found = []
    for day in range(min(DAYS_MAX, _last_day(counted) + 1)):
        one, other = (_mean(counted.days.get((metric, arm, day))) for arm in arms)
        if one and other and min(one.units, other.units) >= DAY_UNITS_MIN:
            apart = difference(one, other)
            found.append(DayEffect(day, apart.value, apart.error))
    return tuple(found)


def _last_day(counted: Counted) -> int:
    return max((day for _, _, day in counted.days), default=-1)


def _corrected(compared: Sequence[Compared]) -> list[Compared]:
    """Metrics by Holm over all arms together; guardrails are left as they are: of harm rather too much is told than too little."""
    several = [one for one in compared if not one.is_guardrail and one.p is not None]
    corrected = iter(holm([one.p or 0.0 for one in several]))
    return [
        one._replace(p=next(corrected)) if not one.is_guardrail and one.p is not None else one
        for one in compared
    ]
