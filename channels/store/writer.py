"""The store writer: decisions, what came of them, and fallbacks made from knowledge, from Kafka into the store.

Offsets are committed after the store has answered: those of knowledge at the ends of epochs, so that
a new writer begins with a whole one and goes on from the slates that are stored.
"""

import argparse
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from confluent_kafka import Consumer, Message
from redis import RedisError

from channels.api.audit_log import AuditLog
from channels.security.pseudonyms import Pseudonyms, read_pseudonyms
from channels.security.server_faults import in_words, refuses_for_now
from channels.store.fallbacks import Fallbacks
from channels.store.proofs import Place, Proofs
from channels.store.store import Store, open_store
from channels.store.values import Trend
from log.clients import open_consumer_of, open_producer_of
from log.following import ServerAway, log_record, poll_batch
from log.private_lines import log_privately
from log.roles import FALLBACK_GROUP, OUTCOMES_GROUP, STORE_GROUP
from log.settings import Brokers
from log.store_address import StoreAddress
from log.unusable import Aside, Unusable
from schemas.codec import DECISION, OUTCOME, Codec
from schemas.errors import ConfigError, InvalidEvent
from schemas.topics import DECISIONS, KNOWLEDGE, OUTCOMES

BATCH_MAX: Final = 500
KNOWLEDGE_BATCH_MAX: Final = 100
"""Records of knowledge, and of outcomes, taken between two batches of decisions, which wait for them: some 5 ms each."""
POLL_S: Final = 0.5
RETRY_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
COMPLAIN_S: Final = 10.0
"""A server that is waited for is named so often."""

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Consumers(NamedTuple):
    """One of each topic that is written into the store."""

    decisions: Consumer
    knowledge: Consumer
    outcomes: Consumer


class StoreWriter:
    """One consumer of `decisions`, of `knowledge` and of `outcomes`; more writers share the partitions.

    A record that cannot be used is left out and put `aside`; a server that refuses for now is waited for.
    """

    def __init__(
        self,
        consumers: Consumers,
        store: Store,
        aside: Aside | None = None,
        proofs: Proofs | None = None,
    ) -> None:
        self._consumers = consumers
        self._store = store
        self.fallbacks = Fallbacks(store.read_fallback)
        self.unusable = Unusable(logger, aside)
        self._aside = aside
        self._proofs = proofs
        self._is_stopping = False
        self._next_beat_s = self._next_complaint_s = 0.0
        self.written = self.refused = 0

    @property
    def invalid(self) -> int:
        """Records that were left out."""
        return self.unusable.count

    def stop(self) -> None:
        """Ends `run` after the batch at hand."""
        self._is_stopping = True

    def run(self) -> None:
        """Writes until `stop`. A store that is down is waited for; nothing is lost or skipped."""
        is_behind = False
        while not self._is_stopping:
            self._beat()
            batch = self._batch(self._consumers.decisions, 0.0 if is_behind else POLL_S)
            if batch and self._write(batch):
                self._consumers.decisions.commit(asynchronous=True)
            is_behind = self._take_knowledge()
            is_behind |= self._take_outcomes()
        for consumer in self._consumers:
            consumer.close()
        if self._aside is not None:
            self._aside.close()

    def _beat(self) -> None:
        """Says once a second that the writer has its partitions, for as long as that is so."""
        now_s = time.monotonic()
        if now_s < self._next_beat_s or not self._consumers.decisions.assignment():
            return
        self._next_beat_s = now_s + 1.0
        with contextlib.suppress(RedisError):
            self._store.beat()

    def _batch(
        self, consumer: Consumer, timeout_s: float, batch_max: int = BATCH_MAX
    ) -> list[Message]:
        """What comes of a consumer; none where its broker does not do as it should, which is waited for."""
        try:
            return poll_batch(consumer, timeout_s, batch_max)
        except ServerAway as error:
            if time.monotonic() > self._next_complaint_s:
                self._next_complaint_s = time.monotonic() + COMPLAIN_S
                logger.warning("Kafka refuses, waiting for it: %s", error)
            time.sleep(RETRY_S[-1])
            return []

    def _write(self, batch: list[Message]) -> bool:
        """Whether the store has the batch; False only when told to stop while it is down."""
        decoded = [
            (message, pair) for message in batch if (pair := self._decoded(message, DECISION))
        ]
        stored = self._when_there(lambda: self._store.write([pair for _, pair in decoded]))
        if stored is None:
            return False
        messages = [message for message, _ in decoded]
        self._put_aside(zip(messages, (one.fault for one in stored), strict=True))
        made = [one for _, (one, _) in decoded]
        if self._when_there(lambda: self._store.outcomes.withdraw(made)) is None:
            return False
        if self._proofs is not None:
            self._proofs.note((pair[0], _place_of(message)) for message, pair in decoded)
        self._when_there(lambda: self._store.sample_latencies(stored))
        self.written += sum(1 for one in stored if one.stored_at_ms)
        self.refused += sum(1 for one in stored if not one.stored_at_ms)
        return True

    def _put_aside(self, refused: Iterable[tuple[Message, str]]) -> None:
        """Those with a fault: the server refuses them for good."""
        for message, fault in refused:
            if fault:
                self.unusable.add(log_record(message), InvalidEvent("invalid_value", fault))

    def _take_outcomes(self) -> bool:
        """Takes what there is of a few outcomes; whether more lies there."""
        consumer = self._consumers.outcomes
        batch = self._batch(consumer, 0.0, KNOWLEDGE_BATCH_MAX)
        decoded = [(one, pair) for one in batch if (pair := self._decoded(one, OUTCOME))]
        messages, pairs = [one for one, _ in decoded], [pair for _, pair in decoded]
        kept = self._when_there(lambda: self._store.outcomes.write(pairs))
        if batch and kept is not None:
            self._put_aside(zip(messages, (one.fault for one in kept), strict=True))
            consumer.commit(asynchronous=True)
        return len(batch) == KNOWLEDGE_BATCH_MAX

    def _take_knowledge(self) -> bool:
        """Takes what there is of a few records, writes what their epochs change; whether more lies there."""
        messages = self._batch(self._consumers.knowledge, 0.0, KNOWLEDGE_BATCH_MAX)
        slates: dict[str, list[Trend]] = {}
        last: Message | None = None
        for message in messages:
            if self._ends_epoch(message):
                changed = self._when_there(self.fallbacks.close_epoch)
                if changed is None:
                    return False
                slates |= changed
                last = message
        if last is not None:
            self._when_there(lambda: self._store.write_fallbacks(slates))
            if not self._is_stopping:
                self._consumers.knowledge.commit(message=last, asynchronous=True)
        return len(messages) == KNOWLEDGE_BATCH_MAX

    def _ends_epoch(self, message: Message) -> bool:
        try:
            return self.fallbacks.take(message.value() or b"", message.timestamp()[1])
        except InvalidEvent as error:
            self.unusable.add(log_record(message), error)
            return False

    def _when_there(self, ask: Callable[[], T]) -> T | None:
        """The store's answer, waited for while it is down; None only when told to stop meanwhile."""
        for attempt in range(sys.maxsize):
            try:
                return ask()
            except RedisError as error:
                if not refuses_for_now(error):
                    raise
                if time.monotonic() > self._next_complaint_s:
                    self._next_complaint_s = time.monotonic() + COMPLAIN_S
                    logger.warning("the store refuses, waiting for it: %s", in_words(error))
                if self._is_stopping:
                    return None
                time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        return None

    def _decoded(self, message: Message, codec: Codec[T]) -> tuple[T, bytes] | None:
        try:
            return codec.decode(message.value() or b""), message.value()
        except InvalidEvent as error:
            self.unusable.add(log_record(message), error)
            return None


def _place_of(message: Message) -> Place:
    return Place(message.topic() or "", message.partition() or 0, message.offset() or 0)


def store_writer(
    kafka: str,
    redis: str,
    topic_prefix: str,
    store_prefix: str,
    pseudonyms: Pseudonyms | None = None,
    proofs: Proofs | None = None,
) -> StoreWriter:
    """A writer between these addresses; what it cannot use goes to the dead letters, proofs of withdrawals to an audit log."""
    groups = (STORE_GROUP, FALLBACK_GROUP, OUTCOMES_GROUP)
    consumers = Consumers(
        *(_consumer(kafka, f"{topic_prefix}{group}{store_prefix}") for group in groups)
    )
    aside = Aside(open_producer_of(kafka), topic_prefix)
    store = open_store(redis, store_prefix, pseudonyms)
    writer = StoreWriter(consumers, store, aside, proofs)
    consumers.decisions.subscribe([topic_prefix + DECISIONS])
    consumers.knowledge.subscribe(
        [topic_prefix + KNOWLEDGE], on_assign=lambda *_: writer.fallbacks.forget()
    )
    consumers.outcomes.subscribe([topic_prefix + OUTCOMES])
    return writer


def _consumer(kafka: str, group: str) -> Consumer:
    return open_consumer_of(kafka, group=group, elsewhere="earliest", wait_ms=100)


def run_until_signalled(writer: StoreWriter) -> None:
    """Runs the writer; SIGTERM and SIGINT end it after the batch at hand."""

    def stop(*_: object) -> None:
        writer.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    writer.run()
    logger.info("written %d, refused %d as not newer", writer.written, writer.refused)


def _proofs(log: Path | None, key: Path | None, store_prefix: str) -> Proofs | None:
    """Without a log, or without the key of its pseudonyms, none are noted."""
    if log is None or key is None:
        return None
    return Proofs(AuditLog(log), read_pseudonyms(key), store_prefix)


def main() -> None:
    """`python -m channels.store.writer --kafka HOST:PORT --redis HOST:PORT`."""
    parser = argparse.ArgumentParser("channels.store.writer", description=__doc__)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--topic-prefix", default="")
    parser.add_argument("--store-prefix", default="kairos")
    parser.add_argument("--pseudonym-key-file", type=Path)
    parser.add_argument("--kafka-settings-file", type=Path)
    parser.add_argument("--redis-password-file", type=Path)
    parser.add_argument("--audit-log-file", type=Path)
    parser.add_argument("--audit-key-file", type=Path)
    given = parser.parse_args()
    log_privately()
    kafka = Brokers(given.kafka, given.kafka_settings_file)
    redis = StoreAddress(given.redis, given.redis_password_file)
    try:
        pseudonyms = read_pseudonyms(given.pseudonym_key_file)
        proofs = _proofs(given.audit_log_file, given.audit_key_file, given.store_prefix)
        prefixes = given.topic_prefix, given.store_prefix
        writer = store_writer(kafka, redis, *prefixes, pseudonyms, proofs)
    except (ConfigError, ValueError) as error:
        parser.error(str(error))
    run_until_signalled(writer)


if __name__ == "__main__":
    main()
