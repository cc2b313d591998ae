"""`kairos decide`, `learn`, `upgrade`, `compare`, `package` and `chaos`: jobs on a Flink cluster."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.config import config_from
from scripts.commands.options import DecisionsFrom, Json, To, WhichCluster
from scripts.console import show_json
from scripts.exit_codes import passed
from scripts.times import time_or_none

FromSavepoint = Annotated[
    str | None, typer.Option(help="Go on from this savepoint or checkpoint (a URI or folder).")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Do not go on from a checkpoint.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Flink's REST address, HOST:PORT: the job is left to that cluster. "
        "Without it the job runs here until Ctrl-C."
    ),
]
Parallelism = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Parallel instances of each operator.")
]
Victim = Literal["task-manager"]

app = typer.Typer()


@app.command()
def decide(
    from_savepoint: FromSavepoint = None,
    fresh: Fresh = False,
    cluster: Cluster = None,
    parallelism: Parallelism = None,
    shadow: Annotated[
        str | None,
        typer.Option(help="Write to topics with this prefix, beside the version that is live."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the decide job alone, on running servers; it goes on from its newest checkpoint or savepoint.

    With --shadow it begins with the state of the live job, and what it decides only goes to the
    prefixed topics: `kairos compare` says what it decides differently.
    """
    from scripts.ops.cluster import with_cluster
    from scripts.ops.run_job import Begin, become_decide

    config = with_cluster(config_from(), cluster, parallelism)
    become_decide(config, Begin(from_savepoint, fresh), shadow, is_json=json)


@app.command()
def learn(
    from_savepoint: FromSavepoint = None,
    fresh: Fresh = False,
    cluster: Cluster = None,
    parallelism: Parallelism = None,
    json: Json = False,
) -> None:
    """Run the learn job alone, on running servers; it goes on from its newest checkpoint or savepoint."""
    from scripts.ops.cluster import with_cluster
    from scripts.ops.run_job import Begin, become_job

    config = with_cluster(config_from(), cluster, parallelism)
    become_job("learn", config, Begin(from_savepoint, fresh), is_json=json)


@app.command()
def upgrade(
    job: Annotated[str, typer.Argument(help="decide or learn.")] = "decide",
    cluster: WhichCluster = None,
    parallelism: Parallelism = None,
    keep_task_managers: Annotated[
        bool, typer.Option("--keep-task-managers", help="A rescale only: no code has changed.")
    ] = False,
    end_shadow: Annotated[
        str | None,
        typer.Option(help="Cancel the shadow run of this prefix once it has taken over."),
    ] = None,
    json: Json = False,
) -> None:
    """Put this version of the code in the place of the one that runs, without loss.

    The job stops with a savepoint, new task managers (new interpreters) take the new code, and it
    goes on from there: with upgraded state, and with another parallelism if you say so.
    """
    from scripts.ops.cluster import address, with_cluster
    from scripts.ops.run_job import upgrade as run

    config = with_cluster(config_from(), address(config_from(), cluster), parallelism)
    words = ["--keep-task-managers"] if keep_task_managers else []
    run(job, config, words, end_shadow, is_json=json)


@app.command()
def compare(
    prefix: Annotated[str, typer.Argument(help="Of the shadow's topics.")],
    from_: DecisionsFrom = None,
    to: To = None,
    json: Json = False,
) -> None:
    """Show what a shadow decides differently: share, by placement, by what differs, examples.

    Decisions are compared by what caused them. Times are epoch milliseconds or ISO 8601.
    """
    from scripts.audit import compare as module
    from scripts.ops.status import running_kafka

    config, span = config_from(), (time_or_none(from_), time_or_none(to))
    found = module.compare(running_kafka(config), config.topic_prefix, prefix, *span)
    show_json(module.comparison_json(found)) if json else module.show_comparison(found)


@app.command()
def package(
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The archive, .tar.gz.")] = None,
    json: Json = False,
) -> None:
    """Write one archive for a Flink cluster: job code, lock, jars, settings and how to use them."""
    from scripts.ops import package as module

    found = module.describe(module.package(config_from(), out))
    (show_json if json else module.show_package)(found)


@app.command()
def chaos(
    kill: Annotated[Victim, typer.Option(help="What is killed with -9.")] = "task-manager",
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How many times.")] = 10,
    rate: Annotated[int, typer.Option(min=10, max=5_000, help="Events per second.")] = 500,
    json: Json = False,
) -> int:
    """Kill a task manager of a cluster under load, again and again, and say what that does.

    It starts servers and a cluster of two task managers, and stops them at its end. Exit code 1
    where a decision was lost or a repeat could be seen in the store.
    """
    from scripts.ops import chaos as module

    report = module.run(config_from(), kill, rounds, rate)
    (show_json if json else module.show_report)(report)
    return passed(report["is_sound"])
