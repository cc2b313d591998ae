"""The store writer between a real Kafka and a real Valkey: nothing lost, nothing skipped."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from redis import RedisError

from channels.api.audit_log import AuditLog
from channels.security.pseudonyms import Pseudonyms
from channels.store.proofs import Place, Proofs, proofs_of
from channels.store.store import Store, open_store
from channels.store.writer import StoreWriter, store_writer
from jobs.stack.ports import free_port
from jobs.stack.process import Process
from jobs.stack.state import kafka_words
from jobs.stack.valkey import valkey_child
from log.clients import open_consumer_of, open_producer_of
from log.kafka import create_topics, read_to_end
from schemas.codec import DEAD_LETTER, DECISION, OUTCOME
from schemas.decisions import WITHDRAWN_PURPOSES, Decision
from schemas.knowledge import EPOCH_END, ITEM_KNOWLEDGE, EpochEnd, ItemKnowledge
from schemas.topics import DEAD_LETTERS, DECISIONS, KNOWLEDGE, OUTCOMES, topics
from tests.channels.decisions import make_decision
from tests.models.experiments.outcomes import make_outcome

pytestmark = pytest.mark.e2e


def wait_until(is_true: Callable[[], object]) -> None:
    """Waits as long as it takes: the test's time limit is the only bound."""
    while not is_true():
        time.sleep(0.01)


@pytest.fixture
def prefix(kafka: str, request: pytest.FixtureRequest) -> str:
    """A prefix of this test's own, with empty topics of what it reads and writes."""
    name = f"{abs(hash(request.node.name))}-"
    wanted = [name + one for one in (DECISIONS, KNOWLEDGE, OUTCOMES, DEAD_LETTERS)]
    create_topics(kafka, [spec for spec in topics(name) if spec.name in wanted])
    return name


def produce(kafka: str, prefix: str, sequences: range, person: str = "p1") -> None:
    produce_bytes(
        kafka, prefix, *(DECISION.encode(make_decision(n, person=person)) for n in sequences)
    )


def produce_bytes(kafka: str, prefix: str, *values: bytes, topic: str = DECISIONS) -> None:
    producer = open_producer_of(kafka)
    for value in values:
        producer.produce(prefix + topic, value, key="p1")
    assert producer.flush(30) == 0


def committed(kafka: str, prefix: str, group: str = "store", topic: str = DECISIONS) -> int:
    """How many records the writer's group has committed, over all partitions."""
    consumer = open_consumer_of(kafka, group=f"{prefix}kairos-{group}-test")
    count = next(spec.partitions for spec in topics() if spec.name == topic)
    places = [TopicPartition(prefix + topic, at) for at in range(count)]
    found = sum(int(max(0, one.offset)) for one in consumer.committed(places, 20))
    consumer.close()
    return found


@contextmanager
def running(writer: StoreWriter) -> Iterator[StoreWriter]:
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        yield writer
    finally:
        writer.stop()
        thread.join()


def shown(store: Store, person: str = "p1") -> int | None:
    found = store.read(person, "home", 0)
    return found.sequence if found else None


def test_decisions_go_into_the_store_and_are_committed(
    kafka: str, valkey: str, prefix: str, store: Store
) -> None:
    produce(kafka, prefix, range(1, 51))
    with running(store_writer(kafka, valkey, prefix, "test")) as writer:
        wait_until(lambda: shown(store) == 50)
        wait_until(lambda: committed(kafka, prefix) == 50)
        assert store.has_writer()
    assert (writer.written, writer.refused, writer.invalid) == (50, 0, 0)


def test_what_was_committed_is_not_read_again(
    kafka: str, valkey: str, prefix: str, store: Store
) -> None:
    produce(kafka, prefix, range(1, 4))
    with running(store_writer(kafka, valkey, prefix, "test")):
        wait_until(lambda: committed(kafka, prefix) == 3)
    produce(kafka, prefix, range(4, 5))
    with running(store_writer(kafka, valkey, prefix, "test")) as second:
        wait_until(lambda: shown(store) == 4)
    assert (second.written, second.refused) == (1, 0)


def test_a_record_that_is_no_decision_is_counted_and_skipped(
    kafka: str, valkey: str, prefix: str, store: Store
) -> None:
    good = DECISION.encode(make_decision(1))
    produce_bytes(kafka, prefix, b"junk", b"", good[:-1], good, b"junk")
    with running(store_writer(kafka, valkey, prefix, "test")) as writer:
        wait_until(lambda: committed(kafka, prefix) == 5)
    assert shown(store) == 1
    assert (writer.written, writer.invalid) == (1, 4)
    letters = [DEAD_LETTER.decode(one.value) for one in read_to_end(kafka, [prefix + DEAD_LETTERS])]
    assert {(one.topic, one.raw) for one in letters} == {
        (prefix + DECISIONS, raw) for raw in (b"junk", b"", good[:-1])
    }
    assert len({(one.partition, one.offset) for one in letters}) == len(letters) == 4


def test_a_withdrawal_is_noted_once_the_store_has_it(
    kafka: str, valkey: str, prefix: str, store: Store, tmp_path: Path
) -> None:
    log, key = AuditLog(tmp_path / "audit.jsonl"), Pseudonyms(b"k" * 32)
    withdrawn = make_decision(
        2, kind="purged", items=(), content={WITHDRAWN_PURPOSES: "personalisation"}
    )
    produce_bytes(kafka, prefix, *(DECISION.encode(one) for one in (make_decision(1), withdrawn)))
    with running(store_writer(kafka, valkey, prefix, "test", proofs=Proofs(log, key, "test"))):
        wait_until(lambda: committed(kafka, prefix) == 2)
    assert shown(store) is None
    (proof,) = proofs_of(log, key, withdrawn.person, 9)
    assert proof.details["records"].startswith(f"{prefix}{DECISIONS}/")
    assert proof.at_ms >= int(proof.details["asked_ms"])


def test_outcomes_go_into_the_store_and_are_committed(
    kafka: str, valkey: str, prefix: str, store: Store
) -> None:
    at_ms = time.time_ns() // 1_000_000
    seen, late = (make_outcome(kind, "p1", at_ms) for kind in ("exposed", "clicked"))
    values = OUTCOME.encode(seen), b"junk"
    produce_bytes(kafka, prefix, *values, topic=OUTCOMES)
    with running(store_writer(kafka, valkey, prefix, "test")) as writer:
        wait_until(lambda: committed(kafka, prefix, "outcomes", OUTCOMES) == 2)
        assert store.outcomes.read("p1", at_ms) == [seen]
        assert writer.invalid == 1
        erased = make_decision(2, kind="purged", items=(), event_time_ms=at_ms)
        produce_bytes(kafka, prefix, DECISION.encode(erased))
        wait_until(lambda: committed(kafka, prefix) == 1)
        produce_bytes(kafka, prefix, OUTCOME.encode(late), topic=OUTCOMES)
        wait_until(lambda: committed(kafka, prefix, "outcomes", OUTCOMES) == 3)
    assert store.outcomes.read("p1", at_ms) == []


def test_a_withdrawal_is_noted_once_what_came_of_decisions_is_gone_as_well(
    kafka: str, valkey: str, prefix: str, store: Store, tmp_path: Path
) -> None:
    at_ms, left = time.time_ns() // 1_000_000, []
    seen = make_outcome("exposed", "p1", at_ms)
    store.outcomes.write([(seen, OUTCOME.encode(seen))])
    content = {WITHDRAWN_PURPOSES: "analytics"}
    withdrawn = make_decision(2, kind="purged", items=(), content=content, event_time_ms=at_ms)

    class Watched(Proofs):
        def note(self, written: Iterable[tuple[Decision, Place]]) -> None:
            left.append(store.outcomes.read("p1", at_ms))
            super().note(written)

    proofs = Watched(AuditLog(tmp_path / "audit.jsonl"), Pseudonyms(b"k" * 32), "test")
    produce_bytes(kafka, prefix, DECISION.encode(withdrawn))
    with running(store_writer(kafka, valkey, prefix, "test", proofs=proofs)):
        wait_until(lambda: committed(kafka, prefix) == 1)
    assert left == [[]]


def test_a_batch_whose_withdrawals_the_store_has_not_taken_is_not_committed(
    kafka: str, valkey: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def down(_: object) -> int:
        asked.set()
        raise RedisError("LOADING")

    produce(kafka, prefix, range(1, 2))
    writer = store_writer(kafka, valkey, prefix, "test")
    monkeypatch.setattr(writer._store.outcomes, "withdraw", down)
    with running(writer):
        wait_until(asked.is_set)
    assert committed(kafka, prefix) == 0


def test_an_outcome_that_the_store_refuses_for_good_is_put_aside(
    kafka: str, valkey: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = "return redis.error_reply('never this')"
    monkeypatch.setattr("channels.store.outcomes.WRITE_OUTCOME", refusal)
    raw = OUTCOME.encode(make_outcome("clicked", "p1", outcome_id="o1"))
    produce_bytes(kafka, prefix, raw, topic=OUTCOMES)
    with running(store_writer(kafka, valkey, prefix, "test")) as writer:
        wait_until(lambda: committed(kafka, prefix, "outcomes", OUTCOMES) == 1)
    assert writer.invalid == 1
    letters = [DEAD_LETTER.decode(one.value) for one in read_to_end(kafka, [prefix + DEAD_LETTERS])]
    assert [(one.topic, one.raw) for one in letters] == [(prefix + OUTCOMES, raw)]


def test_latencies_are_sampled(kafka: str, valkey: str, prefix: str, store: Store) -> None:
    sent_at_ms = int(time.time() * 1000)
    produce_bytes(kafka, prefix, DECISION.encode(make_decision(1, sent_at_ms=sent_at_ms)))
    with running(store_writer(kafka, valkey, prefix, "test")):
        wait_until(store.latencies_ms)
    assert 0 <= store.latencies_ms()[0] < 60_000


def test_a_store_that_is_down_is_waited_for_and_nothing_is_lost(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    child = valkey_child(tmp_path / "data", free_port())
    assert child.address
    own = open_store(child.address, "test")
    with Process(child, tmp_path) as first:
        first.wait_until_healthy()
        produce(kafka, prefix, range(1, 11))
        with running(store_writer(kafka, child.address, prefix, "test")) as writer:
            wait_until(lambda: committed(kafka, prefix) == 10)
            first.stop()
            produce(kafka, prefix, range(11, 21))
            produce(kafka, prefix, range(21, 31), person="p2")
            wait_until(lambda: _is_waiting(writer))
            assert committed(kafka, prefix) == 10
            with Process(child, tmp_path) as second:
                second.wait_until_healthy()
                wait_until(lambda: committed(kafka, prefix) == 30)
                assert (shown(own), shown(own, "p2")) == (20, 30)
                assert writer.written == 30
                writer.stop()


def _is_waiting(writer: StoreWriter) -> bool:
    """Whether the writer holds records that the store does not have: it reads on only after it has."""
    consumer = writer._consumers.decisions
    place = consumer.position(consumer.assignment())
    return sum(int(max(0, one.offset)) for one in place) > writer.written


def test_told_to_stop_while_the_store_is_down_it_ends_and_commits_nothing(
    kafka: str, prefix: str
) -> None:
    produce(kafka, prefix, range(1, 4))
    with running(store_writer(kafka, f"127.0.0.1:{free_port()}", prefix, "test")) as writer:
        wait_until(lambda: _is_waiting(writer))
    assert writer.written == 0
    assert committed(kafka, prefix) == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_cleanly(
    kafka: str, valkey: str, prefix: str, store: Store, name: str
) -> None:
    produce(kafka, prefix, range(1, 6))
    argv = (
        sys.executable, "-m", "channels.store.writer", *kafka_words(kafka), "--redis", valkey,
        "--topic-prefix", prefix, "--store-prefix", "test",
    )  # fmt: skip
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: shown(store) == 5)
            process.send_signal(getattr(signal, name))
            _, said = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "written 5, refused 0 as not newer" in said
    assert committed(kafka, prefix) == 5


def epoch_of(number: int, *wanted: tuple[str, float]) -> list[bytes]:
    """The records of an epoch with its end marker."""
    at_ms = 5_000 * number
    items = [
        ItemKnowledge("item", one, number, at_ms, at_ms, 0, at_ms, interest_short=interest)
        for one, interest in wanted
    ]
    end = EpochEnd("0", number, at_ms, len(items))
    return [*map(ITEM_KNOWLEDGE.encode, items), EPOCH_END.encode(end)]


def trending(store: Store) -> list[str]:
    return [one.item_id for one in store.read_fallback("")]


def test_fallbacks_follow_whole_epochs_and_a_new_writer_goes_on_from_them(
    kafka: str, valkey: str, prefix: str, store: Store
) -> None:
    started = epoch_of(2, ("i3", 9.0))[:1]
    values = [*epoch_of(1, ("i1", 1.0), ("i2", 2.0)), b"junk", *started]
    produce_bytes(kafka, prefix, *values, topic=KNOWLEDGE)
    with running(store_writer(kafka, valkey, prefix, "test")) as writer:
        wait_until(lambda: writer.invalid == 1)
        wait_until(lambda: committed(kafka, prefix, "fallback", KNOWLEDGE) == 3)
    assert trending(store) == ["i2", "i1"]
    produce_bytes(kafka, prefix, *epoch_of(2, ("i1", 4.0)), topic=KNOWLEDGE)
    with running(store_writer(kafka, valkey, prefix, "test")):
        wait_until(lambda: committed(kafka, prefix, "fallback", KNOWLEDGE) == 7)
    assert trending(store) == ["i3", "i1", "i2"]
