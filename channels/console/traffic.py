"""Traffic: what was decided in the last minutes, counted in memory; the newest decisions themselves."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from itertools import islice
from threading import Lock
from typing import Any, Final, NamedTuple

from msgspec import Struct

from schemas.codec import DECISION
from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision
from schemas.limits import MINUTE_MS

BUCKET_MS: Final = 10_000
KEPT_MS: Final = 15 * MINUTE_MS
BUCKETS_MAX: Final = KEPT_MS // BUCKET_MS
SAMPLES_MAX: Final = 1_000
"""Latencies kept of a bucket, the newest: enough for a 99th percentile."""
LATENCIES_MAX: Final = 5_000
"""Of all of them so many are looked at, the newest: as many as of the store's."""
COUNTED_MAX: Final = 1_000
"""Different names counted in a bucket; what comes beyond them counts as OTHER."""
OTHER: Final = "other"
DECISIONS_KEPT_MAX: Final = 5_000
"""So many are read of each partition from before the start, too."""
OF_PERSON_MAX: Final = 50
LETTERS_KEPT_MAX: Final = 200
SHARES: Final = (0.5, 0.9, 0.99)


class Bucket:
    """What was counted within BUCKET_MS."""

    def __init__(self, from_ms: int) -> None:
        self.from_ms = from_ms
        self.decisions = 0
        self.holdout = 0
        self.actions: Counter[str] = Counter()
        self.placements: Counter[str] = Counter()
        self.arms: Counter[tuple[str, str]] = Counter()
        self.versions: Counter[tuple[str, str, str]] = Counter()
        self.letters: Counter[str] = Counter()
        self.latencies_ms: deque[int] = deque(maxlen=SAMPLES_MAX)


class Recent(NamedTuple):
    """A decision and the time of its record, by which its trace is found."""

    decision: Decision
    record_ms: int


class Letter(Struct, frozen=True):
    """A dead letter and when it was written."""

    at_ms: int
    letter: DeadLetter


class Traffic:
    """Counts of the last KEPT_MS and the newest decisions; used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._buckets: OrderedDict[int, Bucket] = OrderedDict()
        self._recent: OrderedDict[str, tuple[str, int, bytes]] = OrderedDict()
        self._of_person: dict[str, deque[str]] = {}
        self._letters: deque[Letter] = deque(maxlen=LETTERS_KEPT_MAX)

    def add_decision(
        self, decision: Decision, data: bytes, record_ms: int, at_ms: int, latency_ms: int | None
    ) -> None:
        """Counts a decision under `at_ms` and keeps its bytes; `latency_ms` only where it came just now."""
        with self._lock:
            bucket = self._bucket(at_ms)
            if bucket is not None and decision.kind == "decided":
                bucket.decisions += 1
                bucket.holdout += decision.is_holdout
                _count(bucket.actions, decision.action_id, OTHER)
                _count(bucket.placements, decision.placement, OTHER)
                for arm in decision.arm.items():
                    _count(bucket.arms, arm, (OTHER, OTHER))
                versions = decision.versions
                seen = (versions.policy, versions.model, versions.code)
                _count(bucket.versions, seen, (OTHER, OTHER, OTHER))
                if latency_ms is not None:
                    bucket.latencies_ms.append(latency_ms)
            if decision.kind == "decided":
                self._keep(decision, data, record_ms)
            else:  # the person does not agree to what was decided before: nobody looks at it here
                for name in self._of_person.pop(decision.person, ()):
                    self._recent.pop(name, None)

    def add_letter(self, letter: DeadLetter, at_ms: int) -> None:
        """Counts and keeps a dead letter."""
        with self._lock:
            bucket = self._bucket(at_ms)
            if bucket is not None:
                _count(bucket.letters, letter.reason, OTHER)
            self._letters.append(Letter(at_ms, letter))

    def decision(self, decision_id: str) -> Recent | None:
        """One of the newest decisions by its id."""
        with self._lock:
            found = self._recent.get(decision_id)
        return Recent(DECISION.decode(found[2]), found[1]) if found else None

    def decisions_of(self, person: str) -> list[Recent]:
        """A person's decisions among the newest, the newest first."""
        with self._lock:
            kept = [
                self._recent[one] for one in self._of_person.get(person, ()) if one in self._recent
            ]
        return [Recent(DECISION.decode(data), record_ms) for _, record_ms, data in reversed(kept)]

    def newest(self, count: int) -> list[Recent]:
        """The newest decisions, the newest first."""
        with self._lock:
            kept = list(self._recent.values())[-count:]
        return [Recent(DECISION.decode(data), record_ms) for _, record_ms, data in reversed(kept)]

    def letters(self) -> list[Letter]:
        """The newest dead letters, the newest first."""
        with self._lock:
            return list(reversed(self._letters))

    def counted(self, now_ms: int) -> dict[str, Any]:
        """The counts of the last KEPT_MS: in all, and of each BUCKET_MS, the oldest first.

        `latency_ms` holds p50, p90, p99 and the number of samples, None without any.
        """
        last = now_ms - now_ms % BUCKET_MS
        times = range(last - (BUCKETS_MAX - 1) * BUCKET_MS, last + 1, BUCKET_MS)
        with self._lock:
            buckets = [self._buckets.get(time) or Bucket(time) for time in times]
            newest_ms = (ms for one in reversed(buckets) for ms in reversed(one.latencies_ms))
            return {
                "bucket_ms": BUCKET_MS,
                "kept_ms": KEPT_MS,
                "decisions": sum(one.decisions for one in buckets),
                "holdout": sum(one.holdout for one in buckets),
                "actions": _summed(one.actions for one in buckets),
                "placements": _summed(one.placements for one in buckets),
                "letters": _summed(one.letters for one in buckets),
                "arms": [
                    {"experiment": experiment, "arm": arm, "decisions": count}
                    for (experiment, arm), count in _summed(one.arms for one in buckets).items()
                ],
                "versions": [
                    {"policy": policy, "model": model, "code": code, "decisions": count}
                    for (policy, model, code), count in _summed(
                        one.versions for one in buckets
                    ).items()
                ],
                "latency_ms": percentiles(islice(newest_ms, LATENCIES_MAX)),
                "buckets": [
                    {
                        "from_ms": one.from_ms,
                        "decisions": one.decisions,
                        "letters": one.letters.total(),
                        "actions": dict(one.actions),
                    }
                    for one in buckets
                ],
            }

    def _bucket(self, at_ms: int) -> Bucket | None:
        """The bucket of a time; None where it is older than what is kept."""
        from_ms = at_ms - at_ms % BUCKET_MS
        newest = max(self._buckets, default=from_ms)
        if from_ms <= newest - KEPT_MS:
            return None
        bucket = self._buckets.get(from_ms)
        if bucket is None:
            bucket = self._buckets[from_ms] = Bucket(from_ms)
            for old in [one for one in self._buckets if one <= max(newest, from_ms) - KEPT_MS]:
                del self._buckets[old]
        return bucket

    def _keep(self, decision: Decision, data: bytes, record_ms: int) -> None:
        self._recent.pop(decision.decision_id, None)
        self._recent[decision.decision_id] = (decision.person, record_ms, data)
        of_person = self._of_person.setdefault(decision.person, deque(maxlen=OF_PERSON_MAX))
        if decision.decision_id in of_person:
            of_person.remove(decision.decision_id)
        of_person.append(decision.decision_id)
        while len(self._recent) > DECISIONS_KEPT_MAX:
            old, (person, _, _) = self._recent.popitem(last=False)
            left = self._of_person.get(person)
            if left is not None and old in left:
                left.remove(old)
            if not left:
                self._of_person.pop(person, None)


def percentiles(values: Iterable[int]) -> dict[str, int] | None:
    """p50, p90 and p99 (nearest rank) and the number of samples; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    last = len(ordered) - 1
    found = {
        f"p{share * 100:.0f}": ordered[min(last, int(share * len(ordered)))] for share in SHARES
    }
    return found | {"samples": len(ordered)}


def _count(counter: "Counter[Any]", name: Any, other: Any) -> None:
    counter[name if name in counter or len(counter) < COUNTED_MAX else other] += 1


def _summed(counters: Iterable["Counter[Any]"]) -> dict[Any, int]:
    """The sums by name, the largest first."""
    total: Counter[Any] = Counter()
    for one in counters:
        total.update(one)
    return dict(total.most_common())
