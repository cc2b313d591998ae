"""What came of a person's decisions, as channels may ask for it: the newest of the last days.

One hash a person: by cause the newest revision of what is told of it, so a repeat changes nothing, in whatever order records come.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from redis import Redis, RedisError, ResponseError

from channels.security.pseudonyms import Pseudonyms
from channels.security.server_faults import answers_of, in_words
from channels.store.keys import key_of
from channels.store.lua import FORGET_OUTCOMES, WRITE_OUTCOME
from channels.store.values import is_of_another_type
from schemas.codec import OUTCOME
from schemas.decisions import WITHDRAWN_PURPOSES, Decision
from schemas.errors import InvalidEvent
from schemas.events import ANALYTICS
from schemas.limits import DAY_MS
from schemas.outcomes import NO_DECISION, Outcome

KEPT_MS: Final = 30 * DAY_MS
"""An outcome is there for so long after it happened; topic `outcomes` has it longer."""
OUTCOMES_MAX: Final = 256
"""Of a person; at the bound the one that happened first goes."""
PARTS: Final = 3
"""Of a value: revision, when it happened, and the record's bytes, none where it was taken back."""

Run = Callable[..., None]
"""Puts a script into a pipeline: pipeline, script, key, arguments."""


class Kept(NamedTuple):
    """What writing an outcome did: whether it was new; with a `fault`: refused by the server, for good."""

    is_new: bool
    fault: str = ""


class StoredOutcomes:
    """Those of one store; `run` is the store's own way of asking a script."""

    def __init__(
        self, redis: "Redis[bytes]", prefix: str, pseudonyms: Pseudonyms, run: Run
    ) -> None:
        self._redis, self._prefix, self._pseudonyms, self._run = redis, prefix, pseudonyms, run
        self._write = redis.register_script(WRITE_OUTCOME)
        self._forget = redis.register_script(FORGET_OUTCOMES)

    def key(self, person: str) -> str:
        """Where a person's lie."""
        return key_of(self._prefix, "outcomes", self._pseudonyms.of("person", person))

    def write(self, outcomes: Iterable[tuple[Outcome, bytes]]) -> list[Kept]:
        """Writes those of decisions, with their records' bytes, in their order and in one round trip. Raises RedisError where the server refuses for now."""
        several = list(outcomes)
        pipeline: Any = self._redis.pipeline(transaction=False)
        for one, data in several:
            if one.decision_id != NO_DECISION:
                self._run(
                    pipeline, self._write, self.key(one.person), cause_of(one), one.revision, one.outcome_ms,
                    data if one.sign > 0 else b"", KEPT_MS, OUTCOMES_MAX,
                )  # fmt: skip
        answers = iter(answers_of(pipeline))
        return [_kept(0 if one.decision_id == NO_DECISION else next(answers)) for one, _ in several]

    def withdraw(self, decisions: Iterable[Decision]) -> int:
        """Forgets what happened until then of who is erased, or lets nobody count it any more; of how many withdrawals. Raises RedisError, as `write`."""
        pipeline: Any = self._redis.pipeline(transaction=False)
        for one in decisions:
            if is_withdrawal(one):
                self._run(pipeline, self._forget, self.key(one.person), one.event_time_ms, KEPT_MS)
        return len(answers_of(pipeline))

    def read(self, person: str, now_ms: int) -> list[Outcome]:
        """What holds of the last KEPT_MS, the newest first; what is not ours, or another's, is as if absent."""
        found = [_outcome_of(data) for data in self._values(person)]
        held = [
            one for one in found
            if one is not None and one.person == person and one.outcome_ms > now_ms - KEPT_MS
        ]  # fmt: skip
        return sorted(held, key=lambda one: (-one.outcome_ms, one.outcome_id))

    def _values(self, person: str) -> Sequence[bytes]:
        try:
            values: Sequence[bytes] = self._redis.hvals(self.key(person))
        except ResponseError as error:
            if not is_of_another_type(error):
                raise
            return []
        return values[: OUTCOMES_MAX + 1]


def cause_of(outcome: Outcome) -> str:
    """What revisions of one outcome have in common, among those of its person."""
    parts = outcome.kind, outcome.decision_id
    if outcome.kind in ("carted", "converted", "refunded", "felt"):
        return "/".join((*parts, outcome.session_id, outcome.event_id))
    return "/".join(parts)


def is_withdrawal(decision: Decision) -> bool:
    """Whether nothing may be told any more of what came of its person's decisions: an erasure names no purposes."""
    if decision.kind != "purged":
        return False
    purposes = decision.content.get(WITHDRAWN_PURPOSES)
    return purposes is None or ANALYTICS in purposes.split(", ")


def _kept(answer: Any) -> Kept:
    return Kept(False, in_words(answer)) if isinstance(answer, RedisError) else Kept(bool(answer))


def _outcome_of(data: bytes) -> Outcome | None:
    parts = data.split(b":", PARTS - 1)
    if len(parts) != PARTS or not parts[-1]:
        return None
    try:
        return OUTCOME.decode(parts[-1])
    except InvalidEvent:
        return None
