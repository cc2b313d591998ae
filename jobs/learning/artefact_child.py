"""The child process that reads an artefact, loads it and scores with it once: `main` of jobs/learning/artefact_trial.py.

A file that would end the process ends this one. What it read goes to stdout, a refusal to stderr. It imports
as little as it can: it is waited for.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct

REFUSED: Final = 3
"""The exit code where the model is at fault; the reason is the last line of stderr."""
UNREAD: Final = 4
"""The same where it could not be read, or has another checksum."""
MEMORY_BYTES_MAX: Final = 4 * 1024**3
SAID_BYTES_MAX: Final = 1_000_000
NICENESS: Final = 5
"""Deciding comes first."""
PR_SET_PDEATHSIG: Final = 1
ROWS: Final = 25

Kind = Literal["ranker", "responses"]


class Wanted(Struct, frozen=True):
    """`kind` None: the bytes only. `space`: the features that the model may have (FeatureSpace, which is not imported to be waited for)."""

    uri: str
    sha256: str
    bytes_max: int
    seconds_max: int
    folders: tuple[str, ...]
    prefixes: tuple[str, ...]
    kind: Kind | None
    space: dict[str, Any]


def main(text: str) -> None:
    """Does what is wanted (JSON) and ends the process."""
    fields = json.loads(text)
    _limit(fields["seconds_max"], fields["bytes_max"])
    import msgspec

    from schemas.errors import ConfigError

    wanted = msgspec.convert(fields, Wanted)
    code = UNREAD
    try:
        data = read(wanted)
        code = REFUSED
        if wanted.kind is not None:
            try_out(wanted, data)
    except (ConfigError, OSError, ValueError, ImportError, MemoryError) as error:
        sys.stderr.write(f"\n{error or type(error).__name__}\n")
        sys.stderr.flush()
        os._exit(code)
    with os.fdopen(1, "wb") as out:
        out.write(data)
    os._exit(0)  # not through the destructors of a library that a file may have upset


def read(wanted: Wanted) -> bytes:
    """The bytes of the artefact; raises ConfigError."""
    from jobs.learning.model_roots import Roots, locate
    from models.content import Published, check_content

    roots = Roots(wanted.folders, wanted.prefixes)
    place = locate("model", wanted.uri, roots)
    if place.path is not None:
        data = read_path(wanted, place.path, roots)
    else:
        data = read_remote(place.uri, wanted.bytes_max)
    if wanted.sha256:  # else whoever asks wants to know it
        check_content("model", Published(wanted.uri, wanted.sha256), data)
    return data


def read_path(wanted: Wanted, path: str, roots: Any) -> bytes:
    """A regular file, which is still within the roots once it is open; raises ConfigError or OSError."""
    from jobs.learning.model_roots import is_within
    from models.content import read_regular
    from schemas.errors import ConfigError

    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        number = os.open(path, flags)
        if not is_within(str(Path(f"/proc/self/fd/{number}").readlink()), roots):
            raise OSError("it was moved while it was opened")
        return read_regular(number, wanted.bytes_max)
    except OSError as error:
        raise ConfigError(f"model {wanted.uri}: cannot be read: {error}") from error


def read_remote(uri: str, bytes_max: int) -> bytes:
    """What lies at a URI; its size is asked for before its bytes. Raises ConfigError."""
    import fsspec

    from schemas.errors import ConfigError

    try:
        files, path = fsspec.core.url_to_fs(uri)
        found = files.info(path)
        if found.get("type") != "file" or found.get("islink"):
            raise ConfigError(f"model {uri}: no regular file")
        if (found.get("size") or 0) > bytes_max:
            raise ConfigError(f"model {uri}: of more than {bytes_max} bytes")
        with files.open(path, "rb") as file:
            data: bytes = file.read(bytes_max + 1)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"model {uri}: cannot be read: {error}") from error
    if len(data) > bytes_max:
        raise ConfigError(f"model {uri}: of more than {bytes_max} bytes")
    return data


def try_out(wanted: Wanted, data: bytes) -> None:
    """Loads the model and scores rows of all sorts; raises ConfigError where an answer is no number."""
    import msgspec
    import numpy as np

    from models.content import Published
    from models.scorer import FeatureSpace
    from schemas.errors import ConfigError

    published = Published(wanted.uri, wanted.sha256)
    space = msgspec.convert(wanted.space, FeatureSpace)
    if wanted.kind == "responses":
        from models.response import responses_from

        model = responses_from(published, data, space)
        rows = odd_rows(space.count)
        ids = list(model.responses.actions)
        found = [tuple(model.propensities(ids, rows[[at]]).values()) for at in range(len(rows))]
        answers = np.array(found)
    else:
        from models.artefact import scorer_from

        scorer = scorer_from(published, data, space)
        rows = odd_rows(len(scorer.names))
        answers = scorer.score(rows)
        chances = scorer.propensity(answers)
        if chances is not None:
            answers = np.concatenate([answers, chances])
        scorer.contributions(rows[:2])
    if not np.isfinite(answers).all():
        raise ConfigError(f"model {wanted.uri}: it scores what is no number")


def odd_rows(count: int) -> Any:
    """(ROWS, count): zeros, all missing, the largest and smallest numbers, and a mixture."""
    import numpy as np

    chance = np.random.default_rng(1)
    rows = chance.normal(0, 100, (ROWS, count)).astype(np.float32)
    rows[chance.random(rows.shape) < 0.3] = np.nan
    largest = np.finfo(np.float32).max
    for at, value in enumerate((0.0, np.nan, largest, -largest)):
        rows[at] = value
    return rows


def _limit(seconds_max: int, bytes_max: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds_max, seconds_max))
    written = max(bytes_max, SAID_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.alarm(seconds_max)  # whoever waits for it may be gone
    os.nice(NICENESS)
