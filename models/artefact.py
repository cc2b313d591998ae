"""The model artefact: one content-addressed file with the booster and what it was trained on."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from models.content import Published, check_content, read_content, save_content
from models.learning.calibration import Calibration
from models.learning.report import FEATURES_MAX, Figures, Name, Names, Report
from models.ranker import XgboostRanker
from models.scorer import FeatureSpace
from models.serving import Serving, serving
from models.vectors import ItemVectors, VectorTable
from schemas.errors import ConfigError
from schemas.limits import ARTEFACT_BYTES_MAX
from schemas.thread_safe_types import prepared

SUFFIX: Final = ".kairos-model"

Count = Annotated[int, Meta(ge=0)]


class Artefact(Struct, frozen=True, kw_only=True):
    """`from_ms` to `to_ms` is the event time of the training data, `examples` its decisions.

    `feature_names` are the columns of its booster, `feature_set` the digest of their definitions. Without `calibration` the model ranks but names no chance of a response.
    `feature_versions` are those of the columns; a model of before says none. `placement`: whose decisions it learnt from; empty = all. `vectors`: of the items, as its columns were trained with. `assumed_consent`: what was granted to people of the data who had said nothing.
    """

    format: Literal[2] = 2
    feature_set: Name
    feature_names: Names
    code_version: Name
    from_ms: int
    to_ms: int
    examples: Count
    metrics: Figures
    calibration: Calibration | None
    report: Report
    booster: bytes
    assumed_consent: Names = ()
    feature_versions: Annotated[tuple[Count, ...], Meta(max_length=FEATURES_MAX)] = ()
    placement: Name = ""
    vectors: VectorTable | None = None


prepared(Artefact)


class Listed(NamedTuple):
    """A file of a folder of models: its artefact, or why there is none."""

    published: Published
    artefact: Artefact | None
    fault: str = ""


def save_artefact(artefact: Artefact, folder: Path) -> Published:
    """Writes the artefact under the name of its content; the same content is one file."""
    return save_content(msgspec.msgpack.encode(artefact, order="sorted"), folder, SUFFIX)


def load_artefact(uri: str, checksum: str, space: FeatureSpace) -> Artefact:
    """The artefact in a file of this machine, by its path or `file:` URI.

    Raises ConfigError where it cannot be read, has another checksum, or columns that are not of the space.
    """
    published = Published(uri, checksum)
    return artefact_from(published, read_content("model", uri, ARTEFACT_BYTES_MAX), space)


def load_scorer(uri: str, checksum: str, space: FeatureSpace) -> XgboostRanker:
    """The ranker in the file, named by its version; raises ConfigError.

    For files of our own: what a record names is read and tried by jobs/learning/artefact_check.py.
    """
    published = Published(uri, checksum)
    return scorer_from(published, read_content("model", uri, ARTEFACT_BYTES_MAX), space)


def artefact_from(published: Published, data: bytes, space: FeatureSpace) -> Artefact:
    """The artefact in these bytes; raises ConfigError for another checksum, or columns that are not of the space."""
    check_content("model", published, data)
    artefact = _decode(published.uri, data)
    try:
        served(artefact, space)
    except ConfigError as error:
        raise ConfigError(f"model {published.uri}: {error}") from error
    return artefact


def served(artefact: Artefact, space: FeatureSpace) -> Serving:
    """What its columns are served by; raises ConfigError where they cannot be.

    Of a model that says no versions all columns must be there and mean the same.
    """
    names, versions = artefact.feature_names, artefact.feature_versions
    is_plain = len({*names}) == len(names)
    is_here = is_plain and space.places.keys() >= {*names}
    if is_here and artefact.feature_set == space.only(names).digest:
        return Serving(names)
    if is_plain and len(versions) == len(names) and space.versions:
        return serving(names, versions, artefact.report.importance, space)
    raise ConfigError(
        f"trained on feature set {artefact.feature_set} "
        f"({len(names)} features), this is {space.digest} ({space.count})"
    )


def scorer_from(published: Published, data: bytes, space: FeatureSpace) -> XgboostRanker:
    """The ranker in these bytes, named by its version; raises ConfigError."""
    artefact = artefact_from(published, data, space)
    version, table = published.version, artefact.vectors
    columns = served(artefact, space).columns
    vectors = ItemVectors(table, version) if table is not None else None
    return XgboostRanker(version, artefact.booster, columns, artefact.calibration, vectors)


def list_artefacts(folder: Path) -> list[Listed]:
    """The models in a folder, of whatever feature set: the newest training data first, faults last."""
    found = [_listed(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return sorted(found, key=lambda one: -one.artefact.to_ms if one.artefact else 0)


def _listed(path: Path) -> Listed:
    published = Published(str(path), "")
    try:
        data = read_content("model", str(path), ARTEFACT_BYTES_MAX)
        published = Published(str(path), sha256(data).hexdigest())
        artefact = _decode(str(path), data)
    except ConfigError as error:
        return Listed(published, None, str(error))
    if path.name != f"{published.version}{SUFFIX}":
        return Listed(published, None, f"model {path}: its content is {published.version}")
    return Listed(published, artefact)


def _decode(uri: str, data: bytes) -> Artefact:
    try:
        return msgspec.msgpack.decode(data, type=Artefact)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"model {uri}: broken, or none that `kairos train` wrote: {error}"
        ) from error
