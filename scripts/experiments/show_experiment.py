"""`kairos experiment list` and `show`: which experiments there are, and what to do about one, in words before numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.experiments.difference import Interval
from models.experiments.metrics import METRICS
from models.experiments.reading import Compared, Reading, read
from models.experiments.units import Compared as Asked
from models.experiments.units import Ledger, metrics_of
from models.experiments.verdict import Verdict, headline, judge, value, what_to_do
from schemas.counted import counted
from schemas.experiments import HOLDOUT, Experiment
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS
from scripts.console import show, show_json, show_table
from scripts.exit_codes import passed
from scripts.experiments.outcome_source import Found, Source, experiments_of, find, since
from scripts.experiments.plots import write_plots
from scripts.times import utc

HEADS: Final = ("metric", "arm", "control", "value", "lift", "however often you look", "looked at once", "p", "chance to be better")  # fmt: skip


class Shown(NamedTuple):
    """An experiment as it is read now."""

    reading: Reading
    verdicts: list[Verdict]
    verdict: Verdict
    currency: str

    @property
    def is_trusted(self) -> bool:
        """Whether its figures mean anything."""
        return self.verdict.word != "do not trust"


def read_experiment(source: Source, found: Found) -> Shown:
    """By all outcomes that bear on it; raises ConfigError where they cannot be read."""
    ledger = ledger_of(found)
    for one in source.outcomes(since(found.experiment)):
        ledger.add(one)
    return shown_of(found, ledger, source.now_ms)


def ledger_of(found: Found) -> Ledger:
    """Where outcomes are told that may bear on it."""
    name = found.experiment.name
    return Ledger(Asked(found.experiment, lambda one: one.arm.get(name), found.policy.currency))


def shown_of(found: Found, ledger: Ledger, now_ms: int | None) -> Shown:
    """By what was told; `now_ms`: None = the time of the last outcome."""
    experiment = found.experiment
    reading = read(experiment, ledger.counted(metrics_of(experiment)))
    verdicts = judge(reading, reading.counted.last_ms if now_ms is None else now_ms)
    return Shown(reading, verdicts, headline(verdicts, reading), found.policy.currency)


def run_show(source: Source, name: str | None, plots: Path | None, *, is_json: bool) -> int:
    """Prints the verdict, then the figures; the exit code: 1 where they are not to be trusted."""
    shown = read_experiment(source, find(source, name))
    written = write_plots(shown.reading, plots) if plots is not None else []
    if is_json:
        show_json(told(shown) | {"plots": [str(one) for one in written]})
        return passed(shown.is_trusted)
    for line in in_words(shown):
        show(line)
    if shown.reading.compared:
        show_table("", HEADS, [row(one) for one in shown.reading.compared])
    for line in notes(shown.reading):
        show(line)
    for path in written:
        show(f"{path} is written")
    return passed(shown.is_trusted)


def run_list(source: Source, *, is_json: bool) -> int:
    """Those of the newest policy."""
    policy = source.policies[0] if source.policies else None
    several = experiments_of(policy) if policy is not None else []
    rows = [listed(one, source.now_ms) for one in several]
    if is_json:
        show_json(rows)
    elif rows:
        cells = [(*(one[name] for name in ("name", "state", "unit")), ", ".join(f"{arm} {share:.0%}" for arm, share in one["arms"].items()), one["from"], one["until"], ", ".join(one["metrics"])) for one in rows]  # fmt: skip
        show_table("", ("experiment", "", "unit", "arms", "from", "until", "metrics"), cells)
    else:
        show("the policy has no experiment, and nobody is held out")
    return passed(True)


def listed(one: Experiment, now_ms: int | None) -> dict[str, Any]:
    state = ""
    if now_ms is not None:
        state = "runs" if one.runs(now_ms) else "over" if now_ms >= one.ends_ms else "to come"
    return {
        "name": one.name, "state": state, "unit": one.unit, "control": one.compared_with,
        "arms": {arm.name: share for arm, share in zip(one.arms, one.shares, strict=True)},
        "from": utc(one.starts_ms) if one.starts_ms else "",
        "until": utc(one.ends_ms) if one.ends_ms < EVENT_TIME_MAX_MS else "",
        "metrics": one.metrics, "guardrails": one.guardrails, "group": one.group,
    }  # fmt: skip


def in_words(shown: Shown) -> Iterator[str]:
    """What a marketer reads first: the verdict, what to do and why, arm by arm."""
    yield who_was_seen(shown.reading)
    for one in shown.verdicts:
        yield ""
        yield f"{one.word.upper()}{f': {one.arm}' if one.arm else ''}"
        yield f"  {what_to_do(one, shown.reading.experiment)}"
        yield from (f"  {reason}" for reason in one.reasons)
    for line in incremental(shown):
        yield ""
        yield line
    yield ""


def who_was_seen(reading: Reading) -> str:
    """Since when, how long, how many in each arm."""
    experiment = reading.experiment
    people = "people" if experiment.unit == "person" else "sessions"
    units = ", ".join(f"{arm.name} {reading.counted.units.get(arm.name, 0):,}" for arm in experiment.arms)  # fmt: skip
    since_when = f"since {utc(reading.counted.first_ms)}" if reading.counted.first_ms else "not seen by anybody yet"  # fmt: skip
    return f"{experiment.name}: {since_when}, {reading.lasted_ms / DAY_MS:.1f} days; {people}: {units}; compared with {experiment.compared_with}"


def incremental(shown: Shown) -> Iterator[str]:
    """Of the holdout what personalisation earns: a person whose decisions are personal less one who is held out, and all of them together so far."""
    if shown.reading.experiment.name != HOLDOUT:
        return
    for one in shown.reading.compared:
        bounds = one.always.interval if one.always else one.once.interval
        units = one.apart.variant.units
        sums = " to ".join(f"{end * units:+,.0f}" for end in bounds if end is not None)
        told = (
            "Personalisation earns"
            if one.is_sure
            else "It is not sure yet what personalisation earns, if anything:"
        )
        yield (
            f"{told} {one.apart.value:+,.2f} {shown.currency} a person against the holdout (95 %: {_between(one, bounds)}); "
            f"with {counted(units, 'person', 'people')} that is {one.apart.value * units:+,.0f} {shown.currency} so far (95 %: {sums})"
        )


def told(shown: Shown) -> dict[str, Any]:
    """For programs."""
    reading = shown.reading
    sums = reading.counted
    return {
        "experiment": reading.experiment.name, "unit": reading.experiment.unit, "control": reading.experiment.compared_with,
        "verdict": {"word": shown.verdict.word, "arm": shown.verdict.arm, "reasons": shown.verdict.reasons, "do": what_to_do(shown.verdict, reading.experiment)},
        "arms": [{"word": one.word, "arm": one.arm, "reasons": one.reasons, "do": what_to_do(one, reading.experiment)} for one in shown.verdicts],
        "units": dict(sums.units), "sessions": dict(sums.sessions), "exposures": dict(sums.exposures),
        "first_ms": sums.first_ms, "last_ms": sums.last_ms, "is_enough": reading.is_enough, "currency": shown.currency,
        "sample_ratio": {"p": reading.ratio.p, "expected": reading.ratio.expected, "is_mismatch": reading.ratio.is_mismatch},
        "mixed": sums.mixed, "mixed_share": reading.mixed_share, "other_currency": sums.other_currency,
        "corrected_for": reading.comparisons, "correction": "holm",
        "metrics": [_told_metric(one) for one in reading.compared],
    }  # fmt: skip


def _told_metric(one: Compared) -> dict[str, Any]:
    always, line = one.always, one.trend
    return {
        "metric": one.metric.name, "arm": one.arm, "is_guardrail": one.is_guardrail, "is_more_better": one.metric.is_more_better,
        "control": one.apart.control.value, "value": one.apart.variant.value, "plain_value": one.plain.value,
        "difference": one.apart.value, "error": one.apart.error, "lift": one.lift[0] if one.lift else None,
        "lift_interval": one.lift[1] if one.lift else None,
        "always_valid": {"interval": always.interval, "p": always.p, "p_corrected": one.p} if always else None,
        "fixed_horizon": {"interval": one.once.interval, "p": one.once.p},
        "bayes": {
            "better": one.belief.better if one.metric.is_more_better else 1.0 - one.belief.better, "best_of_all": one.best,
            "value": one.belief.value, "interval": one.belief.interval,
            "loss_if_taken": one.belief.loss_if_taken if one.metric.is_more_better else one.belief.loss_if_left,
            "loss_if_left": one.belief.loss_if_left if one.metric.is_more_better else one.belief.loss_if_taken,
        },
        "variance_left": one.kept, "days": one.days,
        "trend": {"slope": line.slope, "p": line.p, "first": line.first, "last": line.last} if line else None,
    }  # fmt: skip


def row(one: Compared) -> tuple[object, ...]:
    always = one.always.interval if one.always else Interval(None, None)
    better = one.belief.better if one.metric.is_more_better else 1.0 - one.belief.better
    return (
        f"{one.metric.name}{' (guardrail)' if one.is_guardrail else ''}", one.arm,
        value(one, one.apart.control.value), value(one, one.apart.variant.value),
        f"{one.lift[0]:+.1%}" if one.lift else "", _between(one, always), _between(one, one.once.interval),
        f"{one.p:.3g}" if one.p is not None else "", f"{better:.1%}",
    )  # fmt: skip


def _between(one: Compared, bounds: Interval) -> str:
    if bounds.low is None or bounds.high is None:
        return ""
    return f"{_signed(one, bounds.low)} to {_signed(one, bounds.high)}"


def _signed(one: Compared, end: float) -> str:
    return f"{'+' if end > 0 else ''}{value(one, end)}"


def notes(reading: Reading) -> Iterator[str]:
    """How the figures are meant."""
    names = {one.metric.name for one in reading.compared}
    if not names:
        return
    yield "; ".join(f"{name}: {METRICS[name].meaning}" for name in METRICS if name in names)
    corrected = f", corrected for {counted(reading.comparisons, 'comparison')} (Holm)" if reading.comparisons > 1 else ""  # fmt: skip
    yield f"intervals are of 95 % and of the difference; p holds however often you look{corrected}; guardrails are not corrected, so that harm is told rather too soon"
    kept = [one for one in reading.compared if one.kept < 0.995]
    if kept:
        yield "what units did before takes noise away (CUPED): " + ", ".join(f"{name} has {share:.0%} of its variance left" for name, share in {one.metric.name: one.kept for one in kept}.items())  # fmt: skip
    if reading.counted.mixed:
        yield f"{counted(reading.counted.mixed, 'unit')} were seen in several arms and are left out ({reading.mixed_share:.2%})"
    if reading.counted.other_currency:
        yield f"{counted(reading.counted.other_currency, 'amount')} of other currencies are left out: nothing is converted"
