"""`kairos demo`, `up`, `down`, `status`, `api` and `doctor`: the engine on this machine."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import Json
from scripts.console import show, show_json
from scripts.exit_codes import DONE, NOT_UP

NoJobs = Annotated[
    bool, typer.Option("--no-jobs", help="Without the two Flink jobs: they run on a cluster.")
]
WithShop = Annotated[
    bool,
    typer.Option("--shop", help="With the demo shop's items and policy, as `kairos demo` has."),
]

app = typer.Typer()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the bundled events.")] = False,
    json: Json = False,
) -> int:
    """Run everything on this machine and feed it 833 real events of a shop.

    Then it keeps running and takes events typed or piped in, one JSON object a line.
    """
    from scripts.demo.demo import DEFAULTS
    from scripts.demo.demo import demo as run

    return run(config_from(defaults=DEFAULTS), once, json)


@app.command()
def up(no_jobs: NoJobs = False, shop: WithShop = False, json: Json = False) -> None:
    """Start the engine in the background; its data are under .kairos/. --json: what `status --json` says then."""
    from scripts.ops.status import show_addresses, status
    from scripts.ops.up import start_engine

    config = config_from()
    start_engine(config, has_jobs=not no_jobs, has_shop=shop)
    (show_json if json else show_addresses)(status(config))


@app.command(hidden=True)
def supervise(no_jobs: NoJobs = False, shop: WithShop = False) -> None:
    """Hold the engine until SIGTERM, and start again what dies: what `kairos up` runs in the background."""
    from scripts.demo.shop import opening
    from scripts.ops.up import hold_engine

    config = config_from()
    hold_engine(config, has_jobs=not no_jobs, prepare=opening(config) if shop else None)


@app.command()
def down(json: Json = False) -> None:
    """Stop what `kairos up` (or a demo) runs."""
    from jobs.stack.state import down as stop

    stopped = stop(config_from().home)
    words = f"stopped {', '.join(stopped)}" if stopped else "nothing was running"
    show_json({"stopped": stopped}) if json else show(words)


@app.command()
def status(json: Json = False) -> int:
    """Say what is up, where it answers, and what ended by itself and why.

    What ended is started again. Exit code 3 where something is failing: it ended so often that it is tried only twice a minute.
    """
    from scripts.ops import status as module

    found = module.status(config_from())
    (show_json if json else module.show_status)(found)
    return NOT_UP if module.is_failing(found) else DONE


@app.command()
def api(
    host: Annotated[
        str | None, typer.Option(help="Where it listens; without it, KAIROS_API_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="0: any free one. Without it, KAIROS_API_PORT."),
    ] = None,
) -> None:
    """Serve the Decision API, the demo shop and the console; `up` and `demo` do so by themselves.

    It answers also while Kafka, the store or the engine are down: with what it knows.
    """
    from scripts.ops.serve_api import serve_at

    config = config_from()
    serve_at(config, host or config.api_host, config.api_port if port is None else port)


@app.command()
def doctor(json: Json = False) -> int:
    """Name what is missing on this machine, and how to get it."""
    from scripts.ops.doctor import doctor as run

    return run(config_from(), is_json=json)
