"""`kairos experiment plan`: how many people or sessions an experiment needs and how long it will run, from what the log shows."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from models.experiments.arms import ArmMean, arm_mean
from models.experiments.metrics import METRICS
from models.experiments.plan import Plan, Wanted, plan
from models.experiments.sums import moments
from models.experiments.units import Compared, Ledger
from schemas.errors import CheckFailed, ConfigError
from schemas.experiments import Arm, Experiment, Unit
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS
from scripts.console import show, show_json, show_table
from scripts.experiments.outcome_source import Source, find

LIFTS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
EVERYBODY: Final = "everybody"


class Ask(NamedTuple):
    """What is to be planned: one that a policy has by `name`, or one of `arms` alike; `metric` and `unit` are those of the experiment where it has them."""

    name: str | None
    metric: str | None
    unit: Unit | None
    arms: int
    lift: float | None
    alpha: float
    power: float


class Basis(NamedTuple):
    """What the log shows of the metric: its mean by unit, and units a day."""

    mean: ArmMean
    days: float

    @property
    def per_day(self) -> float:
        """Units a day."""
        return self.mean.units / self.days


def run_plan(source: Source, ask: Ask, *, is_json: bool) -> None:
    """Prints what is needed for some lifts; raises ConfigError where an option is wrong, CheckFailed where the log tells too little."""
    _check(ask)
    experiment = _experiment(source, ask)
    metric = ask.metric or experiment.metrics[0]
    basis = basis_of(source, metric, experiment.unit)
    told: list[tuple[float, Plan]] = []
    control = next(at for at, arm in enumerate(experiment.arms) if arm.name == experiment.compared_with)  # fmt: skip
    shares = experiment.shares
    ordered = (shares[control], *(one for at, one in enumerate(shares) if at != control))
    for lift in (ask.lift,) if ask.lift is not None else LIFTS:
        try:
            told.append((lift, plan(basis.mean, Wanted(lift, ask.alpha, ask.power, ordered))))
        except ValueError as error:
            raise CheckFailed(f"{metric}: {error}") from error
    if is_json:
        show_json(_told(metric, experiment, basis, told, ask))
        return
    _show(metric, experiment, basis, told, ask)


def basis_of(source: Source, metric: str, unit: Unit) -> Basis:
    """Over everybody who was seen a decision, whatever arm it was of; raises CheckFailed where that is nobody."""
    whole = Experiment(EVERYBODY, (Arm(EVERYBODY), Arm("nobody", 0.0)), unit=unit)
    whole = replace(whole, starts_ms=0, ends_ms=EVENT_TIME_MAX_MS)
    ledger = Ledger(Compared(whole, lambda _: EVERYBODY, source.policies[0].currency if source.policies else "EUR"))  # fmt: skip
    for one in source.outcomes(0):
        ledger.add(one)
    found = ledger.counted([METRICS[metric]])
    sums = found.sums.get((metric, EVERYBODY))
    mean = arm_mean(moments(sums)) if sums is not None else None
    if mean is None or mean.units < 2:
        raise CheckFailed(
            f"the log tells nothing of {metric}: nobody was seen a decision, or nothing of it is told"
        )
    return Basis(mean, max(1.0, (found.last_ms - found.first_ms) / DAY_MS))


def _check(ask: Ask) -> None:
    if ask.metric is not None and ask.metric not in METRICS:
        raise ConfigError(
            f"--metric: there is no metric {ask.metric!r}: there are {', '.join(METRICS)}"
        )
    if ask.lift is not None and not ask.lift:
        raise ConfigError("--lift: a lift other than 0 is wanted, as 0.05 for 5 %")


def _experiment(source: Source, ask: Ask) -> Experiment:
    if ask.name is not None:
        found = find(source, ask.name).experiment
        return found if ask.unit is None else replace(found, unit=ask.unit)
    arms = tuple(Arm(f"arm {number}") for number in range(ask.arms))
    return Experiment("plan", arms, unit=ask.unit or "person")


def _told(
    metric: str, experiment: Experiment, basis: Basis, told: Sequence[tuple[float, Plan]], ask: Ask
) -> dict[str, Any]:
    per_day = basis.per_day * min(1.0, sum(experiment.shares))
    return {
        "metric": metric, "unit": experiment.unit, "alpha": ask.alpha, "power": ask.power, "shares": experiment.shares,
        "value": basis.mean.value, "deviation": basis.mean.variance**0.5, "units": basis.mean.units, "days": basis.days, "units_per_day": per_day,
        "plans": [
            {"lift": lift, "once": one.fixed, "once_days": one.fixed / per_day,
             "however_often": one.always, "however_often_days": one.always / per_day if one.always else None}
            for lift, one in told
        ],
    }  # fmt: skip


def _show(
    metric: str, experiment: Experiment, basis: Basis, told: Sequence[tuple[float, Plan]], ask: Ask
) -> None:
    found = _told(metric, experiment, basis, told, ask)
    units = "people" if experiment.unit == "person" else "sessions"
    show(
        f"{metric} is {basis.mean.value:.4g} with a standard deviation of {found['deviation']:.4g}, over {basis.mean.units:,} {units} in {basis.days:.1f} days; "
        f"about {found['units_per_day']:,.0f} {units} a day come into the experiment"
    )
    rows = [
        (f"{one['lift']:+.0%}", f"{one['once']:,}", f"{one['once_days']:,.1f}", f"{one['however_often']:,}" if one["however_often"] else "never", f"{one['however_often_days']:,.1f}" if one["however_often_days"] else "")
        for one in found["plans"]
    ]  # fmt: skip
    show_table("", ("lift to find", f"{units}, looked at once", "days", f"{units}, however often you look", "days"), rows)  # fmt: skip
    show(
        f"found with a chance of {ask.power:.0%} where it is there, told where there is none with one of {ask.alpha:.0%}; {units} in all {len(experiment.arms)} arms together. "
        f"{'People come back, so days of people are too few rather than too many' if experiment.unit == 'person' else 'Days are by the traffic of the log'}"
    )
