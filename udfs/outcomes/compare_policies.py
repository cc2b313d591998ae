"""Decisions of a log beside those of another policy, and what came of them: rows for an off-policy estimate, and who would see something else.

What counts as the same is what is seen: the action with its treatment and its items in their order. Pure sums over rows; nothing here knows where the rows are from.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from models.off_policy import Logged, NewPolicy, Spread
from schemas.decisions import Decision
from schemas.outcomes import NO_DECISION, Outcome
from udfs.explain.tracing import Weighed
from udfs.outcomes.rewards import reward_of

ROWS_MAX: Final = 500_000
"""Decisions that are compared, some 0.5 GB; later ones are counted and not looked at."""
EXAMPLES_MAX: Final = 3
"""Decisions by id of each move from one action to another."""
SEGMENTS_MAX: Final = 500
OTHERS: Final = "(others)"
"""Under this segment is counted what finds none any more."""
CLOSE: Final = 1e-9


class Pair(NamedTuple):
    """A decision of the log with what could have been chosen in it, and the same of the other policy."""

    logged: Decision
    weighed: Weighed
    other: Decision
    other_weighed: Weighed


class Row(Struct, gc=False):
    """One decision that both policies make. `chance`: that of what was seen; `taken`: the other policy's of the same; `untried`: how much of the other's chance lies on
    what could not have been seen here; `spread`: the other's chances by action.
    """

    decision_id: str
    placement: str
    person: str
    action: str
    other: str
    is_changed: bool
    segments: tuple[str, ...]
    chance: float
    taken: float
    untried: float
    spread: tuple[tuple[str, float], ...]
    reward: float = 0.0
    is_confirmed: bool = False


class Changed(NamedTuple):
    """Of so many decisions, so many would show something else."""

    decisions: int
    changed: int


class Move(NamedTuple):
    """So many decisions at a placement would show the one action instead of the other (the same: with another treatment or other items); `examples`: ids of some."""

    placement: str
    logged: str
    other: str
    decisions: int
    examples: tuple[str, ...]


class Differences(NamedTuple):
    """Who would see something else; `people` of so many see it at least once."""

    decisions: Changed
    people: Changed
    by_action: dict[str, Changed]
    by_segment: dict[str, Changed]
    moves: list[Move]


class Comparison:
    """The rows, each with what its decision has earned by `reward` (udfs/outcomes/rewards.py)."""

    def __init__(self, reward: str, currency: str, rows_max: int = ROWS_MAX) -> None:
        self._reward, self._currency, self._rows_max = reward, currency, rows_max
        self._rows: dict[str, Row] = {}
        self._names: dict[str, str] = {}
        self.not_kept = self.otherwise = 0

    def add(self, pair: Pair, segments: tuple[str, ...]) -> None:
        """A decision of which outcomes are told."""
        if len(self._rows) >= self._rows_max:
            self.not_kept += 1
            return
        row = _row(pair, tuple(map(self._one, segments)))
        row.placement, row.person = self._one(row.placement), self._one(row.person)
        self._rows[row.decision_id] = row

    def earn(self, outcome: Outcome) -> None:
        """What came of a decision; nothing of one that is no row."""
        row = self._rows.get(outcome.decision_id) if outcome.decision_id != NO_DECISION else None
        if row is not None:
            row.reward += reward_of(self._reward, outcome, self._currency)

    def confirm(self, decision: Decision) -> None:
        """One that was written to `decisions`: its row is kept where it was made alike."""
        row = self._rows.get(decision.decision_id)
        if row is None or row.is_confirmed:
            return
        is_same = row.action == decision.action_id
        if is_same and abs(row.chance - decision.action_probability) < CLOSE:
            row.is_confirmed = True
        else:
            self.otherwise += 1
            del self._rows[decision.decision_id]

    def keep_confirmed(self) -> int:
        """Leaves out what was not written; how many those are."""
        before = len(self._rows)
        self._rows = {name: one for name, one in self._rows.items() if one.is_confirmed}
        return before - len(self._rows)

    @property
    def rows(self) -> list[Row]:
        """In the order in which they were decided."""
        return list(self._rows.values())

    def _one(self, name: str) -> str:
        """The same text once in memory."""
        return self._names.setdefault(name, name)


def arrays(rows: Iterable[Row]) -> tuple[Logged, NewPolicy]:
    """What the estimators read; each placement is a group, each person their rows'. At least one row."""
    actions, groups, people = _Numbers(), _Numbers(), _Numbers()
    kept = list(rows)
    logged = Logged(
        np.array([actions[one.action] for one in kept], np.int64),
        np.array([groups[one.placement] for one in kept], np.int64),
        np.array([one.reward for one in kept]),
        np.array([one.chance for one in kept]),
        np.array([people[one.person] for one in kept], np.int64),
    )
    triples = [(at, actions[name], chance) for at, one in enumerate(kept) for name, chance in one.spread]  # fmt: skip
    at, action, chance = zip(*triples, strict=True) if triples else ((), (), ())
    untried = np.array([one.untried for one in kept])
    spread = Spread(np.array(at, np.int64), np.array(action, np.int64), np.array(chance, np.float64), untried)  # fmt: skip
    return logged, NewPolicy(np.array([one.taken for one in kept]), spread=spread)


def differences(rows: Iterable[Row]) -> Differences:
    """Counted over decisions and people; moves the most frequent first."""
    kept = list(rows)
    changed = [one for one in kept if one.is_changed]
    moves: dict[tuple[str, str, str], list[str]] = {}
    for one in changed:
        moves.setdefault((one.placement, one.action, one.other), []).append(one.decision_id)
    return Differences(
        Changed(len(kept), len(changed)),
        Changed(len({one.person for one in kept}), len({one.person for one in changed})),
        _shares((one.action, one.is_changed) for one in kept),
        _shares((name, one.is_changed) for one in kept for name in one.segments),
        [
            Move(*names, len(ids), tuple(ids[:EXAMPLES_MAX]))
            for names, ids in sorted(moves.items(), key=lambda move: (-len(move[1]), move[0]))
        ],
    )


def _shares(told: Iterable[tuple[str, bool]]) -> dict[str, Changed]:
    """By name, in the order of the names."""
    every: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for name, is_changed in told:
        counted = name if name in every or len(every) < SEGMENTS_MAX else OTHERS
        every[counted] += 1
        changed[counted] += is_changed
    return {name: Changed(every[name], changed[name]) for name in sorted(every)}


def _row(pair: Pair, segments: tuple[str, ...]) -> Row:
    logged, other, was, new = pair.logged, pair.other, pair.weighed, pair.other_weighed
    chance, seen = logged.action_probability, was.sights[logged.action_id]
    is_seen = new.sights.get(logged.action_id) == seen
    untried = sum(
        one for name, one in new.chances.items() if was.sights.get(name) != new.sights[name]
    )
    is_changed = (other.action_id, new.sights[other.action_id]) != (logged.action_id, seen)
    return Row(
        logged.decision_id, logged.placement, logged.person, logged.action_id, other.action_id,
        is_changed, segments, chance, new.chances[logged.action_id] if is_seen else 0.0,
        min(1.0, untried), tuple(new.chances.items()),
    )  # fmt: skip


class _Numbers(dict[str, int]):
    """Names, numbered as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._next = count()

    def __missing__(self, name: str) -> int:
        self[name] = found = next(self._next)
        return found
