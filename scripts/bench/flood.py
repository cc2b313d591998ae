"""`kairos bench flood`: what honest visitors wait for while one visitor floods, beside the same without it."""

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from channels.security.keys import Key, KeysFile, Scope, SecretFile, hash_of, new_key, write_keys
from jobs.config import PROJECT, Config
from schemas.control import Control
from schemas.errors import ConfigError
from scripts.bench.api import API_POLICY, PLACEMENT, SENT_MAX, SETTLE_S
from scripts.bench.http_client import Client
from scripts.bench.setting import BenchEngine, as_title, bench_config, describe, prepare
from scripts.console import percentile, say, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.ops.engine import Engine

VISITORS: Final = 20
WANTED_MS: Final = 500
FRESH: Final = "fresh"
SHARE_MIN: Final = 0.95
RATIO_MAX: Final = 1.5
ANSWER_S: Final = 5.0
NICENESS: Final = "19"
FLOOD_BEGINS_S: Final = 2.0
"""The flood's process has begun by then."""
FLOOD_S_MORE: Final = 30
SCOPES: Final[tuple[Scope, ...]] = ("events:write", "decisions:read")


class Load(NamedTuple):
    """Requests per second of the honest, how long each part is, the catalogue."""

    rate: int
    seconds: int
    warm_up: int
    items: int


class Part(NamedTuple):
    """What the honest visitors saw; milliseconds from when a request was due."""

    part: str
    requests: int
    fresh_share: float
    p50_ms: float | None
    p99_ms: float | None
    not_answered: int
    why_not_fresh: dict[str, int]
    """The answers' own words, and statuses that are no answer."""


class Honest(NamedTuple):
    """A visitor: an address, a session, what it has looked at."""

    address: str
    session_id: str
    token: str
    seen: list[dict[str, Any]]


def bench(config: Config, load: Load, is_json: bool) -> int:
    """Runs the whole stack with keys and prints both parts; 1 where the flood is felt more than it may be."""
    with tempfile.TemporaryDirectory() as folder:
        key = new_key()
        config = bench_config(config)._replace(api_keys=write_page_key(Path(folder), key))
        with BenchEngine(config, say, has_api=True) as engine:
            engine.start()
            prepare(engine, config, load.items)
            payload = msgspec.json.encode(API_POLICY)
            engine.log.control(Control("policy", "default", "bench-flood", 0, payload=payload))
            engine.log.flush()
            engine.await_learn()
            address = engine.await_api() or ""
            time.sleep(SETTLE_S)
            alone, during, flooded = asyncio.run(_measure(engine, address, key, load))
    faults = faults_of(alone, during)
    _show([alone, during], flooded, faults, is_json)
    return passed(not faults)


def write_page_key(folder: Path, key: str) -> Path:
    """A file of keys with one for pages."""
    (folder / "secret").write_text(new_key() * 2)
    path = folder / "keys.yaml"
    granted = Key("page", hash_of(key), SCOPES, is_browser=True, origins=("*",))
    write_keys(path, KeysFile((granted,), SecretFile("secret")))
    return path


def faults_of(alone: Part, during: Part) -> list[str]:
    """What is required of the flood, and not so."""
    found = []
    if during.fresh_share < SHARE_MIN:
        found.append(f"fresh within {WANTED_MS} ms: {during.fresh_share:.1%}, not {SHARE_MIN:.0%}")
    if alone.p99_ms and during.p99_ms and during.p99_ms > alone.p99_ms * RATIO_MAX:
        found.append(f"p99 is {during.p99_ms / alone.p99_ms:.2f} times that without it")
    return found


async def _measure(
    engine: Engine, address: str, key: str, load: Load
) -> tuple[Part, Part, dict[str, int]]:
    ticking = asyncio.create_task(_tick(engine))
    try:
        visitors = [await _visit(address, key, number) for number in range(VISITORS)]
        say(f"{load.rate} requests/s of {VISITORS} visitors: {load.warm_up} s of warm-up")
        await _run("warm-up", address, key, visitors, load, load.warm_up)
        say(f"{load.seconds} s without the flood")
        alone = await _run("without the flood", address, key, visitors, load, load.seconds)
        say(f"{load.seconds} s with it")
        # a visitor has a machine of their own: what this one computes is not to be taken from the engine
        arguments = (
            "-n",
            NICENESS,
            sys.executable,
            "-m",
            "scripts.bench.flooding_visitor",
            address,
            key,
            str(load.seconds),
        )
        process = await asyncio.create_subprocess_exec(
            "nice", *arguments, cwd=PROJECT, stdout=subprocess.PIPE
        )  # fmt: skip
        try:
            await asyncio.sleep(FLOOD_BEGINS_S)
            during = await _run("during the flood", address, key, visitors, load, load.seconds)
            async with asyncio.timeout(FLOOD_S_MORE):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise ConfigError("the flood ended with an error, so nothing is measured")
        return alone, during, msgspec.json.decode(said)
    finally:
        ticking.cancel()


async def _tick(engine: Engine) -> None:
    while True:
        engine.tick()
        await asyncio.sleep(1.0)


async def _visit(address: str, key: str, number: int) -> Honest:
    source = f"127.0.1.{number + 1}"
    client = await _connect(address, source)
    code, body = await client.ask(_post("/v1/sessions", key, "", b"{}"))
    client.close()
    if code != 201:
        raise ConfigError(f"no session is made: {body.decode(errors='replace')}")
    said = msgspec.json.decode(body)
    return Honest(source, said["session_id"], said["token"], [])


async def _run(
    name: str, address: str, key: str, visitors: list[Honest], load: Load, seconds: int
) -> Part:
    took: list[tuple[float, str]] = []
    under_way = set()
    begun_s = time.monotonic()
    clients: dict[str, list[Client]] = {one.address: [] for one in visitors}
    turns = itertools.cycle(visitors)
    for number in range(load.rate * seconds):
        due_s = begun_s + number / load.rate
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        visitor = next(turns)
        request = _asked(visitor, key, number % load.items)
        task = asyncio.create_task(
            _one(address, request, due_s, visitor.address, clients[visitor.address], took)
        )
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    for client in itertools.chain.from_iterable(clients.values()):
        client.close()
    ms = [one for one, _ in took]
    fresh = sum(why == FRESH and one <= WANTED_MS for one, why in took)
    why_not = Counter(why for _, why in took if why != FRESH)
    missing = load.rate * seconds - len(took)
    p50, p99 = percentile(ms, 0.5), percentile(ms, 0.99)
    share = fresh / max(1, load.rate * seconds)
    return Part(
        name, load.rate * seconds, round(share, 4), _rounded(p50), _rounded(p99), missing, dict(why_not)
    )  # fmt: skip


async def _one(
    address: str, request: bytes, due_s: float, source: str, idle: list[Client], took: list[Any]
) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            client = idle.pop() if idle else await _connect(address, source)
            status, body = await client.ask(request)
            took.append(((time.monotonic() - due_s) * 1_000, _why(status, body)))
            if client.is_open:
                idle.append(client)


def _why(status: int, body: bytes) -> str:
    """FRESH, or the first sentence of why not."""
    if b'"source":"fresh"' in body:
        return FRESH
    why = body.partition(b'"why":"')[2].partition(b".")[0].decode(errors="replace")
    return why or str(status)


async def _connect(address: str, source: str) -> Client:
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, host, int(port), local_addr=(source, 0))
    return client


def _asked(visitor: Honest, key: str, item: int) -> bytes:
    visitor.seen.append(
        {
            "event": "product_viewed", "product_id": f"item-{item}",
            "timestamp": time.time_ns() // 1_000_000,
        }
    )  # fmt: skip
    body = {
        "session_id": visitor.session_id, "placement": PLACEMENT, "budget_ms": WANTED_MS,
        "events_in_session": visitor.seen[-SENT_MAX:],
    }  # fmt: skip
    return _post("/api/recommendations", key, visitor.token, msgspec.json.encode(body))


def _post(path: str, key: str, token: str, body: bytes) -> bytes:
    session = f"X-Kairos-Session: {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{session}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def _show(parts: list[Part], flooded: dict[str, int], faults: list[str], is_json: bool) -> None:
    if is_json:
        found = {"parts": [one._asdict() for one in parts], "flood": flooded, "faults": faults}
        show_json(describe() | found)
        return
    columns = ("", "requests", f"fresh within {WANTED_MS} ms", "p50 ms", "p99 ms", "no answer")
    title = as_title(describe())
    rows = [
        (one.part, one.requests, f"{one.fresh_share:.1%}", one.p50_ms, one.p99_ms, one.not_answered)
        for one in parts
    ]
    show_table(title, columns, rows)
    show("the flood: " + ", ".join(f"{name}: {count}" for name, count in flooded.items()))
    for one in parts:
        for why, count in one.why_not_fresh.items():
            show(f"{one.part}, not fresh: {count} ({why})")
    for fault in faults:
        show(f"NOT MET: {fault}")
