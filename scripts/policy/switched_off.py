"""What a change of the policy would end or bend before its time: the holdout and experiments, whose figures are worth something only if nobody does so."""

from collections.abc import Iterator

from msgspec.structs import asdict

from schemas.experiments import Experiment
from schemas.limits import EVENT_TIME_MAX_MS
from schemas.policy import Holdout, Policy
from scripts.times import utc

FREE = ("ends_ms",)
"""What may be moved to later at any time: intervals that are always valid hold for longer, too."""


def switched_off(before: Policy, after: Policy, at_ms: int) -> list[str]:
    """A sentence for each that runs at `at_ms` and is another one, or none, in the policy after; empty where all goes on."""
    return [
        *_holdout(before.holdout, after.holdout, at_ms),
        *_experiments(before, after, at_ms),
    ]


def _holdout(before: Holdout, after: Holdout, at_ms: int) -> Iterator[str]:
    if not before.share or not before.runs(at_ms):
        return
    held = f"the holdout of {before.share:.1%} of people{_until(before.ends_ms)}"
    if not after.share or not after.runs(at_ms):
        yield f"{held} is switched off"
    elif after.share < before.share:
        yield f"{held} shrinks to {after.share:.1%}"
    elif after.salt != before.salt:
        yield f"{held} is drawn anew: those held out so far are let go"
    elif after.rank_by != before.rank_by:
        yield f"{held} gets {after.rank_by} in place of {before.rank_by}"
    elif after.ends_ms < before.ends_ms:
        yield f"{held} ends sooner, on {utc(after.ends_ms)}"


def _experiments(before: Policy, after: Policy, at_ms: int) -> Iterator[str]:
    """Those without an end of their own end whenever they are taken out."""
    kept = {one.name: one for one in after.experiments}
    for one in before.experiments:
        if not one.runs(at_ms) or one.ends_ms == EVENT_TIME_MAX_MS:
            continue
        now = kept.get(one.name)
        what = f"the experiment {one.name}{_until(one.ends_ms)}"
        if now is None:
            yield f"{what} is taken out"
        elif changed := _changed(one, now):
            yield f"{what} is changed while it runs: {', '.join(changed)}"


def _changed(before: Experiment, after: Experiment) -> list[str]:
    were, are = asdict(before), asdict(after)
    found = [name for name in were if name not in FREE and were[name] != are[name]]
    return found + ["ends"] * (after.ends_ms < before.ends_ms)


def _until(ends_ms: int) -> str:
    return "" if ends_ms == EVENT_TIME_MAX_MS else f" (until {utc(ends_ms)})"
