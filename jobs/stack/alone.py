"""One process at a time at what a folder is to be filled with."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path, leftovers: str) -> Iterator[None]:
    """Waits for its turn; removes the temporary folders (a pattern) of a predecessor that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in folder.glob(leftovers):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
