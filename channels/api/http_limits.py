"""Bounds below ASGI: how many connections, and how small and soon the parts of a request come."""

import asyncio
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from channels.api.door import Door

HEAD_BYTES_MAX: Final = 32 * 1024
"""Address and headers together."""
HEAD_S: Final = 10.0
"""Also how long a new connection may say nothing."""
REST_S: Final = 15.0
"""For what comes after the head, whether anybody reads it or not; who reads it waits less."""
UNREAD_S: Final = 30.0
"""A client that takes nothing of what it is sent for so long is gone."""
TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_MANY: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def bounded_protocol(door: Door) -> Any:
    """What uvicorn makes for each connection."""
    return partial(BoundedProtocol, door=door)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds in number, in bytes and in time."""

    def __init__(self, *args: Any, door: Door, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._door = door
        self._bounds: list[tuple[str, int]] = []
        self._is_refused = False
        self._head_bytes = 0
        self._is_in_head = True
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has come."""
        peername = transport.get_extra_info("peername")
        peer = str(peername[0]) if isinstance(peername, tuple) and peername else ""
        if self._door.is_blocked(peer):
            self._refuse(transport)
            return
        bounds = self._door.connection(peer)
        if self._door.connections.enter(bounds) is not None:
            transport.write(TOO_MANY)
            self._refuse(transport)
            return
        self._bounds = bounds
        super().connection_made(transport)
        self._begin(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_deadline()
        self._stop_unread()
        self._door.connections.leave(self._bounds)
        self._bounds = []
        if not self._is_refused:
            super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self._head_bytes = 0
        self._is_in_head = True
        if self._deadline is None:
            self._begin(HEAD_S)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._is_in_head = False
        self._begin(REST_S)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; what comes now is another's head."""
        self._is_in_head = True
        self._head_bytes = 0
        self._stop_deadline()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, a body, or both."""
        if self._is_refused:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self._holds_head(data):
                self.transport.write(TOO_LARGE)
                self._close()
                return
        super().data_received(data)

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        super().pause_writing()
        self._stop_unread()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        self._stop_unread()
        super().resume_writing()

    def _holds_head(self, data: bytes) -> bool:
        """Whether the head ends within its bound in this piece, the rest of which is the body."""
        end = data.find(b"\r\n\r\n")
        return end >= 0 and self._head_bytes - len(data) + end <= HEAD_BYTES_MAX

    def _refuse(self, transport: Any) -> None:
        self._is_refused = True
        self.transport = transport
        self._close()

    def _begin(self, seconds: float) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(seconds, self._close)

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
            # what was written may be waiting for somebody who takes nothing
            self.loop.call_later(UNREAD_S, self.transport.abort)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
