"""The flood of one visitor, for `kairos bench flood`: a process of its own, bounded in number and time.

It asks from FLOOD_ADDRESS with a page's key and heeds no refusal. Prints one JSON object: what became of it.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from scripts.bench.http_client import Client

FLOOD_ADDRESS: Final = "127.0.0.2"
EVENTS: Final = 20_000
EVENTS_AT_ONCE: Final = 50
SESSIONS: Final = 3_000
STREAMS: Final = 1_000
ANSWER_S: Final = 5.0
CLOSE_S: Final = 0.2


class Visitor:
    """Who floods: one key, one session of its own for events and streams."""

    def __init__(self, address: str, key: str) -> None:
        host, _, port = address.rpartition(":")
        self._place = host, int(port)
        self._key = key
        self.token = self.session_id = ""
        self.outcomes: Counter[str] = Counter()
        self.held: list[Client] = []
        self._idle: list[Client] = []

    async def ask(self, what: str, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's body; counts how it ended."""
        client: Client | None = None
        status, found = "closed", b""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                client = self._idle.pop() if self._idle else await self._connect()
                code, found = await client.ask(self._request(method, path, body))
                status = str(code)
        self.outcomes[f"{what} {status}"] += 1
        if client is not None:
            is_usable = client.is_open and status != "closed"
            self._idle.append(client) if is_usable else client.close()
        return found if status.startswith("2") else b""

    async def stream(self) -> None:
        """Opens a stream and holds it."""
        with suppress(OSError):
            client = await self._connect()
            answer = client.ask(
                self._request("GET", f"/v1/stream?session_id={self.session_id}", b"")
            )
            # nobody waits for it
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            self.held.append(client)

    def streams_open(self) -> int:
        """How many are held still."""
        return sum(one.is_open for one in self.held)

    async def close(self) -> None:
        """Lets all of it go."""
        for client in (*self.held, *self._idle):
            client.close()
        await asyncio.sleep(CLOSE_S)

    async def _connect(self) -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(
            Client, *self._place, local_addr=(FLOOD_ADDRESS, 0)
        )
        return client

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        token = f"X-Kairos-Session: {self.token}\r\n" if self.token else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n"
            f"{token}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def flood(address: str, key: str, seconds: int) -> dict[str, int]:
    """All of it, spread evenly over the time; ends by itself."""
    visitor = Visitor(address, key)
    made = await visitor.ask("own session", "POST", "/v1/sessions", b"{}")
    if made:
        said = msgspec.json.decode(made)
        visitor.token, visitor.session_id = said["token"], said["session_id"]
    event = {"event_type": "product_viewed", "item_ids": ["item-1"], "placements": ["next_item"]}
    batch = msgspec.json.encode({"events": [event] * EVENTS_AT_ONCE})
    end_s = time.monotonic() + seconds
    await asyncio.gather(
        _paced(EVENTS // EVENTS_AT_ONCE, end_s, lambda: visitor.ask("events", "POST", "/v1/events", batch)),
        _paced(SESSIONS, end_s, lambda: visitor.ask("sessions", "POST", "/v1/sessions", b"{}")),
        _paced(STREAMS, end_s, visitor.stream),
    )  # fmt: skip
    found = dict(visitor.outcomes) | {
        "streams tried": STREAMS, "streams open at the end": visitor.streams_open()
    }  # fmt: skip
    await visitor.close()
    return found


async def _paced(count: int, end_s: float, call: Callable[[], Awaitable[object]]) -> None:
    begun_s = time.monotonic()
    every_s = (end_s - begun_s) / count
    under_way: set[asyncio.Future[object]] = set()
    for at in range(count):
        await asyncio.sleep(max(0.0, begun_s + at * every_s - time.monotonic()))
        if time.monotonic() > end_s:
            break
        task = asyncio.ensure_future(call())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


if __name__ == "__main__":
    _, place, page_key, duration = sys.argv
    found = asyncio.run(flood(place, page_key, int(duration)))
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
