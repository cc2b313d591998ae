"""One follower of `decisions` in the API's process: each is decoded once, and reaches all who want to know of it."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Producer

from channels.api.answers import Answerer
from channels.api.handlers.explanations import _event_of
from channels.api.kept_decisions import KeptDecisions, cause_of
from channels.api.services import Services
from channels.console.desk import EXTRA
from channels.console.traffic import DECISIONS_KEPT_MAX
from jobs.config import config_from
from jobs.publish import Log
from log import clients, following
from log.following import Taken
from log.kafka import create_topics
from schemas import codec
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, DECISIONS, TopicSpec
from scripts.ops.console_facts import ConsoleFacts
from scripts.ops.serve_api import services_of
from tests.channels.api_process import lonely_services
from tests.channels.decisions import make_decision
from tests.channels.store.test_writer import wait_until


def console_of(services: Services) -> ConsoleFacts:
    facts: ConsoleFacts = services.extra[EXTRA]
    return facts


def shown_by_console(services: Services, decision: Decision) -> bool:
    return console_of(services)._traffic.decision(decision.decision_id) is not None


def taken(decision: Decision, *, is_new: bool = True) -> Taken:
    now_ms = time.time_ns() // 1_000_000
    record = LogRecord(DECISIONS, 0, decision.sequence, now_ms, "", DECISION.encode(decision))
    return Taken(record, is_new)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is decoded, of whatever type and by whom."""
    found: list[bytes] = []
    decode = codec.Codec.decode

    def counted(self: Any, data: bytes) -> Any:
        found.append(data)
        return decode(self, data)

    monkeypatch.setattr(codec.Codec, "decode", counted)
    return found


def test_one_follower_reads_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all that `kairos api` puts together."""
    followed: list[tuple[str, ...]] = []
    begin = following.Follower.__init__

    def noted(self: Any, kafka: str, name: str, topics: Any, *more: Any, **named: Any) -> None:
        followed.append(tuple(topics.names))
        begin(self, kafka, name, topics, *more, **named)

    monkeypatch.setattr(following.Follower, "__init__", noted)
    lonely_services().log.close()
    assert sorted(followed) == [("control", "items"), ("dead_letters",), ("decisions",)]


def test_one_producer_writes_for_the_whole_process(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Producer] = []

    def make(settings: dict[str, Any]) -> Producer:
        opened.append(Producer(settings))
        return opened[-1]

    monkeypatch.setattr(clients, "Producer", make)
    services = lonely_services()
    services.log.close()
    assert opened == [services.log.producer]


def test_a_decision_is_decoded_once_and_reaches_stream_console_and_visitors(
    decoded: list[bytes],
) -> None:
    services, decision = lonely_services(), make_decision(1, person="anna", session_id="s9")

    async def run() -> tuple[Decision, Decision | None]:
        stream = services.decisions
        stream._loop = asyncio.get_running_loop()
        waiting = stream.expect(cause_of(decision, decision.placement))
        reader = stream.subscribe("s9")
        given = taken(decision)
        reading = threading.Thread(target=stream._take, args=(given,))
        reading.start()
        told = await asyncio.wait_for(waiting, 5), await asyncio.wait_for(reader.queue.get(), 5)
        reading.join()
        assert decoded == [given.record.value]
        return told

    assert asyncio.run(run()) == (decision, decision)
    assert services.visitors.person_of("s9") == "anna"
    assert shown_by_console(services, decision)
    counted = console_of(services)._traffic.counted(time.time_ns() // 1_000_000)
    assert counted["decisions"] == 1
    services.log.close()


def test_what_lay_there_before_is_the_consoles_only() -> None:
    services, old = lonely_services(), make_decision(1, sent_at_ms=1, person="anna")
    services.decisions._take(taken(old, is_new=False))
    assert shown_by_console(services, old)
    assert services.decisions.find_id("d1") is None
    assert services.decisions.newest("anna", "home") is None
    assert services.visitors.person_of(old.session_id) is None
    counted = console_of(services)._traffic.counted(time.time_ns() // 1_000_000)
    assert counted["latency_ms"] is None, "how long ago it was decided is no latency"
    assert services.decisions.follower._topics.behind == {DECISIONS: DECISIONS_KEPT_MAX}
    services.log.close()


def test_a_decision_that_was_taken_back_names_nobody() -> None:
    services = lonely_services()
    services.decisions._take(taken(make_decision(1, kind="void", session_id="s9")))
    assert services.visitors.person_of("s9") is None
    services.log.close()


def test_what_a_person_takes_back_is_forgotten_by_all_who_read_it() -> None:
    services = lonely_services()
    mine = [make_decision(n, session_id="s9", person="anna", event_id=f"e{n}") for n in (1, 2)]
    other = make_decision(3, session_id="s8", person="ben", event_id="e3")
    for one in (*mine, other):
        services.decisions._take(taken(one))
    purged = make_decision(9, session_id="s9", person="anna", event_id="e9", kind="purged")
    services.decisions._take(taken(purged))
    stream = services.decisions
    assert [stream.find(cause_of(one, one.placement)) for one in (*mine, other)] == [
        None,
        None,
        other,
    ]
    assert (stream.newest("anna", "home"), stream.newest("ben", "home")) == (None, other)
    assert [shown_by_console(services, one) for one in (*mine, other)] == [False, False, True]
    services.log.close()


def test_what_was_decided_in_other_sessions_of_the_person_is_forgotten_too() -> None:
    services = lonely_services()
    laptop = make_decision(1, session_id="laptop", person="anna", event_id="e1")
    phone = make_decision(2, session_id="phone", person="anna", event_id="e2")
    elsewhere = make_decision(3, session_id="phone", person="anna", event_id="e2", placement="cart")
    for one in (laptop, phone, elsewhere):
        services.decisions._take(taken(one))
    purged = make_decision(9, session_id="phone", person="anna", event_id="e9", kind="purged")
    services.decisions._take(taken(purged))
    stream = services.decisions
    found = [stream.find(cause_of(one, one.placement)) for one in (laptop, phone, elsewhere)]
    assert found == [None, None, elsewhere]
    assert stream.find_id("d1") is None
    services.log.close()


async def _told(purge_first: bool) -> list[tuple[str, str]]:
    """What a page that is open on the laptop hears while the phone withdraws."""
    services = lonely_services()
    services.decisions._loop = asyncio.get_running_loop()
    heard = services.decisions.subscribe("laptop")
    decided = make_decision(1, session_id="laptop", person="anna", event_id="e1")
    purged = make_decision(9, session_id="phone", person="anna", event_id="e9", kind="purged")
    for one in (purged,) if purge_first else (decided, purged):
        services.decisions._take(taken(one))
    await asyncio.sleep(0)
    services.log.close()
    told = [heard.queue.get_nowait() for _ in range(heard.queue.qsize())]
    return [(one.kind, one.placement) for one in told if one is not None]


def test_a_page_that_is_open_in_another_session_is_told_what_is_taken_back() -> None:
    assert asyncio.run(_told(False)) == [("decided", "home"), ("purged", "home")]
    assert asyncio.run(_told(True)) == [], "nothing was shown there"


def test_what_is_kept_has_a_bound_and_leaves_nothing_behind() -> None:
    kept = KeptDecisions(2)
    for n in range(5):
        one = make_decision(n + 1, person=f"p{n}", event_id=f"e{n}")
        kept.add(one, DECISION.encode(one))
    assert (len(kept._recent), len(kept._causes), len(kept._newest)) == (2, 2, 2)
    assert kept.take_back("p4", "home") == {"s1"}
    assert (len(kept._recent), len(kept._causes), len(kept._newest)) == (1, 1, 1)


def test_an_open_page_is_told_what_is_taken_back_and_nothing_more() -> None:
    purged = make_decision(9, person="anna", kind="purged")
    told = _event_of(cast(Answerer, None), purged).decode()
    assert told == 'id: d9\nevent: purged\ndata: {"placement":"home","purged":true}\n\n'


def test_an_error_of_who_looks_on_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    services = lonely_services()

    def broken(_: object) -> None:
        raise ZeroDivisionError

    services.decisions.on_decision.insert(0, broken)
    with caplog.at_level(logging.ERROR):
        for sequence in range(200):
            services.decisions._take(taken(make_decision(sequence, session_id="s9")))
    assert services.decisions.find_id("d199") is not None
    assert services.visitors.person_of("s9") == "p1"
    lines = [one for one in caplog.records if "a decision was read" in one.message]
    assert 0 < len(lines) < 50, "told, and not for each of very many"
    services.log.close()


def test_the_stream_is_there_when_it_has_caught_up() -> None:
    services = lonely_services()
    services.decisions.follower.is_connected = True
    assert not services.decisions.is_connected
    services.decisions.follower.is_complete = True
    assert services.decisions.is_connected
    services.log.close()


@pytest.fixture
def reading(kafka: str, tmp_path: Path) -> Iterator[tuple[Services, Log, Decision]]:
    """Services that read a Kafka which held a decision when they began."""
    prefix = "one-follower."
    for name in (DECISIONS, DEAD_LETTERS):
        create_topics(kafka, [TopicSpec(prefix + name, 2, {})])
    log, old = Log(kafka, prefix), make_decision(1, session_id="s-old")
    log.raw(DECISIONS, "k", DECISION.encode(old), 1)
    log.flush()
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": prefix})
    services = services_of(config, kafka, "127.0.0.1:1", None)
    yield services, log, old
    services.log.close()


@pytest.mark.e2e
def test_all_are_told_by_the_one_that_reads_kafka(
    reading: tuple[Services, Log, Decision], decoded: list[bytes]
) -> None:
    services, log, old = reading
    new = make_decision(2, session_id="s-new", person="anna")
    values = [DECISION.encode(one) for one in (old, new)]

    async def run() -> Decision:
        services.decisions.start()
        await asyncio.to_thread(wait_until, lambda: services.decisions.is_connected)
        waiting = services.decisions.expect(cause_of(new, new.placement))
        log.raw(DECISIONS, "k", values[1], 1)
        log.raw(DECISIONS, "k", b"junk", 1)
        log.flush()
        told = await waiting
        unusable = services.decisions.follower.unusable
        await asyncio.to_thread(wait_until, lambda: unusable.count)
        return told

    try:
        assert asyncio.run(run()) == new
    finally:
        services.decisions.close()
    assert decoded == [*values, b"junk"]
    assert services.visitors.person_of("s-new") == "anna"
    assert services.visitors.person_of("s-old") is None
    assert [shown_by_console(services, one) for one in (old, new)] == [True, True]
    assert services.decisions.find_id(old.decision_id) is None
    assert services.decisions.find_id(new.decision_id) == new
