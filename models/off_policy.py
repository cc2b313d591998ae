"""Off-policy evaluation: what a policy would have earned, from decisions that another one made with chances that are known.

Of each decision of the log: r the reward, p the chance with which its action was chosen, e the chance that the new policy gives it, w = e / p.
Rows are taken as independent of one another, or, where it is known whose they are, people.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

Z_95: Final = 1.959963984540054
FOLDS: Final = 2
PRIOR_ROWS: Final = 10.0
"""So many rows of the mean reward stand behind an action's own, where the model of rewards has few of it."""
WEIGHT_SURE: Final = 4.0
"""Standard errors that the mean weight may lie from 1."""
ROWS_MIN: Final = 100.0
"""Of effective rows; fewer tell nothing."""
REWARDS_MIN: Final = 30
UNSEEN_MAX: Final = 0.01
"""So much of the new policy's chance may lie on what the log never tried."""


class Logged(NamedTuple):
    """(n,) each: `actions` and `groups` (positions, say, each with its own choice) numbered from 0, `rewards`, and `chances` above 0. `people`:
    whose a row is, numbered from 0; None = each is its own.
    """

    actions: Places
    groups: Places
    rewards: Floats
    chances: Floats
    people: Places | None = None


class Spread(NamedTuple):
    """A policy's chances row by row, (m,) each: in row `rows` it takes action `actions` with chance `chances`. `untried`: (n,) how much of its chance
    lies on what could not have been done in this row of the log.
    """

    rows: Places
    actions: Places
    chances: Floats
    untried: Floats


class NewPolicy(NamedTuple):
    """`taken`: (n,) its chances of the actions of the log. `table`: (groups, actions), its chances of every action, or by row its `spread`; both None = not
    known, and what needs a model of rewards is left out.
    """

    taken: Floats
    table: Floats | None = None
    spread: Spread | None = None


class Estimate(NamedTuple):
    """What a decision earns by one estimator, with its 95 % interval; None: it has none that could be stated."""

    name: str
    value: float
    low: float | None
    high: float | None


class Support(NamedTuple):
    """How far the log can tell of the new policy. `effective_rows`: (sum w)^2 / sum w^2 (Kish 1965); `unseen`: the share of its chance that lies on actions
    that the log never took, None = not known; `beyond`: so much less than 1 the mean weight should be; `weight_error`: standard errors between the mean weight and 1 (less what
    could not have been done, where that is known); `rewards`: rows with one and a weight.
    """

    rows: int
    effective_rows: float
    mean_weight: float
    weight_error: float
    largest_share: float
    rewards: int
    unseen: float | None
    clip: float
    clipped_rows: int
    beyond: float = 0.0


def uniform(logged: Logged) -> NewPolicy:
    """Every action of the log alike."""
    shape = int(logged.groups.max()) + 1, int(logged.actions.max()) + 1
    return of_table(logged, np.full(shape, 1.0 / shape[1]))


def of_table(logged: Logged, table: Floats) -> NewPolicy:
    """Chances (groups, actions) that depend on nothing else."""
    return NewPolicy(table[logged.groups, logged.actions], table)


def estimates(logged: Logged, new: NewPolicy, clip: float) -> list[Estimate]:
    """All that can be had. `clip`: weights above are taken as this (`clipped`), or not at all beside the model (`switch`).

    `ips`: Horvitz and Thompson 1952; `clipped`: Ionides 2008; `snips`: Swaminathan and Joachims, NeurIPS 2015; `direct`: a model of rewards alone; `doubly_robust`:
    Dudik, Langford and Li, ICML 2011; `switch`: Wang, Agarwal and Dudik, ICML 2017.
    """
    rewards, weights, people = logged.rewards, new.taken / logged.chances, logged.people
    found = [
        _mean("on_policy", rewards, people),
        _mean("ips", weights * rewards, people),
        _mean("clipped", np.minimum(weights, clip) * rewards, people),
        _self_normalised(weights, rewards, people),
    ]
    if new.table is None and new.spread is None:
        return found
    guessed, expected = _reward_model(logged, new)
    left = weights * (rewards - guessed)
    return [
        *found,
        Estimate("direct", float(expected.mean()), None, None),
        _mean("doubly_robust", expected + left, people),
        _mean("switch", expected + np.where(weights <= clip, left, 0.0), people),
    ]


def support(logged: Logged, new: NewPolicy, clip: float) -> Support:
    """What the weights say of the log."""
    weights = new.taken / logged.chances
    total, rows = float(weights.sum()), len(weights)
    error = float(weights.std(ddof=1)) / rows**0.5 if rows > 1 else 0.0
    untried = float(new.spread.untried.mean()) if new.spread is not None else None
    off = abs(total / rows - 1.0 + (untried or 0.0))
    return Support(
        rows,
        total**2 / float((weights**2).sum()) if total else 0.0,
        total / rows,
        off / error if error else (0.0 if off < 1e-9 else float("inf")),
        float(weights.max()) / total if total else 0.0,
        int(((logged.rewards != 0) & (weights > 0)).sum()),
        _unseen(logged, new.table) if untried is None else untried,
        clip,
        int((weights > clip).sum()),
        untried or 0.0,
    )


def doubts(found: Support) -> list[str]:
    """Why its figures are not to be trusted; nothing where they are."""
    checks: list[tuple[bool, Callable[[], str]]] = [
        (found.weight_error > WEIGHT_SURE, lambda: f"the mean weight is {found.mean_weight:.3f} and should be {1.0 - found.beyond:.3g}: the chances in the log are not those by which it was decided, or the new policy's do not sum to one"),
        ((found.unseen or 0.0) > UNSEEN_MAX, lambda: f"{found.unseen or 0.0:.1%} of the new policy's chance lies on actions that the log never tried"),
        (found.effective_rows < ROWS_MIN, lambda: f"the rows count as {found.effective_rows:,.0f}, and at least {ROWS_MIN:,.0f} are wanted: the two policies do different things"),
        (found.rewards < REWARDS_MIN, lambda: f"{found.rewards} rows with a reward bear on it, and at least {REWARDS_MIN} are wanted"),
    ]  # fmt: skip
    return [said() for is_so, said in checks if is_so]


def _mean(name: str, values: Floats, people: Places | None) -> Estimate:
    value = float(values.mean())
    if len(values) < 2 or _is_one(people):
        return Estimate(name, value, None, None)
    if people is None:
        half = Z_95 * float(values.std(ddof=1)) / len(values) ** 0.5
    else:
        half = Z_95 * _error_of_sum(values - value, people) / len(values)
    return Estimate(name, value, value - half, value + half)


def _self_normalised(weights: Floats, rewards: Floats, people: Places | None) -> Estimate:
    """A ratio of two means, its interval by the delta method."""
    total = float(weights.sum())
    if not total:
        return Estimate("snips", 0.0, None, None)
    value = float((weights * rewards).sum()) / total
    if _is_one(people):
        return Estimate("snips", value, None, None)
    off = weights * (rewards - value)
    error = float(np.sqrt((off**2).sum())) if people is None else _error_of_sum(off, people)
    half = Z_95 * error / total
    return Estimate("snips", value, value - half, value + half)


def _is_one(people: Places | None) -> bool:
    """Whether all rows are of one person."""
    return people is not None and not people.any()


def _error_of_sum(off: Floats, people: Places) -> float:
    """The standard error of a sum over people, of their rows' distances from the mean: Liang and Zeger 1986, with n / (n - 1)."""
    sums = np.bincount(people, weights=off)
    count = len(sums)
    return float(np.sqrt((sums**2).sum() * count / max(1, count - 1)))


def _reward_model(logged: Logged, new: NewPolicy) -> tuple[Floats, Floats]:
    """(n,) the reward that is expected of the action taken, and of the new policy: means by group and action of the other half of the rows (of people, where it is
    known whose rows they are), so that no row tells of itself.
    """
    rows, actions = len(logged.rewards), int(logged.actions.max()) + 1
    if new.table is not None:
        actions = max(actions, new.table.shape[1])
    elif new.spread is not None:
        actions = max(actions, int(new.spread.actions.max(initial=0)) + 1)
    shape = int(logged.groups.max()) + 1, actions
    guessed, expected = np.empty(rows), np.zeros(rows)
    fold = (np.arange(rows) if logged.people is None else logged.people) % FOLDS
    for one in range(FOLDS):
        other, mine = fold != one, fold == one
        means = _means(logged, other, shape)
        guessed[mine] = means[logged.groups[mine], logged.actions[mine]]
        if new.table is not None:
            expected[mine] = (new.table * means[: len(new.table)]).sum(axis=1)[logged.groups[mine]]
        elif new.spread is not None:
            told = new.spread.chances * means[logged.groups[new.spread.rows], new.spread.actions]
            expected[mine] = np.bincount(new.spread.rows, weights=told, minlength=rows)[mine]
    return guessed, expected


def _means(logged: Logged, rows: NDArray[np.bool_], shape: tuple[int, int]) -> Floats:
    """(groups, actions) the mean reward of these rows, drawn to that of all of them where there are few."""
    places = (logged.groups[rows], logged.actions[rows])
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, places, logged.rewards[rows])
    np.add.at(counts, places, 1.0)
    overall = float(logged.rewards[rows].mean()) if rows.any() else 0.0
    means: Floats = (sums + PRIOR_ROWS * overall) / (counts + PRIOR_ROWS)
    return means


def _unseen(logged: Logged, table: Floats | None) -> float | None:
    if table is None:
        return None
    seen = np.zeros(table.shape, dtype=bool)
    seen[logged.groups, logged.actions] = True
    missed = np.where(seen, 0.0, table).sum(axis=1)
    return float(missed[logged.groups].mean())
