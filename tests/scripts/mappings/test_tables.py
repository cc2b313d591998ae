"""A mapping reads rows of CSV and Parquet as it reads JSON."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.events import Event
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad

MAPPING = """
fields: {event_id: id, event_time_ms: {path: at, unit: s}, session_id: visit, anonymous_id: visitor}
rules:
  - when: {what: bought}
    event_type: purchase_completed
    fields: {item_ids: {path: skus, split: "|"}, value_amount: {path: sum, number: "1.299,00"}}
  - {fields: {event_type: {path: what, map: {saw: product_viewed}}, item_ids: skus}}
"""
ROWS: list[dict[str, str | None]] = [
    {"id": "e1", "at": "1763700000", "visit": "s1", "visitor": "a1", "what": "saw", "skus": "boot", "sum": None},
    {"id": "e2", "at": "1763700001", "visit": "s1", "visitor": "a1", "what": "bought", "skus": "boot|sock", "sum": "1.299,50"},
    {"id": "e3", "at": "1763700002", "visit": "s1", "visitor": "a1", "what": "sang", "skus": None, "sum": None},
]  # fmt: skip


def written(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"events.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif kind == "csv":
        with path.open("w", newline="") as file:
            rows = csv.DictWriter(file, list(ROWS[0]), delimiter=";")
            rows.writeheader()
            rows.writerows(ROWS)
    else:
        path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_the_same_rows_are_the_same_events_whatever_holds_them(tmp_path: Path, kind: str) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING)
    files = EventFiles([written(tmp_path, kind)], mapping=mapping)
    seen, bought, sang = list(files.read())
    assert isinstance(seen, Event)
    assert isinstance(bought, Event)
    assert isinstance(sang, Bad)
    assert (seen.event_type, seen.item_ids) == ("product_viewed", ("boot",))
    assert (bought.item_ids, bought.value_amount) == (("boot", "sock"), 1299.5)
    assert bought.event_time_ms == 1_763_700_001_000
    assert (sang.line, "'sang'" in sang.error.message) == (2 + (kind == "csv"), True)
