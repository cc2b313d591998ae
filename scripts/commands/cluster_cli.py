"""Jobs on a Flink cluster: `kairos cluster`, `decide`, `learn`, `upgrade`, `compare`, `package`, `chaos`."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer

from jobs.config import PROJECT, Config, config_from
from schemas.errors import ConfigError
from scripts.console import say, show, show_json

POLL_S: Final = 0.1

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
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
WhichCluster = Annotated[
    str | None, typer.Option("--cluster", help="Flink's REST address; without it this home's.")
]
Parallelism = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Parallel instances of each operator.")
]
Victim = Literal["task-manager"]
JobName = Annotated[str, typer.Argument(help="Its name or id: see `kairos cluster status`.")]

app = typer.Typer(
    help="A Flink cluster on this machine, and the jobs on any.", no_args_is_help=True
)


def add_cluster_commands(root: typer.Typer) -> None:
    """Registers all of this module on the command line."""
    root.add_typer(app, name="cluster")
    for command in (decide, learn, upgrade, compare, package, chaos):
        root.command()(command)


@app.command("up")
def cluster_up(
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


@app.command("down")
def cluster_down() -> None:
    """Stop the cluster of this home, and its jobs; they go on from their newest checkpoints later."""
    from scripts.ops import cluster

    show(cluster.down(config_from()))


@app.command("status")
def cluster_status(cluster: WhichCluster = None, json: Json = False) -> int:
    """Show task managers, slots, jobs and how their checkpoints go."""
    from scripts.ops import cluster as module

    found = module.status(config_from(), cluster)
    (show_json if json else module.show_status)(found)
    return 0 if found["state"] == "up" else 1


@app.command("stop")
def cluster_stop(job: JobName, cluster: WhichCluster = None, json: Json = False) -> None:
    """Stop a job with a savepoint, from which it, or a new version of it, goes on."""
    from scripts.ops import cluster as module

    found = module.stop(config_from(), cluster, job)
    if json:
        show_json(found)
    else:
        show(f"{found['name']} stopped; its state is in {found['savepoint']}")


@app.command("savepoint")
def cluster_savepoint(job: JobName, cluster: WhichCluster = None, json: Json = False) -> None:
    """Make a savepoint of a job that goes on."""
    from scripts.ops import cluster as module

    found = module.savepoint(config_from(), cluster, job)
    show_json(found) if json else show(f"the state of {found['name']} is in {found['savepoint']}")


@app.command("cancel")
def cluster_cancel(job: JobName, cluster: WhichCluster = None) -> None:
    """End a job at once, without a savepoint; its newest checkpoints stay."""
    from scripts.ops import cluster as module

    show(f"{module.cancel(config_from(), cluster, job)} is cancelled")


@app.command("keys")
def cluster_keys(
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


@app.command("supervise", hidden=True)
def cluster_supervise() -> None:
    """Hold the cluster until SIGTERM: what `kairos cluster up` runs in the background."""
    from jobs.stack.flink_cluster import FlinkCluster, Wanted, read_wanted
    from jobs.stack.jars import jar_paths
    from jobs.stack.local_cluster import cluster_folder

    config = config_from()
    folder = cluster_folder(config.home)
    with FlinkCluster(folder, jar_paths("flink", config.home / "jars", say), say) as cluster:
        cluster.start(read_wanted(folder) or Wanted().resized(1))
        while True:
            cluster.keep()
            time.sleep(POLL_S)


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
    from scripts.ops import cluster as module

    config = module.with_cluster(config_from(), cluster, parallelism)
    words = []
    if shadow is not None:
        module.check_shadow(config, shadow)
        words = ["--prefix", shadow]
        if from_savepoint is None and not fresh:
            from_savepoint = module.state_for_shadow(config)
    _become_job("decide", config, from_savepoint, fresh, json, words)


def learn(
    from_savepoint: FromSavepoint = None,
    fresh: Fresh = False,
    cluster: Cluster = None,
    parallelism: Parallelism = None,
    json: Json = False,
) -> None:
    """Run the learn job alone, on running servers; it goes on from its newest checkpoint or savepoint."""
    from scripts.ops import cluster as module

    config = module.with_cluster(config_from(), cluster, parallelism)
    _become_job("learn", config, from_savepoint, fresh, json, [])


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
    from jobs.stack.environment import job_environment
    from scripts.ops import cluster as module

    config = module.with_cluster(config_from(), module.address(config_from(), cluster), parallelism)
    words = ["--upgrade", *(["--keep-task-managers"] if keep_task_managers else [])]
    if job not in ("decide", "learn"):
        raise ConfigError(f"there is no job {job!r}: decide or learn")
    if end_shadow is None:
        _become_job(job, config, None, False, json, words)
    argv = _job_command(job, config, None, False, json, words)
    code = subprocess.call(argv, cwd=PROJECT, env=job_environment(config))
    if code == 0:
        ended = module.cancel(config, None, f"decide.{end_shadow.strip('.')}")
        say(f"{ended} is cancelled")
    raise typer.Exit(code)


def compare(
    prefix: Annotated[str, typer.Argument(help="Of the shadow's topics.")],
    from_: Annotated[str | None, typer.Option("--from", help="Decisions from here on.")] = None,
    to: Annotated[str | None, typer.Option(help="… to before here.")] = None,
    json: Json = False,
) -> None:
    """Show what a shadow decides differently: share, by placement, by what differs, examples.

    Decisions are compared by what caused them. Times are epoch milliseconds or ISO 8601.
    """
    from scripts.audit import compare as module
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time

    config = config_from()
    times = [parse_time(text) if text else None for text in (from_, to)]
    found = module.compare(running_kafka(config), config.topic_prefix, prefix, *times)
    show_json(module.comparison_json(found)) if json else module.show_comparison(found)


def package(
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The archive, .tar.gz.")] = None,
    json: Json = False,
) -> None:
    """Write one archive for a Flink cluster: job code, lock, jars, settings and how to use them."""
    from scripts.ops import package as module

    found = module.describe(module.package(config_from(), out))
    if json:
        show_json(found)
        return
    show(
        f"{found['file']}: {found['bytes'] / 1e6:.0f} MB, {found['modules']} modules, "
        f"{', '.join(found['jars'])}; its README says how to use it"
    )


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
    return 0 if report["is_sound"] else 1


def _become_job(
    job: str, config: Config, from_savepoint: str | None, fresh: bool, json: bool, words: list[str]
) -> NoReturn:
    from jobs.stack.environment import job_environment

    argv = _job_command(job, config, from_savepoint, fresh, json, words)
    os.chdir(PROJECT)
    os.execve(sys.executable, argv, job_environment(config))  # noqa: S606 - the command becomes the job


def _job_command(
    job: str, config: Config, from_savepoint: str | None, fresh: bool, json: bool, words: list[str]
) -> list[str]:
    from jobs.flink.settings import folder_uri
    from jobs.learning.trust import trust_of
    from scripts.ops.cluster import job_command
    from scripts.ops.signed_records import refused_in_force
    from scripts.ops.status import running_kafka

    kafka = running_kafka(config)
    if job == "decide":
        for line in refused_in_force(kafka, config.topic_prefix, trust_of(config)):
            say(line)
    where = ["--from-savepoint", folder_uri(from_savepoint)] if from_savepoint else []
    options = [*(["--fresh"] if fresh else []), *(["--json"] if json else [])]
    return job_command(job, config, kafka, *where, *options, *words)
