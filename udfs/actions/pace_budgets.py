"""What an action's budget still allows, without a lock: exposures times cost, as known in an epoch.

A decision does not see what was decided in the last seconds: an exposure is known once its epoch is in force,
so people who ask within one *horizon* (EPOCH_MS + EPOCH_AHEAD_MS + the time from a decision to its exposure)
know nothing of each other. Near the end the action is therefore offered to a share of people only: to as many
as take what remains, less what is on its way (about what was shown in the last horizon), if people come as fast
as they ever did (the fading peak of one epoch) and no slower than the budget's `people_per_s`.

How far a budget may be overshot, where A people a second would be shown the action if all were offered it:

- never by more than A x horizon exposures (and what is shown later than `to_exposure_ms` after its decision),
  because nobody is offered what is known to be spent;
- by 2 x sqrt(A x horizon), which is chance, where A is at most `people_per_s` or has been seen before. It is
  seen while all are offered the action, so with budgets of more than A x horizon exposures;
- a larger crowd that was never seen takes some A / `people_per_s` times what remained.

The price: the last exposures of a budget go slowly where few people ask. The log told again spends nothing
twice, because records hold sums and readers take no epoch a second time.
"""

from math import inf
from typing import Final, NamedTuple

from schemas.actions import Budget
from schemas.knowledge import RECENT_EPOCHS, ActionKnowledge, action_key
from schemas.limits import (
    EPOCH_AHEAD_MS,
    EPOCH_MS,
    HOUR_MS,
    SECOND_MS,
)
from udfs.calendars import Day, local_day
from udfs.fading import LONG_HALF_LIFE_MS, decay
from udfs.knowledge.action_statistics import ActionStatistics

TO_EXPOSURE_MS: Final = 10 * SECOND_MS
"""Most decisions that are shown are shown within this time; at most RECENT_EPOCHS less the epoch's own delay."""
FIRST_INSTALMENT: Final = 1 / 96
"""The share of a paced day's budget that is there from its first moment on."""
NEWEST_EPOCHS: Final = 4
"""What is on its way is taken from these, where they were faster than the whole horizon."""
ROUNDING: Final = 1e-9


class Refusal(NamedTuple):
    """The part of a budget that speaks against an exposure, and the values it saw."""

    rule: str
    values: dict[str, str]


class Allowance(NamedTuple):
    """What a budget allows at one moment, in exposures; infinite where it sets no bound.

    `left` of the total, `left_today` of the day, `left_so_far` of what is due of the day by now. `on_its_way`: shown in
    the last horizon, and so about as many decided but not known; `expected` in the next, were all offered it.
    """

    left: float
    left_today: float
    left_so_far: float
    on_its_way: float
    expected: float

    @property
    def share(self) -> float:
        """The share of people who may be offered the action; none where negative, all from 1 on."""
        left = min(self.left, self.left_today, self.left_so_far)
        return (left - self.on_its_way) / self.expected


def within_budget(
    action_id: str,
    budget: Budget,
    statistics: ActionStatistics,
    epoch: int,
    now_ms: int,
    time_zone: str,
    drawn: float,
    to_exposure_ms: int = TO_EXPOSURE_MS,
) -> Refusal | None:
    """None where the action may be offered at `now_ms`, by what is known in `epoch`; else what is used up.

    `drawn` in [0, 1), a hash of person and action, decides who is among the share that is offered it.
    """
    if budget.cost == 0.0:
        return None
    known = statistics.action(action_key(action_id), epoch)
    allowed = allowance(budget, known, epoch, now_ms, time_zone, to_exposure_ms)
    if allowed.left < 1.0 - ROUNDING:
        return _refusal("budget_total", allowed.left, budget.total, budget)
    if allowed.left_today < 1.0 - ROUNDING:
        return _refusal("budget_day", allowed.left_today, budget.per_day, budget)
    if allowed.left_so_far <= 0.0:
        return _refusal("budget_pace", allowed.left_so_far, budget.per_day, budget)
    if drawn >= allowed.share:
        share = max(0.0, allowed.share)
        return Refusal("budget_share", {"share": f"{share:.4g}", "drawn": f"{drawn:.4g}"})
    return None


def beyond_audience(budget: Budget, times: int, drawn: float, drawn_today: float) -> Refusal | None:
    """Whether a person has not drawn the action, where nothing tells what of it is shown; None where they have, or nobody draws.

    Each person may get it `times`. `drawn` in [0, 1) is a hash of person and action, `drawn_today` of these and the day.
    Of n people who ask, n x share get it in the mean, and by chance some 2 x sqrt(n x share) more, with no one counting.
    """
    if budget.audience is None or budget.cost == 0.0:
        return None
    pieces = budget.cost * budget.audience * max(times, 1)
    for bound, lot in ((budget.total, drawn), (budget.per_day, drawn_today)):
        if bound is not None and lot >= bound / pieces:
            values = {"share": f"{bound / pieces:.4g}", "drawn": f"{lot:.4g}"}
            return Refusal("budget_audience", values | {"audience": str(budget.audience)})
    return None


def allowance(
    budget: Budget,
    known: ActionKnowledge | None,
    epoch: int,
    now_ms: int,
    time_zone: str,
    to_exposure_ms: int = TO_EXPOSURE_MS,
) -> Allowance:
    """What a budget whose `cost` is positive allows, by what is `known` of the action in `epoch`."""
    left = left_today = left_so_far = inf
    if budget.total is not None:
        left = budget.total / budget.cost - (known.exposures_total if known else 0)
    if budget.per_day is not None:
        day = local_day(time_zone, now_ms)
        per_day = budget.per_day / budget.cost
        today = exposures_of(known, day)
        left_today = per_day - today
        if budget.is_paced:
            gone = (now_ms - day.start_ms) / (day.end_ms - day.start_ms)
            left_so_far = per_day * max(gone, FIRST_INSTALMENT) - today
    horizon = -(-(EPOCH_MS + EPOCH_AHEAD_MS + to_exposure_ms) // EPOCH_MS)
    on_its_way, peak = _recent(known, epoch, horizon)
    expected = max(peak, budget.people_per_s * EPOCH_MS / SECOND_MS) * horizon
    return Allowance(left, left_today, left_so_far, on_its_way, expected)


def exposures_of(known: ActionKnowledge | None, day: Day) -> int:
    """Exposures of the hours that the day has a part of.

    So where a zone's day begins within an hour (India, Nepal), what was shown earlier in that hour counts
    to both days: such a day may spend less than its budget, never more.
    """
    if known is None:
        return 0
    newest = max(0, known.hour - (day.end_ms - 1) // HOUR_MS)
    oldest = max(0, known.hour - day.start_ms // HOUR_MS + 1)
    return sum(known.hourly[newest:oldest])


def _recent(known: ActionKnowledge | None, epoch: int, epochs: int) -> tuple[float, float]:
    """Exposures on their way for `epochs` to come at the end of `epoch`; the peak of one, faded to then."""
    if known is None:
        return 0.0, 0.0
    silent = epoch - known.epoch
    shown = sum(known.recent[: max(0, min(epochs, RECENT_EPOCHS) - silent)])
    fastest = epochs / NEWEST_EPOCHS * sum(known.recent[: max(0, NEWEST_EPOCHS - silent)])
    peak = decay(known.peak, silent * EPOCH_MS, LONG_HALF_LIFE_MS)
    return max(float(shown), fastest), peak


def _refusal(rule: str, left: float, bound: float | None, budget: Budget) -> Refusal:
    values = {"left": f"{left * budget.cost:g}", "cost": f"{budget.cost:g}"}
    return Refusal(rule, values | {"budget": f"{bound:g}"} if bound is not None else values)
