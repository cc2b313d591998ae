"""Outcomes as sums by arm: who was seen in which arm, since when, and what they came to from then on.

A unit counts from the first time that a decision made in an arm was seen, for that arm; what came before is the covariate. Everything follows from the set of outcomes: in
whatever order they come and however often, the sums are the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from models.experiments.metrics import METRICS, UNITS, ArmOf, Metric, is_money, is_seen, measures_of
from models.experiments.sums import QUANTUM, Sums, Values, add
from schemas.errors import ConfigError
from schemas.experiments import Experiment
from schemas.limits import DAY_MS
from schemas.outcomes import Outcome

OUTCOMES_MAX: Final = 5_000_000
"""Of one reading; with more it is refused, and a shorter time has to be named."""
BEFORE_MS: Final = 28 * DAY_MS
"""So long before a unit is first seen counts as its time before."""


class Compared(NamedTuple):
    """An experiment, whose arm a decision was made in, and what amounts are in; those of other currencies are left out and counted."""

    experiment: Experiment
    arm_of: ArmOf
    currency: str


class Entry(NamedTuple):
    """What one outcome adds to a measure, in millionths: whole numbers add up to the same in any order."""

    time_ms: int
    session_id: str
    measure: str
    amount: int


class Counted(NamedTuple):
    """`units`, `exposures` and `sessions` by arm; `mixed`: units that were seen in several arms, which are in none; `sums` by (metric, arm), `days` by
    (metric, arm, day since `first_ms`); times are of the first and the last outcome that counts, 0 = there is none.
    """

    units: Mapping[str, int]
    exposures: Mapping[str, int]
    sessions: Mapping[str, int]
    mixed: int
    sums: Mapping[tuple[str, str], Sums]
    days: Mapping[tuple[str, str, int], Sums]
    first_ms: int
    last_ms: int
    other_currency: int


class Ledger:
    """All outcomes that were told, each once."""

    def __init__(self, compared: Compared) -> None:
        self._compared = compared
        self._told: set[str] = set()
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)
        self._seen: defaultdict[str, Counter[tuple[str, str, int]]] = defaultdict(Counter)
        self._other_currency = 0
        self._last_ms = 0

    def add(self, outcome: Outcome) -> None:
        """Takes one outcome; one that is told again counts nothing. Raises ConfigError beyond OUTCOMES_MAX."""
        if outcome.outcome_id in self._told or not outcome.person:
            return
        if len(self._told) >= OUTCOMES_MAX:
            raise ConfigError(f"more than {OUTCOMES_MAX:,} outcomes: name a shorter time")
        self._told.add(outcome.outcome_id)
        experiment = self._compared.experiment
        if not experiment.starts_ms - BEFORE_MS <= outcome.outcome_ms < experiment.ends_ms:
            return
        self._last_ms = max(self._last_ms, outcome.outcome_ms)
        if is_money(outcome) and outcome.currency not in (None, self._compared.currency):
            self._other_currency += 1
            return
        arm = self._compared.arm_of(outcome) if is_seen(outcome) else None
        if arm is not None:
            place = (arm, outcome.session_id, outcome.outcome_ms)
            self._seen[outcome.person][place] += outcome.sign
        self._entries[outcome.person] += (
            Entry(outcome.outcome_ms, outcome.session_id, name, round(amount * QUANTUM))
            for name, amount in measures_of(outcome)
        )

    def counted(self, metrics: Iterable[Metric]) -> Counted:
        """The sums of these metrics as of what was told."""
        found = _Sums(tuple(metrics))
        is_by_session = self._compared.experiment.unit == "session"
        first_ms = 0
        for person in sorted(self._seen):
            seen = sorted((at, arm, session) for (arm, session, at), n in self._seen[person].items() if n > 0)  # fmt: skip
            for unit in _units(seen, is_by_session=is_by_session):
                first_ms = min(first_ms or unit.since_ms, unit.since_ms)
                found.units.append((unit, self._entries[person]))
        found.settle(self._compared.experiment, first_ms)
        return Counted(
            found.count, found.exposures, found.sessions, found.mixed, found.sums, found.days,
            first_ms, self._last_ms if first_ms else 0, self._other_currency,
        )  # fmt: skip


class _Unit(NamedTuple):
    """`session_id`: the visit that it is; "" = the whole person."""

    arm: str
    since_ms: int
    session_id: str
    is_mixed: bool


def _units(seen: list[tuple[int, str, str]], *, is_by_session: bool) -> Iterable[_Unit]:
    """Each unit of a person that was seen in an arm; `seen`: (time, arm, session) in order."""
    by: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for at, arm, session in seen:
        by[session if is_by_session else ""].append((at, arm))
    for session, several in by.items():
        since_ms, arm = several[0]
        yield _Unit(arm, since_ms, session, len({one for _, one in several}) > 1)


class _Sums:
    """What `counted` adds up, unit by unit."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self.metrics = metrics
        self.units: list[tuple[_Unit, list[Entry]]] = []
        self.count: Counter[str] = Counter()
        self.exposures: Counter[str] = Counter()
        self.sessions: Counter[str] = Counter()
        self.mixed = 0
        self.sums: defaultdict[tuple[str, str], Sums] = defaultdict(Sums)
        self.days: defaultdict[tuple[str, str, int], Sums] = defaultdict(Sums)

    def settle(self, experiment: Experiment, first_ms: int) -> None:
        """Adds every unit, once it is known which day was the first."""
        for unit, entries in self.units:
            if unit.is_mixed:
                self.mixed += 1
                continue
            self.count[unit.arm] += 1
            before_ms = unit.since_ms if experiment.unit == "person" else experiment.starts_ms
            before: Counter[str] = Counter()
            since: Counter[str] = Counter()
            daily: defaultdict[int, Counter[str]] = defaultdict(Counter)
            for one in entries:
                if before_ms - BEFORE_MS <= one.time_ms < before_ms:
                    before[one.measure] += one.amount
                if one.time_ms >= unit.since_ms and unit.session_id in ("", one.session_id):
                    since[one.measure] += one.amount
                    daily[(one.time_ms - first_ms) // DAY_MS][one.measure] += one.amount
            self._add(unit.arm, before, since, daily)

    def _add(
        self,
        arm: str,
        before: Mapping[str, int],
        since: Mapping[str, int],
        daily: Mapping[int, Mapping[str, int]],
    ) -> None:
        self.exposures[arm] += since.get("shown", 0) // QUANTUM
        self.sessions[arm] += since.get("visits", 0) // QUANTUM
        for metric in self.metrics:
            known = before.get(metric.above, 0)
            self.sums[metric.name, arm] = add(
                self.sums[metric.name, arm], _values(metric, since, known)
            )
            for day, values in daily.items():
                place = metric.name, arm, day
                self.days[place] = add(self.days[place], _values(metric, values, 0))


def _values(metric: Metric, found: Mapping[str, int], before: int) -> Values:
    below = QUANTUM if metric.below == UNITS else found.get(metric.below, 0)
    return Values(found.get(metric.above, 0) / QUANTUM, below / QUANTUM, before / QUANTUM)


def metrics_of(experiment: Experiment) -> list[Metric]:
    """Those of the experiment, its guardrails after them."""
    return [METRICS[name] for name in (*experiment.metrics, *experiment.guardrails)]
