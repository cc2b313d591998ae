"""What to do about an experiment, in words, and why."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from models.experiments.reading import MIXED_MAX, Compared, Reading
from schemas.counted import counted
from schemas.experiments import HOLDOUT, Experiment
from schemas.limits import DAY_MS

Word = Literal["keep", "stop", "not yet", "do not trust"]
TREND_ALPHA: Final = 0.01
"""Of a difference that falls from day to day, before it is said that it wears off."""
IDLE_UNITS: Final = 100
"""Where the arms should have so many units by now and one has none, it is not on."""


class Verdict(NamedTuple):
    """`arm`: what is judged, "" = the experiment as a whole."""

    word: Word
    arm: str
    reasons: tuple[str, ...]


ACTS: Final[dict[Word, str]] = {
    "keep": "Make {arm} the policy: everybody gets it.",
    "stop": "Take {arm} out: everybody gets {control}.",
    "not yet": "Leave it as it is, and wait.",
    "do not trust": "Find the fault first: until then its figures mean nothing.",
}
OF_HOLDOUT: Final[dict[Word, str]] = ACTS | {
    "keep": "Personalisation earns more than it would be without: keep it.",
    "stop": "Personalisation does not earn more than it would be without: look what people are shown before it goes on.",
}


def what_to_do(verdict: Verdict, experiment: Experiment) -> str:
    """One sentence for who decides; of the holdout, which nobody would take out, what it says of personalisation."""
    acts = OF_HOLDOUT if experiment.name == HOLDOUT else ACTS
    return acts[verdict.word].format(arm=verdict.arm, control=experiment.compared_with)


def judge(reading: Reading, now_ms: int) -> list[Verdict]:
    """Of each arm but the control; one for all of them where the figures cannot be trusted."""
    doubts = tuple(_doubts(reading))
    if doubts:
        return [Verdict("do not trust", "", doubts)]
    control = reading.experiment.compared_with
    names = [arm.name for arm in reading.experiment.arms if arm.name != control]
    return [_of_arm(reading, name, now_ms) for name in names]


def headline(verdicts: list[Verdict], reading: Reading) -> Verdict:
    """The one to act on: what cannot be trusted, then what is to be kept (of several the likeliest to be best), then what is not known yet."""
    best = {one.arm: one.best for one in reversed(reading.compared) if not one.is_guardrail}
    order: dict[Word, int] = {"do not trust": 0, "keep": 1, "not yet": 2, "stop": 3}
    return min(verdicts, key=lambda one: (order[one.word], -best.get(one.arm, 0.0)))


def _doubts(reading: Reading) -> Iterator[str]:
    """Why nothing that the figures say is to be believed."""
    units, ratio = reading.counted.units, reading.ratio
    if ratio.is_mismatch:
        told = ", ".join(
            f"{arm} has {units.get(arm, 0):,} and should have about {much:,.0f}"
            for arm, much in ratio.expected.items()
        )
        idle = [arm for arm, much in ratio.expected.items() if not units.get(arm) and much >= IDLE_UNITS]  # fmt: skip
        if idle:
            yield f"nobody was seen in {', '.join(idle)}: it is not on, or what is shown of it is not told"
        yield (
            f"the arms do not have the shares that they should ({told}; by chance that happens once in {_one_in(ratio.p)}): "
            "people of one arm are lost or counted twice, so the arms are not alike"
        )
    if reading.mixed_share > MIXED_MAX:
        yield (
            f"{reading.mixed_share:.1%} of {_units(reading)} were seen in several arms: the split does not hold, "
            "as where one decision is kept on a page for the next visitor"
        )


def _of_arm(reading: Reading, arm: str, now_ms: int) -> Verdict:
    mine = [one for one in reading.compared if one.arm == arm]
    harms = [one for one in mine if one.is_sure and one.gain < 0]
    gains = [one for one in mine if one.is_sure and one.gain > 0 and not one.is_guardrail]
    if harms:
        return Verdict("stop", arm, tuple(map(_harm, harms)))
    if gains:
        return _better(reading, arm, gains)
    why = [_unknown(one) for one in mine if not one.is_guardrail]
    why += [f"{name}: nothing is known of it yet" for name, of in reading.missing if of == arm]
    if now_ms >= reading.experiment.ends_ms:
        return Verdict("stop", arm, ("it has ended, and no difference was found", *why))
    return Verdict("not yet", arm, (*why, _progress(reading)))


def _better(reading: Reading, arm: str, gains: list[Compared]) -> Verdict:
    why = tuple(map(_gain, gains))
    fading = [one for one in gains if _is_fading(one)]
    if fading:
        told = ", ".join(one.metric.name for one in fading)
        said = f"but {told} comes down from day to day to nothing: people try what is new, so wait until it holds"
        return Verdict("not yet", arm, (*why, said))
    if not reading.is_enough:
        return Verdict("not yet", arm, (*why, f"but {_progress(reading)}"))
    held = [one for one in reading.compared if one.arm == arm and one.is_guardrail]
    unknown = [one.metric.name for one in held if one.always is None]
    if unknown:
        return Verdict("not yet", arm, (*why, f"but of {', '.join(unknown)}, which must not become worse, too little is known"))  # fmt: skip
    safe = (
        f"{', '.join(one.metric.name for one in held)} did not become worse as far as can be told"
    )
    return Verdict("keep", arm, (*why, safe) if held else why)


def _is_fading(one: Compared) -> bool:
    """Whether the difference falls surely, and is none any more by its line."""
    line = one.trend
    if line is None or line.p >= TREND_ALPHA:
        return False
    sign = 1.0 if one.metric.is_more_better else -1.0
    return sign * line.slope < 0 and sign * line.last <= 0


def _gain(one: Compared) -> str:
    return f"{one.metric.name} is better: {figures(one)}"


def _harm(one: Compared) -> str:
    what = "a guardrail, became worse" if one.is_guardrail else "became worse"
    return f"{one.metric.name}{', ' if one.is_guardrail else ' '}{what}: {figures(one)}"


def _unknown(one: Compared) -> str:
    if one.is_constant:
        return f"{one.metric.name} is the same for everybody ({value(one, one.control.value)}), so it tells nothing"
    if one.always is None:
        return f"{one.metric.name}: too few have been seen to say anything"
    return f"{one.metric.name} shows no difference that is sure: {figures(one)}"


def _progress(reading: Reading) -> str:
    least = reading.experiment.minimum
    if reading.is_enough:
        return "it goes on until a difference is sure or it ends: look as often as you like"
    days, wanted = reading.lasted_ms / DAY_MS, least.lasts_ms / DAY_MS
    return (
        f"it is too early: {days:.1f} of {wanted:.0f} days, and {counted(reading.fewest_sessions, 'session')} of {least.sessions:,} "
        "in the arm with the fewest; either is enough"
    )


def figures(one: Compared) -> str:
    """From what to what, and how far it can be trusted."""
    told = f"{value(one, one.apart.control.value)} to {value(one, one.apart.variant.value)}"
    if one.lift is not None:
        lift, (low, high) = one.lift
        bounds = (
            f"between {low:+.1%} and {high:+.1%}"
            if low is not None and high is not None
            else "how much of that is chance is not known"
        )
        told += f", {lift:+.1%} ({bounds})"
    return told


def value(one: Compared, found: float) -> str:
    """A value as the metric is read."""
    return f"{found:.2%}" if one.metric.is_share else f"{found:,.4g}"


def _units(reading: Reading) -> str:
    everybody = sum(reading.counted.units.values()) + reading.counted.mixed
    one = reading.experiment.unit
    return counted(everybody, one, "people" if one == "person" else "sessions")


def _one_in(p: float | None) -> str:
    return "a million or less" if not p or p < 1e-6 else f"{1 / p:,.0f}"
