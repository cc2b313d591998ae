"""`kairos outcomes --out FILE`: outcomes as a Parquet file, for everybody who has another program."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ConfigError
from schemas.outcomes import Outcome

ROWS: Final = 50_000
"""Of one group, and in memory."""
TEXTS: Final = pa.map_(pa.string(), pa.string())
SCHEMA: Final = pa.schema(
    [
        ("outcome_id", pa.string()), ("kind", pa.string()), ("sign", pa.int8()), ("revision", pa.int64()),
        ("decision_id", pa.string()), ("person", pa.string()), ("session_id", pa.string()), ("event_id", pa.string()),
        ("name", pa.string()), ("outcome_ms", pa.int64()), ("decided_ms", pa.int64()), ("exposed_ms", pa.int64()),
        ("placement", pa.string()), ("channel", pa.string()), ("action_id", pa.string()), ("item_ids", pa.list_(pa.string())),
        ("arm", TEXTS), ("is_holdout", pa.bool_()), ("policy", pa.string()), ("attribution", pa.string()),
        ("share", pa.float64()), ("value", pa.float64()), ("currency", pa.string()), ("segments", pa.list_(pa.string())),
        ("measures", pa.map_(pa.string(), pa.float64())),
    ]
)  # fmt: skip
"""The fields of a record, under their names."""


def write_outcomes(outcomes: Iterable[Outcome], path: Path) -> int:
    """How many were written; raises ConfigError where the file cannot be."""
    count, left = 0, iter(outcomes)
    try:
        with pq.ParquetWriter(path, SCHEMA) as writer:
            while some := list(islice(left, ROWS)):
                count += len(some)
                writer.write_table(pa.Table.from_pylist([row_of(one) for one in some], SCHEMA))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    return count


def row_of(outcome: Outcome) -> dict[str, object]:
    """One row: maps as pairs."""
    fields = {name: getattr(outcome, name) for name in SCHEMA.names}
    return fields | {name: list(fields[name].items()) for name in ("arm", "measures")}
