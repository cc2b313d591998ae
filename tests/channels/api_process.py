"""A Decision API in a thread of the test, on any servers or on none."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

import uvicorn

from channels.api.app import build_app
from channels.api.http_limits import bounded_protocol
from channels.api.services import Services
from jobs.config import config_from
from scripts.ops.serve_api import services_of

NOWHERE: Final = "127.0.0.1:1"


def lonely_services(**settings: str) -> Services:
    """Services none of whose servers is there."""
    return services_of(config_from(settings), NOWHERE, NOWHERE, None)


@contextlib.contextmanager
def served(services: Services) -> Iterator[str]:
    """The address (HOST:PORT) of the API with these services."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(services), http=bounded_protocol(services.door), loop="uvloop", ws="none", lifespan="on",
            log_config=None, server_header=False, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
