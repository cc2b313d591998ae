"""A connection to the API for the benchmarks; it imports little, so that a process with it begins soon."""

import asyncio
from typing import Any


class Client(asyncio.Protocol):
    """One connection to the API: a request at a time, HTTP/1.1 kept alive."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._held = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; whoever waits hears of it."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the API closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = bytes(self._held[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
        if len(self._held) >= end + 4 + length:
            body = bytes(self._held[end + 4 : end + 4 + length])
            self._held.clear()
            self._answer.set_result((int(head[9:12]), body))

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Status and body of the answer, some time."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Lets it go."""
        self._transport.close()
