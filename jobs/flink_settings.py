"""How Flink is set up for our jobs, and from which checkpoint a run goes on."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import PROJECT

CHECKPOINTS_KEPT: Final = 3
MAX_PARALLELISM: Final = 128
"""The number of key groups: state can be spread over so many instances, for ever."""
RESTARTS_MAX: Final = 3
RESTARTS_WITHIN: Final = "10 min"
PACKAGES: Final = ("schemas", "models", "udfs", "jobs")
NETWORK_MEMORY: Final = "64m"


class RunSettings(NamedTuple):
    """`checkpoints` is this job's own folder, `restore_from` a checkpoint or savepoint."""

    parallelism: int
    checkpoint_ms: int
    checkpoints: Path
    restore_from: str | None
    work: Path
    jars: Sequence[Path]
    rest_host: str
    rest_port: int
    is_remote: bool


def flink_settings(run: RunSettings) -> dict[str, str]:
    """Flink's own names and values."""
    place = _remote(run) if run.is_remote else _embedded(run)
    restore = _restore(run.restore_from) if run.restore_from else {}
    return _common(run) | place | restore


def _common(run: RunSettings) -> dict[str, str]:
    return {
        "python.execution-mode": "thread",
        "parallelism.default": str(run.parallelism),
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        "pipeline.auto-generate-uids": "false",
        "pipeline.auto-watermark-interval": "50 ms",
        "pipeline.object-reuse": "true",
        "execution.buffer-timeout.interval": "0 ms",
        "execution.checkpointing.interval": f"{run.checkpoint_ms} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": run.checkpoints.absolute().as_uri(),
        "execution.checkpointing.num-retained": str(CHECKPOINTS_KEPT),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "state.backend.type": "hashmap",
        # A rate, not a number for all time: a job that runs for a year may fail four times.
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": str(RESTARTS_MAX),
        "restart-strategy.failure-rate.failure-rate-interval": RESTARTS_WITHIN,
        "restart-strategy.failure-rate.delay": "200 ms",
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
        "taskmanager.memory.network.min": NETWORK_MEMORY,
        "taskmanager.memory.network.max": NETWORK_MEMORY,
        "io.tmp.dirs": str(run.work),
    }


def _remote(run: RunSettings) -> dict[str, str]:
    return {
        "execution.target": "remote",
        "rest.address": run.rest_host,
        "rest.port": str(run.rest_port),
        "pipeline.jars": ";".join(jar.absolute().as_uri() for jar in run.jars),
    }


def copy_code(folder: Path) -> Path:
    """Our packages in a folder of their own, for the task managers of a cluster."""
    for package in PACKAGES:
        without_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, folder / package, ignore=without_caches)
    return folder


def _restore(path: str) -> dict[str, str]:
    return {
        "execution.state-recovery.path": path,
        "execution.state-recovery.claim-mode": "NO_CLAIM",
    }


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
