"""`kairos evaluate-policy`: what another policy would have earned, from a log of decisions and their chances."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.off_policy import Estimate, Support, doubts, estimates, support
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import complain, say, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.experiments.decision_log import UNIFORM, Columns, new_policy, read_log

HEADS: Final = ("estimator", "a decision earns", "at least", "at most", "what it is")
MEANINGS: Final = {
    "on_policy": "what was earned",
    "ips": "each reward by its weight",
    "clipped": "the same, no weight above {clip:,.0f}",
    "snips": "by the sum of the weights: what to read first",
    "direct": "a model of rewards alone; as good as that",
    "doubly_robust": "the model, corrected by the weights",
    "switch": "the same, the model alone where a weight is above {clip:,.0f}",
}


class Judged(NamedTuple):
    """What was estimated, and why not to trust it."""

    estimates: list[Estimate]
    support: Support
    doubts: list[str]
    actions: int
    columns: dict[str, str]

    @property
    def is_trusted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.doubts


def judge(path: Path, new: str, columns: Columns, clip: float | None) -> Judged:
    """The estimates; weights are clipped at `clip`, None: at the root of the number of rows (Ionides 2008). Raises ConfigError."""
    if clip is not None and clip <= 0:
        raise ConfigError("--clip: a number above 0 is wanted")
    log = read_log(path, columns)
    policy = new_policy(log, new, path)
    limit = clip if clip is not None else float(len(log.logged.rewards)) ** 0.5
    found = support(log.logged, policy, limit)
    made = estimates(log.logged, policy, limit)
    return Judged(made, found, doubts(found), len(log.actions), log.named)


def run(path: Path, new: str, columns: Columns, clip: float | None, *, is_json: bool) -> int:
    """Prints the estimates; the exit code: 1 where the log cannot tell."""
    found = judge(path, new, columns, clip)
    if is_json:
        show_json(told(found))
    else:
        _show(found, new)
    for one in found.doubts:
        complain(f"kairos: do not trust it: {one}")
    return passed(found.is_trusted)


def told(found: Judged) -> dict[str, Any]:
    """For programs."""
    return {
        "estimates": {one.name: {"value": one.value, "low": one.low, "high": one.high} for one in found.estimates},
        **found.support._asdict(),
        "actions": found.actions, "columns": found.columns, "is_trusted": found.is_trusted, "doubts": found.doubts,
    }  # fmt: skip


def _show(found: Judged, new: str) -> None:
    show_table("", HEADS, estimate_rows(found.estimates, found.support.clip))
    values = {one.name: one for one in found.estimates}
    was, best = values["on_policy"], values["snips"]
    what = f"a choice of {found.actions} actions at random" if new == UNIFORM else "the new policy"
    show(
        f"{what} would have earned {_figure(best.value)} a decision, what decided earned {_figure(was.value)}: {verdict(best, was)}"
    )
    known = found.support
    say(
        f"{counted(known.rows, 'decision')} count as {known.effective_rows:,.0f}; the mean weight is {known.mean_weight:.3f} (1 is wanted), "
        f"{known.clipped_rows:,} lie above {known.clip:,.0f}; columns: {', '.join(f'{what} {name}' for what, name in found.columns.items())}"
    )


def estimate_rows(several: Iterable[Estimate], clip: float) -> list[tuple[object, ...]]:
    """A row of the table for each: what a decision earns, between what, and how that is meant."""
    return [
        (one.name, *map(_figure, (one.value, one.low, one.high)), MEANINGS[one.name].format(clip=clip))
        for one in several
    ]  # fmt: skip


def verdict(new: Estimate, was: Estimate) -> str:
    """Whether the intervals are apart: less than a test, and never too sure."""
    if None in (new.low, new.high, was.low, was.high):
        return "how sure that is cannot be said"
    if (new.low or 0.0) > (was.high or 0.0):
        return "more"
    return (
        "less" if (new.high or 0.0) < (was.low or 0.0) else "no difference that this log can show"
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
