"""Which code this is: a task manager keeps what it has imported, whatever a new job brings along."""

import hashlib
import importlib
from pathlib import Path
from typing import Final

from jobs.config import PROJECT

PACKAGES: Final = ("schemas", "log", "models", "udfs", "jobs")
"""What a job brings to a cluster."""
DIGEST_CHARS: Final = 16
OPERATORS: Final = ("jobs.operators", "jobs.person_operators", "jobs.learn_operators")
"""The modules whose classes a job's graph names."""


class OtherCode(Exception):
    """The process has imported another version of the code than the job was submitted with."""


def code_digest(root: Path = PROJECT) -> str:
    """A digest of the names and bytes of all modules below `root` that a job brings."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGEST_CHARS]


IMPORTED: Final = code_digest()
"""Of the code that this process runs: taken at its import, since what a job brought goes with the job."""


def import_operators() -> None:
    """Imports the modules of all operators: the last line of each of them.

    The folder that a job brings goes when its tasks end, and the packages that were imported from it look there for ever. A task manager that had run one
    operator alone could never import another one, and each restart that put it there failed.
    """
    for name in OPERATORS:
        importlib.import_module(name)


def check_code(wanted: str | None) -> None:
    """Raises OtherCode unless this process runs the wanted code (None: any)."""
    if wanted is not None and wanted != IMPORTED:
        raise OtherCode(
            f"this task manager still runs the code of an earlier job ({IMPORTED}, not {wanted}): "
            "code changes with new task managers, `kairos upgrade` brings them"
        )
