"""A home is its owner's alone: what others could read in it is closed to them, and what comes is made so."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o077
"""The umask of all children: neither group nor others."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
SHARED: Final = frozenset({"jars", "tools"})
"""Caches of public files, which other homes may use."""


def make_private(home: Path) -> None:
    """Makes the home where there is none, and closes it and all that is in it to others.

    What belongs to another user (a mounted volume) stays as it is: that is for its owner to say.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_to_others(home)
    for path in _inside(home):
        with suppress(FileNotFoundError):  # a log that has just been replaced
            close_to_others(path)


@contextmanager
def written_privately() -> Iterator[None]:
    """What this process writes meanwhile is its user's alone."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(path: Path) -> None:
    """Takes away what others may do with a file or folder of ours."""
    found = path.stat()
    if found.st_mode & OTHERS and found.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step; at no moment could another user read it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def is_private(home: Path) -> bool:
    """Whether no other user can look into it."""
    return not home.stat().st_mode & OTHERS


def _inside(home: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(home):
        here = Path(folder)
        if here == home:
            folders[:] = [one for one in folders if one not in SHARED]
        for name in (*folders, *files):
            if not (here / name).is_symlink():
                yield here / name
