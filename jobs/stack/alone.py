"""One process at a time at what a folder is to be filled with."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process is at it."""


@contextmanager
def alone(
    folder: Path, leftovers: str, lock_name: str = ".lock", *, is_patient: bool = True
) -> Iterator[None]:
    """Waits for its turn, or raises Busy; removes the temporary folders (a pattern) of a predecessor that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / lock_name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy from None
        for leftover in folder.glob(leftovers):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
