"""`kairos demo`, `up`, `down`, `status`, `logs`, `api` and `doctor`: the engine on this machine."""

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
    """Run everything on this machine and show on real events of a shop what it decides, and why.

    Then it keeps running, with a made-up shop to play in, and takes events typed or piped in, one JSON object a line.
    --once, for programs, plays all 833 events as fast as they are taken, and ends. It has a home of its own,
    .kairos/demo, unless KAIROS_HOME is set, and begins anew each time.
    """
    from scripts.demo.demo import DEFAULTS
    from scripts.demo.demo import demo as run

    return run(config_from(defaults=DEFAULTS), once, json)


@app.command()
def up(no_jobs: NoJobs = False, shop: WithShop = False, json: Json = False) -> None:
    """Start the engine in the background; its data are under .kairos/. --json: what `status --json` says then."""
    from scripts.ops.status import show_addresses, status
    from scripts.ops.up import show_holding, start_engine

    config = config_from()
    start_engine(config, has_jobs=not no_jobs, has_shop=shop)
    (show_json if json else show_addresses)(status(config))
    show_holding(config)


@app.command(hidden=True)
def supervise(no_jobs: NoJobs = False, shop: WithShop = False) -> None:
    """Hold the engine until SIGTERM, and start again what dies: what `kairos up` runs in the background."""
    from scripts.demo.shop import DEFAULTS, opening
    from scripts.ops.up import hold_engine

    config = config_from(defaults=DEFAULTS if shop else {})
    hold_engine(config, has_jobs=not no_jobs, prepare=opening(config) if shop else None)


@app.command()
def down(json: Json = False) -> None:
    """Stop what `kairos up` (or a demo) runs."""
    from jobs.stack.state import down as stop
    from scripts.ops.homes import elsewhere

    home = config_from().home
    stopped = stop(home)
    nothing = f"nothing was running{elsewhere(home, 'down')}"
    words = f"stopped {', '.join(stopped)}" if stopped else nothing
    show_json({"stopped": stopped}) if json else show(words)


@app.command()
def reset(
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; needed where nobody can answer.")
    ] = False,
) -> None:
    """Delete all data of this home: the log, the store, checkpoints, models. Keys, jars and archives stay.

    Which home: KAIROS_HOME, or .kairos/. It is refused while the engine is up there.
    """
    from scripts.ops.reset import reset as run

    run(config_from(), is_sure=yes, ask=typer.confirm)


@app.command()
def status(
    json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds.")] = False,
    quality: Annotated[
        bool,
        typer.Option(
            "--quality",
            help="Also what the newest events are like: how many came, what they leave out, what is new, late or there twice.",
        ),
    ] = False,
) -> int:
    """Say what is up and where, why the rest is not, since when, and what ended by itself.

    What ended is started again; what ends again and again is failing: it is tried twice a minute. Exit code 3 where anything is not up.
    """
    from scripts.ops import status as module

    config = config_from()
    if quality:
        from scripts.quality.show_report import status_and_quality

        return status_and_quality(config, is_json=json, is_watched=watch)
    if watch:
        module.watch(config, is_json=json)
    found = module.status(config)
    (show_json if json else module.show_status)(found)
    return DONE if module.is_whole(found) else NOT_UP


@app.command()
def logs(
    service: Annotated[
        str | None,
        typer.Argument(
            help="kafka, redis, flink, learn, store, api, or supervisor, which keeps them; without it, all."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=1, help="So many; else 50, of all services 10 each."),
    ] = None,
) -> None:
    """Show the newest lines of a service's log, or of all logs."""
    from scripts.ops.logs import show_logs

    show_logs(config_from(), service, lines, is_followed=follow)


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
