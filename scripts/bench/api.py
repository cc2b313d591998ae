"""`kairos bench api`: the Decision API under a steady load, from when a request was due to its answer."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.stack.state import read_state
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import SLATE_MAX
from schemas.policy import Placement
from scripts.bench.http_client import Client
from scripts.bench.setting import POLICY, BenchEngine, as_title, bench_config, describe, prepare
from scripts.bench.workload import shoppers
from scripts.console import percentile, say, show_json, show_table
from scripts.ops.engine import Engine

SHARES: Final = (0.5, 0.9, 0.99, 1.0)
RUNGS: Final = ("fresh", "recent", "trending", "default")
SENT_MAX: Final = 4
"""Events of its session that a request brings, as pages do: all but the newest have been sent before."""
CONNECTIONS_MAX: Final = 200
ANSWER_S: Final = 5.0
SETTLE_S: Final = 2.0
RERANK_RATE: Final = 20
PLACEMENT: Final = "next_item"
API_POLICY: Final = msgspec.structs.replace(
    POLICY,
    placements=(
        *POLICY.placements,
        Placement("rerank", event_types=("ranking_requested",), size=SLATE_MAX, suppress=False),
    ),
)


class Load(NamedTuple):
    """What is measured: requests per second, for how long, and how."""

    rate: int
    seconds: int
    warm_up: int
    items: int
    kills_engine: bool
    rerank: int


class Path(NamedTuple):
    """One kind of request, measured. Milliseconds from when it was due; 0 = no answer at all."""

    path: str
    requests: int
    latency_ms: dict[str, float | None]
    rungs: dict[str, float]
    statuses: dict[str, int]
    sender_behind_ms_max: int


class Measured:
    """What came of the requests of one path."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.rungs: Counter[str] = Counter()
        self.behind_ms = 0.0

    def add(self, took_s: float, status: str, source: str) -> None:
        """One request."""
        self.took_ms.append(took_s * 1_000)
        self.statuses[status] += 1
        if source:
            self.rungs[source] += 1

    def path(self, name: str) -> Path:
        """All of them."""
        count = len(self.took_ms)
        tail = {f"p{share * 100:g}": percentile(self.took_ms, share) for share in SHARES}
        rungs = {rung: round(self.rungs[rung] / max(1, count), 4) for rung in RUNGS}
        rounded = {name: None if one is None else round(one, 1) for name, one in tail.items()}
        return Path(name, count, rounded, rungs, dict(self.statuses), round(self.behind_ms))


def bench(config: Config, load: Load, is_json: bool) -> None:
    """Runs the whole stack and prints latencies, rungs and statuses of each path."""
    config = bench_config(config)
    with BenchEngine(config, say, has_api=True) as engine:
        engine.start()
        model = prepare(engine, config, load.items).version
        payload = msgspec.json.encode(API_POLICY)
        engine.log.control(Control("policy", "default", "bench-api", 0, payload=payload))
        engine.log.flush()
        engine.await_learn()
        address = engine.await_api() or ""
        time.sleep(SETTLE_S)
        paths = asyncio.run(_measure(engine, config, address, load))
    _show(paths, load, model, is_json)


async def _measure(engine: Engine, config: Config, address: str, load: Load) -> list[Path]:
    ticking = asyncio.create_task(_tick(engine))
    clients: list[Client] = []
    try:
        if load.rerank:
            return [await _rerank(address, load, clients)]
        return await _recommend(config, address, load, clients)
    finally:
        ticking.cancel()
        for client in clients:
            client.close()


async def _rerank(address: str, load: Load, clients: list[Client]) -> Path:
    requests = rerank_requests(load.items, load.rerank)
    rate = min(load.rate, RERANK_RATE)
    say(
        f"rerank of {load.rerank} items, {rate}/s: {load.warm_up} s of warm-up, {load.seconds} s measured"
    )
    await _send(address, requests, rate, load.warm_up, clients)
    measured = await _send(address, requests, rate, load.seconds, clients)
    return measured.path(f"rerank of {load.rerank}")


async def _recommend(config: Config, address: str, load: Load, clients: list[Client]) -> list[Path]:
    people: dict[str, None] = {}
    requests = recommendation_requests(load.items, people)
    say(f"{load.rate} requests/s: {load.warm_up} s of warm-up, {load.seconds} s measured")
    await _send(address, requests, load.rate, load.warm_up, clients)
    if load.kills_engine:
        before = await _send(address, requests, load.rate, load.seconds // 2, clients)
        _kill_engine(config)
        after = await _send(address, requests, load.rate, load.seconds - load.seconds // 2, clients)
        return [before.path("fresh, engine alive"), after.path("fresh, engine killed")]
    fresh = (await _send(address, requests, load.rate, load.seconds, clients)).path("fresh path")
    stored = person_requests(list(people))
    store = (await _send(address, stored, load.rate, load.seconds, clients)).path("store path")
    return [fresh, store]


async def _tick(engine: Engine) -> None:
    while True:
        engine.tick()
        await asyncio.sleep(1.0)


def _kill_engine(config: Config) -> None:
    """Kill -9 of the decide job and its JVM."""
    state = read_state(config.home)
    found = [one.process for one in state.services if one.name == "flink"] if state else []
    if not found or found[0] is None:
        raise ConfigError("the engine is not of this home: it cannot be killed from here")
    say(f"kill -9 of the decide job, pid {found[0].pid}")
    os.killpg(found[0].pid, signal.SIGKILL)


async def _send(
    address: str, requests: Iterator[bytes], rate: int, seconds: int, clients: list[Client]
) -> Measured:
    """Sends at the rate, whatever becomes of the answers; returns when the last is there or lost."""
    measured = Measured()
    under_way: set[asyncio.Task[None]] = set()
    begun_s = time.monotonic()
    for number in range(rate * seconds):
        due_s = begun_s + number / rate
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        measured.behind_ms = max(measured.behind_ms, (time.monotonic() - due_s) * 1_000)
        task = asyncio.create_task(_one(address, next(requests), due_s, clients, measured))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    return measured


async def _one(
    address: str, request: bytes, due_s: float, clients: list[Client], measured: Measured
) -> None:
    status, source = "no answer", ""
    client = clients.pop() if clients else None
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            if client is None or not client.is_open:
                host, _, port = address.rpartition(":")
                loop = asyncio.get_running_loop()
                _, client = await loop.create_connection(Client, host, int(port))
            code, body = await client.ask(request)
            status = str(code)
            found = body.partition(b'"source":"')[2].partition(b'"')[0].decode()
            source = found if found in RUNGS else ""
    measured.add(time.monotonic() - due_s, status, source)
    if client is not None and client.is_open:
        if status == "no answer" or len(clients) >= CONNECTIONS_MAX:
            client.close()
        else:
            clients.append(client)


def recommendation_requests(items: int, people: dict[str, None]) -> Iterator[bytes]:
    """Visits of made-up shoppers, a request for each view; whose they are is noted in `people`."""
    sessions: dict[str, list[dict[str, Any]]] = {}
    for event in shoppers(f"bench-{time.time_ns()}", items):
        if event.event_type != "product_viewed":
            continue
        seen = sessions.setdefault(event.session_id, [])
        seen.append(
            {
                "event": event.event_type, "product_id": event.item_ids[0],
                "timestamp": time.time_ns() // 1_000_000,
            }
        )  # fmt: skip
        people[event.anonymous_id] = None
        body = {
            "session_id": event.session_id, "anonymous_id": event.anonymous_id,
            "placement": PLACEMENT, "events_in_session": seen[-SENT_MAX:],
        }  # fmt: skip
        yield _post("/api/recommendations", body)


def rerank_requests(items: int, count: int) -> Iterator[bytes]:
    """Lists of a caller, to be put into order for visitors who have looked at a few items."""
    for number, event in enumerate(shoppers(f"rerank-{time.time_ns()}", items)):
        first = number * count
        listed = [
            {"item_id": f"item-{(first + at) % items}", "position": at} for at in range(count)
        ]
        body = {
            "session_id": event.session_id, "anonymous_id": event.anonymous_id,
            "placements": ["rerank"], "candidates": listed,
        }  # fmt: skip
        yield _post("/v1/decisions", body)


def person_requests(people: list[str]) -> Iterator[bytes]:
    """What is decided for one after the other of these people."""
    while True:
        for person in people:
            yield (
                f"GET /v1/decisions/{person}/{PLACEMENT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )


def _post(path: str, body: object) -> bytes:
    data = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def _show(paths: list[Path], load: Load, model: str, is_json: bool) -> None:
    setting = describe() | {
        "requests_per_s": min(load.rate, RERANK_RATE) if load.rerank else load.rate,
        "seconds": load.seconds, "items": load.items, "model": model,
    }  # fmt: skip
    if is_json:
        show_json(setting | {"paths": [one._asdict() for one in paths]})
        return
    title = as_title(setting)
    columns = (
        "ms since it was due",
        "requests",
        *paths[0].latency_ms,
        "rungs",
        "statuses",
        "behind",
    )
    show_table(title, columns, [_row(one) for one in paths])


def _row(one: Path) -> tuple[object, ...]:
    told: Callable[[dict[str, Any]], str] = lambda counts: ", ".join(  # noqa: E731
        f"{name} {count:.2%}" if isinstance(count, float) else f"{name} {count}"
        for name, count in counts.items()
        if count
    )
    return (
        one.path, one.requests, *one.latency_ms.values(), told(one.rungs), told(one.statuses),
        one.sender_behind_ms_max,
    )  # fmt: skip
