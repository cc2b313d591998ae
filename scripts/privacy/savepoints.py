"""Savepoints of this home that are older than an erasure: they hold what state was then."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.flink.settings import local_path
from jobs.flink.submit import savepoint_folder

METADATA: Final = "_metadata"


class Savepoint(NamedTuple):
    """A savepoint on this machine."""

    path: Path
    made_ms: int

    @property
    def name(self) -> str:
        """As `kairos upgrade` and `--from-savepoint` call it."""
        return f"{self.path.parent.name}/{self.path.name}"


def older_savepoints(config: Config, before_ms: int) -> list[Savepoint]:
    """Those made before; of a remote folder none can be listed, and it is for its owner to look."""
    root = local_path(savepoint_folder(config, "x"))
    if root is None or not root.parent.is_dir():
        return []
    found = [
        Savepoint(one.parent, int(one.stat().st_mtime * 1000))
        for one in root.parent.glob(f"*/*/{METADATA}")
    ]
    return sorted((one for one in found if one.made_ms < before_ms), key=lambda one: one.made_ms)


def delete(savepoints: Iterable[Savepoint]) -> None:
    """Removes them."""
    for one in savepoints:
        shutil.rmtree(one.path)
