"""Training examples as a Parquet file: written and read in pieces, so memory stays bounded.

One row per candidate; the rows of one decision are its group. Columns: `time_ms`, `session_id`,
`group_name`, `group` (numbered from 0), `label` (0 or 1), `weight`, then one per feature (NaN =
missing).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.scorer import FeatureSpace, Matrix
from schemas.errors import ConfigError

ROWS_BUFFERED: Final = 16_384
"""Rows of a row group: 7 MB of 110 features. A group of more rows is still one row group."""
DIGEST_KEY: Final = b"kairos.feature_set"
_FIELDS: Final = (
    pa.field("time_ms", pa.int64(), nullable=False),
    pa.field("session_id", pa.string(), nullable=False),
    pa.field("group_name", pa.string(), nullable=False),
    pa.field("group", pa.int64(), nullable=False),
    pa.field("label", pa.float32(), nullable=False),
    pa.field("weight", pa.float32(), nullable=False),
)


class Index(NamedTuple):
    """What the rows are, without their features: five arrays of (rows,), in the order of the file.

    `groups` and `sessions` are numbered from 0, `groups` rises by 0 or 1.
    """

    times_ms: NDArray[np.int64]
    sessions: NDArray[np.int64]
    groups: NDArray[np.int64]
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]

    def since(self, row: int) -> Self:
        """The rows from this one on."""
        return self._replace(
            times_ms=self.times_ms[row:],
            sessions=self.sessions[row:],
            groups=self.groups[row:],
            labels=self.labels[row:],
            weights=self.weights[row:],
        )


class Batch(NamedTuple):
    """Rows that follow one another: `features` (n, columns), the others (n,)."""

    features: Matrix
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    groups: NDArray[np.int64]
    times_ms: NDArray[np.int64]


class _Group(NamedTuple):
    time_ms: int
    session_id: str
    name: str
    number: int
    labels: NDArray[np.float32]
    weight: float
    features: Matrix


class ExampleWriter:
    """Writes `path` while the `with` block runs; if it fails, no file is left.

    Add the decisions in the order of the log: training takes the last ones for the newest.
    `groups` and `rows` count what was written. Without `keeps_unanswered`, a decision that had no
    positive response is left out.
    """

    def __init__(self, path: Path, space: FeatureSpace, keeps_unanswered: bool = False) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._space = space
        self._keeps_unanswered = keeps_unanswered
        features = [pa.field(name, pa.float32(), nullable=False) for name in space.names]
        self._schema = pa.schema([*_FIELDS, *features], {DIGEST_KEY: space.digest})
        self._buffer: list[_Group] = []
        self._buffered = 0
        self.groups = self.rows = 0

    def __enter__(self) -> Self:
        self._file = pq.ParquetWriter(
            self._part, self._schema, compression="zstd", compression_level=1,
            use_dictionary=["session_id", "group_name"],
        )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def add(
        self,
        time_ms: int,
        session_id: str,
        group_name: str,
        features: Matrix,
        positive: int | None,
        weight: float = 1.0,
    ) -> None:
        """Adds one decision: its (n, space.count) candidates, and the row of the positive one.

        Raises ValueError for another width, no rows, an infinite value or a positive that is no row.
        """
        rows = len(features)
        if features.ndim != 2 or features.shape[1] != self._space.count or not rows:
            raise ValueError(f"features of shape {features.shape}, not (n, {self._space.count})")
        if np.isinf(features).any() or not 0.0 <= weight < np.inf:
            raise ValueError(f"{group_name}: an infinite feature or a weight of {weight}")
        labels = np.zeros(rows, dtype=np.float32)
        if positive is not None:
            if not 0 <= positive < rows:
                raise ValueError(f"{group_name}: the positive is row {positive} of {rows}")
            labels[positive] = 1.0
        elif not self._keeps_unanswered:
            return
        # a copy: the caller may use its matrix again
        kept = np.array(features, dtype=np.float32)
        self._buffer.append(
            _Group(time_ms, session_id, group_name, self.groups, labels, weight, kept)
        )
        self.groups += 1
        self.rows += rows
        self._buffered += rows
        if self._buffered >= ROWS_BUFFERED:
            self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        groups = self._buffer
        repeats = [len(group.labels) for group in groups]
        columns: list[Any] = [
            pa.array(np.repeat(values, repeats))
            for values in (
                np.array([group.time_ms for group in groups], dtype=np.int64),
                np.array([group.session_id for group in groups], dtype=object),
                np.array([group.name for group in groups], dtype=object),
                np.array([group.number for group in groups], dtype=np.int64),
            )
        ]
        columns.append(pa.array(np.concatenate([group.labels for group in groups])))
        weights = np.array([group.weight for group in groups], dtype=np.float32)
        columns.append(pa.array(np.repeat(weights, repeats)))
        features = np.ascontiguousarray(np.concatenate([group.features for group in groups]).T)
        columns += [pa.array(column) for column in features]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        self._file.write_table(table, row_group_size=self._buffered)
        self._buffer = []
        self._buffered = 0


class ExampleFile:
    """A file of examples, open for reading; `rows` of `space.count` features. With `weights` each group's weight is that many times the one in the file.

    Raises ConfigError for what is no such file, or one of another feature set.
    """

    def __init__(
        self, path: Path, space: FeatureSpace, weights: NDArray[np.float64] | None = None
    ) -> None:
        try:
            self._file = pq.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            raise ConfigError(f"examples {path}: cannot be read: {error}") from error
        schema = self._file.schema_arrow
        digest = (schema.metadata or {}).get(DIGEST_KEY, b"none").decode()
        names = [*(field.name for field in _FIELDS), *space.names]
        if digest != space.digest or schema.names != names:
            raise ConfigError(
                f"examples {path}: written with feature set {digest}, this is {space.digest}"
            )
        self._space = space
        self._weights = None if weights is None else weights.astype(np.float32)
        self.rows: int = self._file.metadata.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def index(self) -> Index:
        """Every row without its features: 32 bytes a row."""
        table = self._file.read(
            ["time_ms", "session_id", "group", "label", "weight"], use_threads=False
        )
        sessions = table["session_id"].combine_chunks().dictionary_encode()
        return Index(
            table["time_ms"].to_numpy(),
            sessions.indices.to_numpy().astype(np.int64) if len(table) else np.zeros(0, np.int64),
            table["group"].to_numpy(),
            table["label"].to_numpy(),
            self._weighed(table),
        )

    def _weighed(self, table: Any) -> NDArray[np.float32]:
        weights: NDArray[np.float32] = table["weight"].to_numpy()
        return (
            weights if self._weights is None else weights * self._weights[table["group"].to_numpy()]
        )

    def batches(
        self, first_row: int = 0, last_row: int | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Batch]:
        """The rows from `first_row` up to before `last_row` (None: all) with these features (None:
        all), one row group at a time.
        """
        names = list(self._space.names if columns is None else columns)
        end = self.rows if last_row is None else last_row
        start = 0
        for number in range(self._file.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            first, last = max(first_row - start, 0), min(end - start, rows)
            start += rows
            if first < last:
                table = self._file.read_row_group(
                    number, ["time_ms", "group", "label", "weight", *names], use_threads=False
                )
                part = table.slice(first, last - first)
                yield _batch(part, names, self._weighed(part))


def _batch(table: Any, names: Sequence[str], weights: NDArray[np.float32]) -> Batch:
    features = np.empty((len(table), len(names)), dtype=np.float32)
    for at, name in enumerate(names):
        features[:, at] = table[name].to_numpy()
    return Batch(
        features,
        table["label"].to_numpy(),
        weights,
        table["group"].to_numpy(),
        table["time_ms"].to_numpy(),
    )
