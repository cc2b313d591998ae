"""How Flink is set up for our jobs, and from which checkpoint a run goes on."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from jobs.code import PACKAGES
from jobs.config import PROJECT, StateBackend
from jobs.flink.keys import Keys
from jobs.stack.ports import LOOPBACK
from schemas.errors import ConfigError

CHECKPOINTS_KEPT: Final = 3
MAX_PARALLELISM: Final = 128
"""The number of key groups: state can be spread over so many instances, for ever."""
RESTARTS: Final = ("3", "10 min", "200 ms")
"""At most so many, within this time, this long after each failure: a rate, not a number for all time, since a job
that runs for a year may fail four times."""
RESTARTS_ON_CLUSTER: Final = ("100", "30 min", "1 s")
"""Machines go there, and each takes a few attempts with it until Flink counts it out."""
FAILED_CHECKPOINTS_MAX: Final = 100_000
"""A full disk stops no decision: the log is there, `kairos cluster status` says that checkpoints fail."""
NETWORK_MEMORY: Final = "64m"
SHORT_QUEUES: Final = {"taskmanager.network.memory.buffer-debloat.enabled": "true"}
"""Of task managers: what waits between two operators is a second's work, not seconds. A checkpoint waits behind it, so
on a machine that is full the newest one would be old, and a restart do much again."""
CLOSED: Final = {
    "web.submit.enable": "false",
    "web.access-control-allow-origin": "https://nobody.invalid",
}
"""What a page in a browser that has been given the keys must not be able to do: run a jar, or ask from elsewhere."""
PROBE_BYTES: Final = 2**20


class RunSettings(NamedTuple):
    """`is_prompt`: see JobSettings. `checkpoints` is the URI of this job's own folder, `restore_from` a checkpoint or savepoint.

    `jars` are those that a cluster does not have yet; `state_backend` None: Flink's or the cluster's own.
    `python`: the interpreter of a cluster's machines; None: the `python` on their path.
    `keys`: those of the Flink, None for another's that wants none.
    `leaves_state`: what in it belongs to operators that this job has not, is left out.
    """

    parallelism: int
    is_prompt: bool
    checkpoint_ms: int
    checkpoints: str
    restore_from: str | None
    work: Path
    jars: Sequence[Path]
    rest_host: str
    rest_port: int
    is_remote: bool
    leaves_state: bool = False
    state_backend: StateBackend | None = None
    python: str | None = None
    keys: Keys | None = None


def flink_settings(run: RunSettings) -> dict[str, str]:
    """Flink's own names and values."""
    place = _remote(run) if run.is_remote else _embedded(run)
    restore = restore_settings(run.restore_from, run.leaves_state) if run.restore_from else {}
    return job_own_settings(run) | place | restore


def job_own_settings(run: RunSettings) -> dict[str, str]:
    """What a job brings wherever it runs."""
    backend = {"state.backend.type": run.state_backend} if run.state_backend else {}
    restarts, within, delay = RESTARTS_ON_CLUSTER if run.is_remote else RESTARTS
    return backend | {
        "python.execution-mode": "thread",
        "parallelism.default": str(run.parallelism),
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        "pipeline.auto-generate-uids": "false",
        "pipeline.auto-watermark-interval": "50 ms" if run.is_prompt else "100 ms",
        "pipeline.object-reuse": "true",
        "execution.buffer-timeout.interval": "0 ms" if run.is_prompt else "50 ms",
        "execution.checkpointing.interval": f"{run.checkpoint_ms} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": run.checkpoints,
        "execution.checkpointing.num-retained": str(CHECKPOINTS_KEPT),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.tolerable-failed-checkpoints": str(FAILED_CHECKPOINTS_MAX),
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": restarts,
        "restart-strategy.failure-rate.failure-rate-interval": within,
        "restart-strategy.failure-rate.delay": delay,
    }


def _embedded(run: RunSettings) -> dict[str, str]:
    return {
        "execution.target": "local",
        "execution.attached": "true",  # the local executor refuses any other
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "rest.address": run.rest_host,
        "rest.bind-address": run.rest_host,
        "rest.port": str(run.rest_port),
        "rest.bind-port": str(run.rest_port),
        "taskmanager.numberOfTaskSlots": str(run.parallelism),
        "metrics.fetcher.update-interval": "500 ms",
        **SHORT_QUEUES,
        "taskmanager.memory.network.min": NETWORK_MEMORY,
        "taskmanager.memory.network.max": NETWORK_MEMORY,
        "io.tmp.dirs": str(run.work),
        # each of these listens on all interfaces if it is not told
        "jobmanager.bind-host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "taskmanager.host": LOOPBACK,
        **CLOSED,
        "web.cancel.enable": "false",
        **(run.keys.settings() if run.keys else {}),
    }


def _remote(run: RunSettings) -> dict[str, str]:
    jars = ";".join(jar.absolute().as_uri() for jar in run.jars)
    # told with the job: Flink does not look for it in the settings of the cluster
    python = {"python.executable": run.python} if run.python else {}
    return (
        {
            "execution.target": "remote",
            "rest.address": run.rest_host,
            "rest.port": str(run.rest_port),
        }
        | (run.keys.rest_settings() if run.keys else {})
        | ({"pipeline.jars": jars} if jars else {})
        | python
    )


def copy_code(folder: Path) -> Path:
    """Our packages in a folder of their own, for the task managers of a cluster."""
    for package in PACKAGES:
        without_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, folder / package, ignore=without_caches)
    return folder


def restore_settings(path: str, leaves_state: bool = False) -> dict[str, str]:
    """From which checkpoint or savepoint a job goes on; that stays whose it is."""
    return {
        "execution.state-recovery.ignore-unclaimed-state": str(leaves_state).lower(),
        "execution.state-recovery.path": path,
        "execution.state-recovery.claim-mode": "NO_CLAIM",
    }


def folder_uri(place: str | Path) -> str:
    """The URI of a folder that is named by a path or a URI, as Flink writes and reads it: nothing is escaped."""
    is_uri = isinstance(place, str) and ("://" in place or place.startswith("file:/"))
    return str(place).rstrip("/") if is_uri else f"file://{Path(place).absolute()}"


def local_path(uri: str) -> Path | None:
    """The path of a URI on this machine; None for any other. `folder_uri` makes the same URI of it again."""
    scheme, _, rest = uri.partition(":")
    if scheme != "file":
        return None
    return Path("/" + rest[2:].partition("/")[2] if rest.startswith("//") else rest)


def check_writable(uri: str) -> None:
    """Raises ConfigError where checkpoints cannot be written to this folder; others' disks are not ours to try."""
    folder = local_path(uri)
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(bytes(PROBE_BYTES))
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"checkpoints cannot be written to {folder}: {error.strerror}; "
            "free some space, make it writable, or set KAIROS_CHECKPOINTS to another folder or URI"
        ) from error


def newest_state(checkpoints: Path, savepoints: Path | None) -> Path | None:
    """The newest of a job's checkpoints and savepoints; of these, unlike those, none is ever deleted.

    A job that was stopped with a savepoint has no checkpoints any more.
    """
    made = savepoints.glob("*/_metadata") if savepoints is not None else ()
    return newest_of(newest_checkpoint(checkpoints), *(one.parent for one in made))


def newest_of(*states: Path | None) -> Path | None:
    """The one of these checkpoints and savepoints that was written last; None where there is none."""
    found = [one for one in states if one is not None]
    return max(found, key=lambda one: (one / "_metadata").stat().st_mtime_ns, default=None)


def newest_checkpoint(checkpoints: Path) -> Path | None:
    """The newest complete checkpoint of any run; older ones, and incomplete ones, are deleted.

    Each run writes below a folder of its own (its Flink job id), so nothing else tidies them up.
    """
    complete = sorted(
        checkpoints.glob("*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns
    )
    kept = [path.parent for path in complete[-CHECKPOINTS_KEPT:]]
    for one in checkpoints.glob("*/chk-*"):
        if one not in kept:
            shutil.rmtree(one)
    for run in checkpoints.iterdir() if checkpoints.is_dir() else ():
        if run not in {one.parent for one in kept}:
            shutil.rmtree(run)
    return kept[-1] if kept else None
