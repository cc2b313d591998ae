"""Artefacts that records of `control` name: read and tried in a child process, before a process of ours takes them.

A child costs a second of processor time, so each artefact is tried once: the verdict is remembered by its checksum,
in this process and in small files of the home; what was made here is good from the beginning.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import msgspec
import xgboost

from jobs.config import Config
from jobs.learning.artefact_child import Kind, Wanted
from jobs.learning.artefact_trial import BadArtefact, run_child
from jobs.learning.model_roots import Place, Roots, locate
from jobs.learning.trust import trust_of
from models.artefact import scorer_from
from models.content import Published, read_content
from models.ranker import XgboostRanker
from models.response import RESPONSES_BYTES_MAX, ResponseModel, responses_from
from models.scorer import FeatureSpace
from schemas.errors import ConfigError
from schemas.limits import ARTEFACT_BYTES_MAX, ARTEFACT_S_MAX

MARK: Final = f"3.{xgboost.__version__}"
"""What a mark stands for: this way of trying it out, with this library."""
BYTES_MAX: Final[dict[Kind, int]] = {
    "ranker": ARTEFACT_BYTES_MAX,
    "responses": RESPONSES_BYTES_MAX,
}

NO_SPACE: Final = FeatureSpace((), ())

Model = TypeVar("Model", XgboostRanker, ResponseModel)


class Key(NamedTuple):
    """What a verdict is about: `space` stands for the features that the model may have."""

    kind: Kind
    sha256: str
    space: str

    @property
    def file_name(self) -> str:
        """The name of the file that remembers it; whoever writes it has tried it in this way."""
        digest = sha256(":".join(self).encode()).hexdigest()
        return f"{digest[:32]}.{MARK}"


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
        key = Key(kind, published.sha256, space.serves)
        verdict = self.verdict(key)
        is_at_hand = place.path is not None and verdict is not None
        return is_at_hand or bool(verdict) or key in _LOADED.models

    def read(self, uri: str) -> bytes:
        """What lies there, untried; raises ConfigError unless that is within the roots."""
        locate("model", uri, self.roots)
        return run_child(self._wanted(None, Published(uri, ""), NO_SPACE))

    def vouch(self, kind: Kind, published: Published, space: FeatureSpace) -> None:
        """Takes note that an artefact is good: it was made by this process."""
        self._remember(Key(kind, published.sha256, space.serves), "")

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
        key = Key(kind, published.sha256, space.serves)
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
        return run_child(self._wanted(wanted_kind, published, space))

    def _wanted(self, kind: Kind | None, published: Published, space: FeatureSpace) -> Wanted:
        return Wanted(
            uri=published.uri,
            sha256=published.sha256,
            bytes_max=ARTEFACT_BYTES_MAX if kind is None else BYTES_MAX[kind],
            seconds_max=ARTEFACT_S_MAX,
            folders=self.roots.folders,
            prefixes=self.roots.prefixes,
            kind=kind,
            space=msgspec.to_builtins(space),
        )


def artefacts_of(config: Config) -> Artefacts:
    """The artefacts of this deployment."""
    trust = trust_of(config)
    return Artefacts(trust.roots, trust.marks)
