"""The store: what channels read, in Redis or Valkey. What lies where is told in `keys.py`."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

import msgspec
from redis import Redis, RedisCluster, RedisError, ResponseError

from channels.security.pseudonyms import Pseudonyms
from channels.security.server_faults import answers_of, in_words
from channels.store.keys import former_key_of, key_of
from channels.store.lua import WRITE, WRITE_SESSION
from channels.store.outcomes import StoredOutcomes
from channels.store.values import Trend, is_of_another_type, text_of, trends_of, whole_of
from log.store_address import open_redis
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.limits import DAY_MS

SESSION_KEPT_MS: Final = DAY_MS
FALLBACK_KEPT_MS: Final = 30 * DAY_MS
"""A category in which nobody has been interested for so long has no fallback any more."""
BEAT_MS: Final = 5_000
LATENCY_SAMPLES_MAX: Final = 50_000


class Stored(NamedTuple):
    """What one write did: `stored_at_ms` 0 = refused, as not newer; with a `fault`: refused by the server, for good."""

    decision: Decision
    stored_at_ms: int
    fault: str = ""


class Store:
    """One Redis or Valkey under one prefix.

    What was written under a former key is read until it expires, and only by whom it names: two
    persons could have one former key.
    """

    def __init__(
        self, redis: "Redis[bytes]", prefix: str, pseudonyms: Pseudonyms | None = None
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._pseudonyms = pseudonyms or Pseudonyms()
        self._write = redis.register_script(WRITE)
        self._write_session = redis.register_script(WRITE_SESSION)
        self._is_cluster = isinstance(redis, RedisCluster)
        self.outcomes = StoredOutcomes(redis, prefix, self._pseudonyms, self._run)

    def key(self, person: str, placement: str) -> str:
        """Where the decision of a person and placement lies."""
        return key_of(self._prefix, "decision", self._pseudonyms.of("person", person), placement)

    def session_key(self, session_id: str) -> str:
        """Where it lies whose a session is."""
        return key_of(self._prefix, "session", self._pseudonyms.of("session", session_id))

    def write(self, decisions: Sequence[tuple[Decision, bytes]]) -> list[Stored]:
        """Writes decisions with their records' bytes, in order, in one round trip.

        Raises RedisError where the server refuses for now: all of it may be written again, which changes nothing.
        """
        if not decisions:
            return []
        pipeline: Any = self._redis.pipeline(transaction=False)
        for decision, data in decisions:
            body = data if decision.kind == "decided" else b""
            self._run(
                pipeline, self._write, self.key(decision.person, decision.placement),
                decision.sequence, body, decision.valid_until_ms,
            )  # fmt: skip
        for decision, _ in decisions:
            if decision.kind == "decided":
                self._run(
                    pipeline, self._write_session, self.session_key(decision.session_id),
                    decision.person, decision.event_time_ms + SESSION_KEPT_MS,
                )  # fmt: skip
        answers = answers_of(pipeline)
        return [
            Stored(decision, 0, in_words(answer))
            if isinstance(answer, RedisError)
            else Stored(decision, int(answer))
            for (decision, _), answer in zip(decisions, answers, strict=False)
        ]

    def _run(self, pipeline: Any, script: Any, key: str, *args: Any) -> None:
        """Puts a script into a pipeline; a cluster's pipelines take no loaded ones."""
        if self._is_cluster:
            pipeline.execute_command("EVAL", script.script, 1, key, *args)
        else:
            script(keys=[key], args=args, client=pipeline)

    def read(self, person: str, placement: str, now_ms: int) -> Decision | None:
        """The decision in force at `now_ms`, or None."""
        whose = self._pseudonyms.of("person", person)
        former = former_key_of(self._prefix, "decision", whose, placement)
        newest = self._found(self.key(person, placement), person, placement)
        if former is not None:
            newest = max(newest, self._found(former, person, placement), key=lambda one: one[0])
        decision = newest[1]
        return decision if decision is not None and decision.valid_until_ms > now_ms else None

    def forget(
        self, persons: Iterable[str], placements: Iterable[str], sessions: Iterable[str]
    ) -> int:
        """Removes what lies there of these people and sessions; how many keys that were."""
        persons = list(persons)
        pairs = list(product(persons, placements))
        keys = [self.key(*one) for one in pairs] + [self.session_key(one) for one in sessions]
        keys += [self.outcomes.key(one) for one in persons]
        for person, placement in pairs:
            whose = self._pseudonyms.of("person", person)
            former = former_key_of(self._prefix, "decision", whose, placement)
            keys += [former] if former is not None else []
        pipeline: Any = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.delete(key)
        return sum(map(int, pipeline.execute()))

    def person_of(self, session_id: str) -> str | None:
        """For whom the session's newest decision was made; None = for nobody within a day."""
        whose = self._pseudonyms.of("session", session_id)
        former = former_key_of(self._prefix, "session", whose)
        person = text_of(self._text(self.session_key(session_id)))
        if person is None and former is not None:
            person = text_of(self._text(former))
        return person

    def write_fallbacks(self, slates: Mapping[str, Sequence[Trend]]) -> None:
        """Writes the trending items of categories, in one round trip; the last writer wins."""
        pipeline: Any = self._redis.pipeline(transaction=False)
        for category, trends in slates.items():
            body = msgspec.json.encode(trends)
            pipeline.set(self._fallback_key(category), body, px=FALLBACK_KEPT_MS)
        pipeline.execute()

    def read_fallback(self, category: str) -> list[Trend]:
        """The trending items of a category, or of all (""), best first.

        They may have left the catalogue since: whoever shows them has to look.
        """
        former = former_key_of(self._prefix, "fallback", category)
        found = trends_of(self._text(self._fallback_key(category)))
        if found is None and former is not None:
            found = trends_of(self._text(former))
        return found or []

    def stored_at_ms(self, decision: Decision) -> int | None:
        """When this decision was stored; None if another one has taken its place."""
        key = self.key(decision.person, decision.placement)
        sequence, stored_at = self._fields(key, "sequence", "stored_at_ms")
        is_shown = whole_of(sequence) == decision.sequence
        return whole_of(stored_at) if is_shown else None

    def sample_latencies(self, stored: Sequence[Stored]) -> None:
        """Keeps how long after its event was sent each decision was stored."""
        samples = [
            one.stored_at_ms - one.decision.sent_at_ms
            for one in stored
            if one.stored_at_ms and one.decision.sent_at_ms is not None
        ]
        if samples and not self._append(samples):
            self.forget_latencies()
            self._append(samples)

    def latencies_ms(self, newest: int = LATENCY_SAMPLES_MAX) -> list[int]:
        """The newest samples, oldest first."""
        try:
            samples = map(whole_of, self._redis.lrange(self._latency_key, -newest, -1))
        except ResponseError as error:
            if not is_of_another_type(error):
                raise
            return []
        return [one for one in samples if one is not None]

    def _append(self, samples: Sequence[int]) -> bool:
        """Whether the samples are kept now: not where something else lies in their place."""
        pipeline: Any = self._redis.pipeline(transaction=False)
        pipeline.rpush(self._latency_key, *samples)
        pipeline.ltrim(self._latency_key, -LATENCY_SAMPLES_MAX, -1)
        for answer in pipeline.execute(raise_on_error=False):
            if isinstance(answer, ResponseError) and is_of_another_type(answer):
                return False
            if isinstance(answer, RedisError):
                raise answer
        return True

    def forget_latencies(self) -> None:
        """Starts a new measurement."""
        self._redis.delete(self._latency_key)

    def beat(self) -> None:
        """Says that a writer is at work, for the next BEAT_MS."""
        self._redis.set(f"{self._prefix}:writer", "1", px=BEAT_MS)

    def has_writer(self) -> bool:
        """Whether a writer has said so lately."""
        return bool(self._redis.exists(f"{self._prefix}:writer"))

    def _found(self, key: str, person: str, placement: str) -> tuple[int, Decision | None]:
        """Sequence and decision in a key; sequence -1 where there is nothing, or somebody else's."""
        found, data = self._fields(key, "sequence", "decision")
        sequence = whole_of(found)
        if sequence is None:
            return -1, None
        try:
            decision = DECISION.decode(data) if data else None
        except InvalidEvent:
            return -1, None
        if decision is not None and (decision.person, decision.placement) != (person, placement):
            return -1, None
        return sequence, decision

    def _fields(self, key: str, *names: str) -> Sequence[bytes | None]:
        """Fields of a hash; of anything else, none."""
        try:
            found: Sequence[bytes | None] = self._redis.hmget(key, *names)
        except ResponseError as error:
            if not is_of_another_type(error):
                raise
            return [None] * len(names)
        return found

    def _text(self, key: str) -> bytes | None:
        """A string; of anything else, none."""
        try:
            found: bytes | None = self._redis.get(key)
        except ResponseError as error:
            if not is_of_another_type(error):
                raise
            return None
        return found

    def _fallback_key(self, category: str) -> str:
        return key_of(self._prefix, "fallback", category)

    @property
    def _latency_key(self) -> str:
        return f"{self._prefix}:latency"


def open_store(address: str, prefix: str, pseudonyms: Pseudonyms | None = None) -> Store:
    """The store at an address (see `log.store_address`); it connects when first used."""
    return Store(open_redis(address), prefix, pseudonyms)
