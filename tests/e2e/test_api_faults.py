"""Valkey, the engine and Kafka killed in turn under the Decision API: it answers on, says why, and recovers."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any, Final, NamedTuple

import httpx
import psutil
import pytest

from channels.store.store import open_store
from jobs.config import Config, config_from
from jobs.publish import Log, now_ms
from jobs.stack.jars import jar_paths
from jobs.stack.kafka import format_storage, kafka_child
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.process import Child, Process
from jobs.stack.valkey import valkey_child
from log.kafka import create_topics, read_to_end
from schemas.codec import EVENT
from schemas.policy import DEFAULT_CONTROL
from schemas.topics import EVENTS, topics
from scripts.ops.engine import Addresses, api_child, decide_child, store_child
from tests.builders import make_catalogue
from tests.e2e.homes import JARS, Home, fresh_home, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.long]
VISITORS: Final = 5
PAUSE_S: Final = 0.1
BUDGET_MS: Final = 500
BELOW: Final = ("recent", "trending", "default")
OUTAGE: Final = 20
"""Answers of each kind while a server is away: several seconds, more than a breaker takes to open."""


class Answer(NamedTuple):
    """What one request came to: `path` is what was asked, `source` the rung, `event_id` what it brought."""

    path: str
    status: int
    source: str
    why: str
    event_id: str


class Visitors(threading.Thread):
    """A few people who look at one thing after the other, as a page does: the event, then what to show."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._is_over = threading.Event()
        self.answers: list[Answer] = []

    def run(self) -> None:
        with httpx.Client(base_url=f"http://{self._address}", timeout=30) as client:
            for number in count():
                if self._is_over.wait(PAUSE_S):
                    return
                visitor, item_id = f"v{number % VISITORS}", f"i{number % 40}"
                self._send_event(client, visitor, item_id, f"sent-{number}")
                self._recommend(client, visitor, item_id)

    def _send_event(self, client: httpx.Client, visitor: str, item_id: str, event_id: str) -> None:
        event = {
            "event_id": event_id, "event_type": "product_viewed", "session_id": visitor,
            "item_ids": [item_id], "event_time_ms": now_ms(),
        }  # fmt: skip
        found = client.post("/v1/events", json=event)
        self.answers.append(Answer("events", found.status_code, "", found.text, event_id))

    def _recommend(self, client: httpx.Client, visitor: str, item_id: str) -> None:
        viewed = {"event": "product_viewed", "product_id": item_id, "timestamp": now_ms()}
        body = {"session_id": visitor, "anonymous_id": visitor, "events_in_session": [viewed]}
        found = client.post("/api/recommendations", json=body | {"budget_ms": BUDGET_MS})
        said: dict[str, Any] = found.json()
        answer = Answer(
            "shown", found.status_code, said.get("source", ""), said.get("why", found.text), ""
        )
        self.answers.append(answer)

    def since(self, start: int, path: str) -> list[Answer]:
        """What was answered from the `start`-th answer on."""
        return [one for one in self.answers[start:] if one.path == path]

    def stop(self) -> None:
        self._is_over.set()
        self.join()


class Parts(ExitStack):
    """The whole stack, each part a process of its own that can be killed and started again where it was."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        ports = {name: free_port() for name in ("kafka", "redis", "flink", "api")}
        self.config: Config = config_from(
            {
                "KAIROS_HOME": str(home.path),
                "KAIROS_API_PORT": str(ports["api"]),
                "KAIROS_CHECKPOINT_MS": "1000",
                "KAIROS_CONSENT": "all",
            }
        )
        at = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
        self.addresses = Addresses(at["kafka"], at["redis"], at["flink"], "")
        self.api = at["api"]
        folder, jars = home.path / "kafka", jar_paths("kafka", JARS, lambda _: None)
        cluster = format_storage(folder, jars, home.path / "logs")
        self._children: dict[str, Callable[[], Child]] = {
            "kafka": lambda: kafka_child(folder, jars, ports["kafka"], cluster),
            "redis": lambda: valkey_child(home.path / "valkey", ports["redis"]),
            "decide": lambda: decide_child(self.config, self.addresses),
            "store": lambda: store_child(self.config, self.addresses),
            "api": lambda: api_child(self.config, self.addresses),
        }
        self.running: dict[str, Process] = {}

    def start(self, name: str) -> None:
        process = self.enter_context(Process(self._children[name](), self.config.home / "logs"))
        process.wait_until_healthy()
        self.running[name] = process

    def kill(self, name: str) -> None:
        """As the kernel does when memory is short; a job's JVM goes with it."""
        process = self.running.pop(name)
        children = psutil.Process(process.pid).children(recursive=True)
        psutil.Process(process.pid).send_signal(signal.SIGKILL)
        wait_for(lambda: process.exit_code() is not None)
        psutil.wait_procs(children, timeout=30)

    def fill(self) -> None:
        """Topics, a catalogue and the first policy."""
        create_topics(self.addresses.kafka, topics(""))
        log = Log(self.addresses.kafka)
        for item in make_catalogue():
            log.item(item)
        log.control(DEFAULT_CONTROL)
        log.flush()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    with fresh_home(tmp_path_factory.mktemp("faults") / "kairos") as home:
        with Parts(home) as parts:
            parts.start("kafka")
            parts.fill()
            for name in ("redis", "decide", "store", "api"):
                parts.start(name)
            yield parts
        assert home.names_left() == []


@pytest.fixture(scope="module")
def visitors(parts: Parts) -> Iterator[Visitors]:
    """The load. At its end: never a 5xx instead of an answer, and every event with a 202 is in the log."""
    visitors = Visitors(parts.api)
    visitors.start()
    is_fresh_again(visitors, 0)
    yield visitors
    visitors.stop()
    assert {one.status for one in visitors.answers if one.path == "shown"} == {200}
    logged = {
        EVENT.decode(one.value).event_id for one in read_to_end(parts.addresses.kafka, [EVENTS])
    }
    accepted = {one.event_id for one in visitors.answers if one.status == 202}
    assert len(accepted) > OUTAGE
    assert accepted <= logged


def outage(visitors: Visitors, since: int) -> list[Answer]:
    """The second half of what was shown since then, once it is enough: by then the outage is known."""
    wait_for(lambda: len(visitors.since(since, "shown")) >= OUTAGE)
    return visitors.since(since, "shown")[OUTAGE // 2 :]


def is_fresh_again(visitors: Visitors, since: int) -> None:
    """Returns when the engine's own decisions are what is shown, several times in a row."""
    wait_for(
        lambda: (
            [one.source for one in visitors.since(since, "shown")[-VISITORS:]]
            == ["fresh"] * VISITORS
        )
    )


def test_without_the_store_decisions_are_as_fresh_as_before(
    parts: Parts, visitors: Visitors
) -> None:
    parts.kill("redis")
    start = len(visitors.answers)
    assert {one.source for one in outage(visitors, start)} == {"fresh"}
    stranger = httpx.get(f"http://{parts.api}/v1/decisions/nobody/next_item", timeout=30)
    assert stranger.status_code == 200
    assert stranger.json()["source"] in BELOW
    assert "store" in stranger.json()["why"]
    parts.start("redis")
    shown = visitors.since(start, "shown")
    store = open_store(parts.addresses.redis, parts.config.store_prefix)

    def is_stored_again() -> bool:
        found = store.read("v0", "next_item", now_ms())
        return found is not None and len(visitors.since(start, "shown")) > len(shown)

    wait_for(is_stored_again)


def test_without_the_engine_lower_rungs_answer_and_say_so(parts: Parts, visitors: Visitors) -> None:
    parts.kill("decide")
    start = len(visitors.answers)
    shown = outage(visitors, start)
    assert {one.source for one in shown} <= set(BELOW)
    assert all("engine" in one.why for one in shown), shown[0].why
    assert {one.status for one in visitors.since(start, "events")} == {202}, "the log has them"
    start = len(visitors.answers)
    parts.start("decide")
    is_fresh_again(visitors, start)


def test_without_kafka_nothing_is_accepted_and_everything_answered(
    parts: Parts, visitors: Visitors
) -> None:
    parts.kill("kafka")
    start = len(visitors.answers)
    shown = outage(visitors, start)
    assert {one.source for one in shown} <= set(BELOW)
    assert all("Kafka" in one.why for one in shown), shown[0].why
    refused = visitors.since(start, "events")[1:]
    assert {one.status for one in refused} == {503}
    event = {"event": "product_viewed", "product_id": "i1"}
    body = {"session_id": "told", "events_in_session": [event]}
    told = httpx.post(f"http://{parts.api}/api/recommendations", json=body, timeout=30).json()
    assert told["is_logged"] is False, "the caller has to send it again"
    ready = httpx.get(f"http://{parts.api}/readyz", timeout=30)
    assert (ready.status_code, ready.json()["kafka"]) == (503, "down")
    start = len(visitors.answers)
    parts.start("kafka")
    is_fresh_again(visitors, start)
    wait_for(lambda: visitors.since(start, "events")[-1].status == 202)
    time.sleep(PAUSE_S)
