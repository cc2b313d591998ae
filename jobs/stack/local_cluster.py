"""Where the Flink cluster of a home lies, and where it answers: asked from any process."""

from pathlib import Path
from typing import Final

from jobs.stack.ports import LOOPBACK
from jobs.stack.state import is_alive, read_state

FOLDER: Final = "cluster"
LOCAL_NAMES: Final = ("localhost", LOOPBACK, "[::1]")
JOB_MANAGER: Final = "jobmanager"


def cluster_folder(home: Path) -> Path:
    """Where the cluster of this home keeps its settings, logs and temporary files."""
    return home.absolute() / FOLDER


def local_address(home: Path) -> str | None:
    """The REST address of the cluster that runs in this home, if one does."""
    found = read_state(cluster_folder(home))
    if found is None or not is_alive(found.owner):
        return None
    return found.embedded_address(JOB_MANAGER)


def is_local(home: Path, address: str) -> bool:
    """Whether this REST address is that of the cluster that runs in this home."""
    ours = local_address(home)
    host, _, port = address.rpartition(":")
    return ours is not None and host in LOCAL_NAMES and port == ours.rpartition(":")[2]
