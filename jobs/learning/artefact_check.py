"""Artefacts that records of `control` name: read and tried in a child process, before a process of ours takes them.

A child costs a second of processor time, so each artefact is tried once: the verdict is remembered by its checksum,
in this process and in small files of the home; what was made here is good from the beginning.
"""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from threading import Lock
from typing import IO, Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary
from zipfile import ZipFile

import msgspec
import xgboost

from jobs.config import PROJECT, Config
from jobs.learning.artefact_child import REFUSED, UNREAD, Kind, Wanted
from jobs.learning.model_roots import Place, Roots, locate
from jobs.learning.trust import trust_of
from models.artefact import scorer_from
from models.content import Published, read_content
from models.ranker import XgboostRanker
from models.response import RESPONSES_BYTES_MAX, ResponseModel, responses_from
from models.scorer import FeatureSpace
from schemas.errors import ConfigError
from schemas.limits import ARTEFACT_BYTES_MAX, ARTEFACT_S_MAX
from schemas.thread_safe_types import prepared

MARK: Final = f"1.{xgboost.__version__}"
"""What a mark stands for: this way of trying it out, with this library."""
END_S: Final = 2.0
REASON_CHARS_MAX: Final = 500
STDERR_BYTES_MAX: Final = 8_192
BOOT: Final = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from jobs.learning.artefact_child import main; main(sys.argv[1])"
)
BYTES_MAX: Final[dict[Kind, int]] = {
    "ranker": ARTEFACT_BYTES_MAX,
    "responses": RESPONSES_BYTES_MAX,
}

CHILD_MODULES: Final = (
    "jobs/__init__.py",
    "jobs/learning/__init__.py",
    "jobs/learning/artefact_child.py",
    "jobs/learning/model_roots.py",
)


def _code() -> bytes:
    """What the child imports, as a zip file: the folder that this was imported from may go (jobs/code.py)."""
    found = BytesIO()
    with ZipFile(found, "w") as archive:
        for pattern in ("schemas/**/*.py", "models/**/*.py", *CHILD_MODULES):
            for path in sorted(PROJECT.glob(pattern)):
                archive.write(path, path.relative_to(PROJECT))
    return found.getvalue()


CODE: Final = _code()

Model = TypeVar("Model", XgboostRanker, ResponseModel)

prepared(Wanted)


class Key(NamedTuple):
    """What a verdict is about: `space` is the digest of the features that the model must have."""

    kind: Kind
    sha256: str
    space: str

    @property
    def file_name(self) -> str:
        """The name of the file that remembers it; whoever writes it has tried it in this way."""
        digest = sha256(":".join(self).encode()).hexdigest()
        return f"{digest[:32]}.{MARK}"


class BadArtefact(ConfigError):
    """The bytes themselves are at fault: they will be no better next time."""


class _Loaded:
    """What this process has: models while somebody uses them, and verdicts: why not, or nothing if good."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.locks: dict[Key, Lock] = {}
        self.models: WeakValueDictionary[Key, object] = WeakValueDictionary()
        self.verdicts: dict[Key, str] = {}

    def one(self, key: Key) -> Lock:
        """The lock of one artefact: two operators of a process do not try it side by side."""
        with self.lock:
            return self.locks.setdefault(key, Lock())


_LOADED: Final = _Loaded()


class Artefacts(NamedTuple):
    """The artefacts within `roots`. `marks`: the folder that remembers verdicts; None = none does."""

    roots: Roots
    marks: str | None = None

    def ranker(self, published: Published, space: FeatureSpace) -> XgboostRanker:
        """The ranker that a record names; raises ConfigError with the reason."""
        return self._load("ranker", published, space, scorer_from)

    def responses(self, published: Published, space: FeatureSpace) -> ResponseModel:
        """The model of responses that a record names; raises ConfigError with the reason."""
        return self._load("responses", published, space, responses_from)

    def is_quick(self, kind: Kind, published: Published, space: FeatureSpace) -> bool:
        """Whether no child has to be waited for; raises ConfigError where the place is none of the roots."""
        place = locate("model", published.uri, self.roots)
        key = Key(kind, published.sha256, space.digest)
        verdict = self.verdict(key)
        is_at_hand = place.path is not None and verdict is not None
        return is_at_hand or bool(verdict) or key in _LOADED.models

    def read(self, uri: str) -> bytes:
        """What lies there, untried; raises ConfigError unless that is within the roots."""
        locate("model", uri, self.roots)
        return run_child(self._wanted(None, Published(uri, ""), "", ()))

    def vouch(self, kind: Kind, published: Published, space: FeatureSpace) -> None:
        """Takes note that an artefact is good: it was made by this process."""
        self._remember(Key(kind, published.sha256, space.digest), "")

    def verdict(self, key: Key) -> str | None:
        """Why an artefact is not taken, nothing if it is good; None = it was never tried."""
        if key not in _LOADED.verdicts and self.marks is not None:
            with suppress(ConfigError, ValueError):
                data = read_content("verdict", str(Path(self.marks) / key.file_name), 10_000)
                _LOADED.verdicts[key] = data.decode()
        return _LOADED.verdicts.get(key)

    def _remember(self, key: Key, reason: str) -> None:
        _LOADED.verdicts[key] = reason
        if self.marks is None or not Path(self.marks).parent.is_dir():
            return
        with suppress(OSError):  # it is then tried again
            Path(self.marks).mkdir(mode=0o700, exist_ok=True)
            path = Path(self.marks) / key.file_name
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(reason.encode(errors="replace"))
            part.replace(path)

    def _load(
        self,
        kind: Kind,
        published: Published,
        space: FeatureSpace,
        build: Callable[[Published, bytes, FeatureSpace], Model],
    ) -> Model:
        place = locate("model", published.uri, self.roots)  # also of one that is here already
        key = Key(kind, published.sha256, space.digest)
        with _LOADED.one(key):
            found = _LOADED.models.get(key)
            if found is not None:
                return found  # type: ignore[return-value]  # what its kind says
            verdict = self.verdict(key)
            if verdict:
                raise BadArtefact(verdict)
            try:
                data = self._read(kind, published, space, place, is_good=verdict is not None)
                model = build(published, data, space)
            except BadArtefact as error:
                self._remember(key, str(error))
                raise
            self._remember(key, "")
            _LOADED.models[key] = model
            return model

    def _read(
        self, kind: Kind, published: Published, space: FeatureSpace, place: Place, *, is_good: bool
    ) -> bytes:
        if is_good and place.path is not None:
            return read_content("model", place.path, BYTES_MAX[kind])
        wanted_kind = None if is_good else kind
        return run_child(self._wanted(wanted_kind, published, space.digest, space.names))

    def _wanted(
        self, kind: Kind | None, published: Published, digest: str, names: tuple[str, ...]
    ) -> Wanted:
        return Wanted(
            uri=published.uri,
            sha256=published.sha256,
            bytes_max=ARTEFACT_BYTES_MAX if kind is None else BYTES_MAX[kind],
            seconds_max=ARTEFACT_S_MAX,
            folders=self.roots.folders,
            prefixes=self.roots.prefixes,
            kind=kind,
            feature_names=names,
            feature_set=digest,
        )


def artefacts_of(config: Config) -> Artefacts:
    """The artefacts of this deployment."""
    trust = trust_of(config)
    return Artefacts(trust.roots, trust.marks)


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
