"""`kairos api`: the Decision API alone, on running servers."""

from typing import Annotated

import typer

from jobs.config import config_from
from jobs.stack.ports import is_free
from schemas.errors import ConfigError
from scripts.console import say


def api(
    host: Annotated[
        str | None, typer.Option(help="Where it listens; without it, KAIROS_API_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Without it, KAIROS_API_PORT.")
    ] = None,
) -> None:
    """Serve the Decision API, the demo shop and the console; `up` and `demo` do so by themselves.

    It answers also while Kafka, the store or the engine are down: with what it knows.
    """
    from scripts.ops.serve_api import serve, services_of
    from scripts.ops.status import api_targets

    config = config_from()
    host, port = host or config.api_host, port or config.api_port
    targets = api_targets(config)
    if host in ("127.0.0.1", "localhost") and not is_free(port):
        raise ConfigError(
            f"port {port} is taken: choose another one with --port or KAIROS_API_PORT"
        )
    services = services_of(config, targets.kafka, targets.redis, targets.flink)
    services.access.check_host(host)
    who = (
        "open to every program of this machine: no KAIROS_API_KEYS"
        if services.access.is_open
        else "by key"
    )
    say(f"http://{host}:{port}  docs at /docs, shop at /shop/, console at /console ({who})")
    serve(config, services, host, port)
