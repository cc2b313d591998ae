"""`kairos cluster`: a Flink cluster on this machine, and what runs on any."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import Json, WhichCluster
from scripts.console import show, show_json
from scripts.exit_codes import DONE, NOT_UP

JobName = Annotated[str, typer.Argument(help="Its name or id: see `kairos cluster status`.")]

app = typer.Typer(
    help="A Flink cluster on this machine, and the jobs on any.", no_args_is_help=True
)


@app.command()
def up(
    task_managers: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many, of one slot each; 2 at first.")
    ] = None,
    rocksdb: Annotated[
        bool | None, typer.Option("--rocksdb/--hashmap", help="Where jobs keep their state.")
    ] = None,
    json: Json = False,
) -> None:
    """Start a Flink cluster in the background, with Kafka, Valkey and the store writer where none run.

    Once more: it gets as many task managers as you say, and what has died comes back.
    """
    from scripts.ops import cluster

    found = cluster.up(config_from(), task_managers, rocksdb)
    (show_json if json else cluster.show_status)(found)


@app.command()
def down(json: Json = False) -> None:
    """Stop the cluster of this home, and its jobs; they go on from their newest checkpoints later."""
    from scripts.ops import cluster

    stopped = cluster.down(config_from())
    words = f"stopped {', '.join(stopped)}" if stopped else "no cluster was running"
    show_json({"stopped": stopped}) if json else show(words)


@app.command()
def status(cluster: WhichCluster = None, json: Json = False) -> int:
    """Show task managers, slots, jobs and how their checkpoints go; exit code 3 where it is not up."""
    from scripts.ops import cluster as module

    found = module.status(config_from(), cluster)
    (show_json if json else module.show_status)(found)
    return DONE if found["state"] == "up" else NOT_UP


@app.command()
def stop(job: JobName, cluster: WhichCluster = None, json: Json = False) -> None:
    """Stop a job with a savepoint, from which it, or a new version of it, goes on."""
    from scripts.ops import cluster as module

    found = module.stop(config_from(), cluster, job)
    words = f"{found['name']} stopped; its state is in {found['savepoint']}"
    show_json(found) if json else show(words)


@app.command()
def savepoint(job: JobName, cluster: WhichCluster = None, json: Json = False) -> None:
    """Make a savepoint of a job that goes on."""
    from scripts.ops import cluster as module

    found = module.savepoint(config_from(), cluster, job)
    show_json(found) if json else show(f"the state of {found['name']} is in {found['savepoint']}")


@app.command()
def cancel(job: JobName, cluster: WhichCluster = None) -> None:
    """End a job at once, without a savepoint; its newest checkpoints stay."""
    from scripts.ops import cluster as module

    show(f"{module.cancel(config_from(), cluster, job)} is cancelled")


@app.command()
def keys(
    folder: Annotated[
        Path, typer.Argument(help="Where they are put; what is there already stays.")
    ],
    name: Annotated[
        list[str], typer.Option(help="A name or address of the JobManager; say it again for more.")
    ],
    password: Annotated[
        str | None, typer.Option(help="Of the PKCS 12 file; without it a random one, put beside.")
    ] = None,
) -> None:
    """Make keys for a Flink of yours, which then answers only those who have them.

    Name the folder to Kairos by KAIROS_FLINK_KEYS; flink.yaml in it is for the Flink's own settings.
    """
    from jobs.flink.key_maker import make_keys, write_settings

    settings = write_settings(make_keys(folder.absolute(), name, password))
    show(f"the keys are in {folder}; Flink's own settings need {settings}")


@app.command(hidden=True)
def supervise() -> None:
    """Hold the cluster until SIGTERM: what `kairos cluster up` runs in the background."""
    from scripts.ops.cluster import hold

    hold(config_from())
