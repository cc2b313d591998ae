"""The child process that reads an artefact and tries it: started with limits, waited for, and its end put into words."""

import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Final
from zipfile import ZipFile

import msgspec
import xgboost

from jobs.config import PROJECT
from jobs.learning.artefact_child import REFUSED, UNREAD, Wanted
from schemas.errors import ConfigError
from schemas.thread_safe_types import prepared

END_S: Final = 2.0
REASON_CHARS_MAX: Final = 500
STDERR_BYTES_MAX: Final = 8_192
BOOT: Final = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from jobs.learning.artefact_child import main; main(sys.argv[1])"
)
CHILD_MODULES: Final = (
    "jobs/__init__.py",
    "jobs/learning/__init__.py",
    "jobs/learning/artefact_child.py",
    "jobs/learning/model_roots.py",
)


def _code() -> bytes:
    """What the child imports, as a zip file: the folder that this was imported from may go (jobs/code.py)."""
    found = BytesIO()
    # a packed archive bears no times: its files are of 1970, before which and 1980 a zip has none
    with ZipFile(found, "w", strict_timestamps=False) as archive:
        for pattern in ("schemas/**/*.py", "models/**/*.py", *CHILD_MODULES):
            for path in sorted(PROJECT.glob(pattern)):
                archive.write(path, path.relative_to(PROJECT))
    return found.getvalue()


CODE: Final = _code()

prepared(Wanted)


class BadArtefact(ConfigError):
    """The bytes themselves are at fault: they will be no better next time."""


def run_child(wanted: Wanted) -> bytes:
    """The bytes that a child has read and, where a kind is wanted, tried; raises ConfigError."""
    with TemporaryFile() as out, TemporaryFile() as said, NamedTemporaryFile(suffix=".zip") as code:
        code.write(CODE)
        code.flush()
        ended = _ended(wanted, code.name, out, said)
        if ended == 0:
            out.seek(0)
            return out.read()
        is_at_fault = ended == REFUSED or (ended is not None and ended < 0)
        kind = BadArtefact if is_at_fault and wanted.kind is not None else ConfigError
        raise kind(_reason(wanted, ended, _last_line(said)))


def _ended(wanted: Wanted, code: str, out: IO[bytes], said: IO[bytes]) -> int | None:
    """How the child ended; None where it did not in time."""
    command = (
        interpreter(),
        "-I",
        "-B",
        "-c",
        BOOT,
        msgspec.json.encode(wanted).decode(),
        code,
        *_paths(),
    )
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=said, env=_environment(),
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"model {wanted.uri}: cannot be tried: {error}") from error
    try:
        return process.wait(wanted.seconds_max)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # a dead disk holds on to it
            process.wait(END_S)
        return None


def _reason(wanted: Wanted, code: int | None, line: str) -> str:
    what = f"model {wanted.uri}"
    if code is None or code in (-signal.SIGALRM, -signal.SIGXCPU):
        return f"{what}: not read and tried within {wanted.seconds_max} s"
    if code in (REFUSED, UNREAD):
        return line or f"{what}: refused"
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"{what}: the process that tried it ended with {how}{': ' if line else ''}{line}"


def _last_line(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - STDERR_BYTES_MAX))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:REASON_CHARS_MAX] if lines else ""


def interpreter() -> str:
    """A Python of this version with our packages.

    Inside the JVM `sys.executable` may be empty or another one: then the one beside the packages.
    """
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    beside = Path(xgboost.__file__).parents[4] / "bin"  # …/lib/python3.11/site-packages/xgboost
    here = Path(sys.executable)
    candidates = [
        *([here] if sys.executable and here.name.startswith("python") else []),
        beside / name,
        PROJECT / ".venv" / "bin" / "python",
        Path(sys.base_exec_prefix) / "bin" / name,
        Path(sysconfig.get_config_var("BINDIR") or "/usr/bin") / name,
    ]
    found = next((one for one in candidates if os.access(one, os.X_OK)), None)
    return str(found) if found is not None else name


def _paths() -> list[str]:
    """Where this process finds its packages: it may know no virtual environment."""
    return [str(Path(one).absolute()) for one in sys.path if one]


def _environment() -> dict[str, str]:
    """What a remote root may need to sign in; not our own settings. One thread is enough."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("KAIROS_")}
    return ours | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
