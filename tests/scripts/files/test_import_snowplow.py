"""Files of Snowplow events: formats, order, the filter, bad rows, and the bundled demo shop."""

import csv
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigError
from schemas.formats.json_lines import item_from_json
from scripts.demo_data.derive_items import ITEMS_FILE, derive_items, items_text
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, SnowplowImport, read_snowplow

ECOMMERCE = "contexts_com_snowplowanalytics_snowplow_ecommerce_"
COLUMNS = (
    "app_id", "event_id", "event_name", "derived_tstamp", "collector_tstamp",
    "domain_sessionid", "domain_userid", f"{ECOMMERCE}product_1_0_0",
)  # fmt: skip


def make_row(event_id: str, minute: int = 0, **columns: str) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "") | {
        "app_id": "shop",
        "event_id": event_id,
        "event_name": "page_view",
        "derived_tstamp": f"2022-11-20 12:{minute:02}:00.000",
        "domain_sessionid": "s1",
        "domain_userid": "a1",
    }
    return row | columns


def write_csv(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def ids(found: SnowplowImport) -> list[str]:
    return [event.event_id for event in found.events]


def test_events_come_in_order_of_time_then_of_the_collectors_time(tmp_path: Path) -> None:
    rows = [
        make_row("late", 2),
        make_row("second", 1, collector_tstamp="2022-11-20 12:01:09"),
        make_row("first", 1, collector_tstamp="2022-11-20 12:01:08"),
        make_row("early", 0),
    ]
    found = read_snowplow(write_csv(tmp_path / "shop.csv", *rows))
    assert ids(found) == ["early", "first", "second", "late"]


def test_only_the_wanted_apps_are_taken_and_the_rest_is_counted(tmp_path: Path) -> None:
    rows = [make_row("e1"), make_row("e2", app_id="other"), make_row("e3", app_id="")]
    found = read_snowplow(write_csv(tmp_path / "shop.csv", *rows), ["shop"])
    assert (ids(found), found.dropped) == (["e1"], 2)
    assert str(found) == "3 events read, 2 dropped by app id, 0 bad"


def test_without_a_filter_every_app_is_taken(tmp_path: Path) -> None:
    rows = [make_row("e1"), make_row("e2", app_id="other")]
    assert ids(read_snowplow(write_csv(tmp_path / "shop.csv", *rows))) == ["e1", "e2"]


def test_a_bad_row_is_kept_as_json_and_the_others_are_read(tmp_path: Path) -> None:
    rows = [make_row("e1"), make_row("e2", domain_userid=""), make_row("e3")]
    found = read_snowplow(write_csv(tmp_path / "shop.csv", *rows))
    assert ids(found) == ["e1", "e3"]
    (bad,) = found.bad
    assert bad.error.reason == "invalid_value"
    assert json.loads(bad.raw)["event_id"] == "e2"
    assert str(found).startswith(
        "3 events read, 0 dropped by app id, 1 bad; the first: shop.csv, line 3: "
    )


@pytest.mark.parametrize("line", ["shop,e2", "shop,e2" + "," * 20, "shop,e2," + "x" * 200_000])
def test_a_row_that_does_not_fit_the_header_is_kept_as_it_stands(tmp_path: Path, line: str) -> None:
    path = write_csv(tmp_path / "shop.csv", make_row("e1"))
    with path.open("a", newline="") as lines:
        lines.write(f"{line}\r\n\r\n")
        csv.DictWriter(lines, COLUMNS).writerow(make_row("e3"))
    found = read_snowplow(path)
    assert ids(found) == ["e1", "e3"]
    assert [(bad.raw, bad.error.reason) for bad in found.bad] == [
        (f"{line}\r\n".encode(), "malformed")
    ]


def test_bytes_that_are_no_utf8_make_one_bad_row(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "shop.csv", make_row("e1"), make_row("MARK"), make_row("e3"))
    path.write_bytes(path.read_bytes().replace(b"MARK", b"Pir\xe9e"))
    found = read_snowplow(path)
    assert ids(found) == ["e1", "e3"]
    assert b"Pir\xe9e" in found.bad[0].raw
    assert found.bad[0].error.reason == "malformed"


@pytest.mark.parametrize("name", ["shop.csv", "shop.csv.gz", "shop.jsonl", "shop.jsonl.gz"])
def test_a_file_may_be_csv_or_json_lines_plain_or_compressed(tmp_path: Path, name: str) -> None:
    rows = [make_row("e1"), make_row("e2", 1)]
    path = write_csv(tmp_path / "written", *rows)
    if ".jsonl" in name:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + "\n")
    content = path.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert ids(read_snowplow(tmp_path / name)) == ["e1", "e2"]


def test_a_bad_line_of_json_lines_is_kept_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(f'{{"app_id": \n{json.dumps(make_row("e1"))}\n')
    found = read_snowplow(path, ["shop"])
    assert ids(found) == ["e1"]
    assert found.bad[0].raw == b'{"app_id":'


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "shop.csv", make_row("e1"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert ids(read_snowplow(path)) == ["e1"]


def test_entities_of_side_tables_are_joined_where_the_event_has_none(tmp_path: Path) -> None:
    own = make_row("e2", 1, **{f"{ECOMMERCE}product_1_0_0": '[{"id": "own"}]'})
    write_csv(tmp_path / "events.csv", make_row("e1"), own)
    side = [{"root_id": "e1", "id": "i1"}, {"root_id": "e1", "id": "i2"}]
    stem = "com_snowplowanalytics_snowplow_ecommerce_product_1"
    write_csv(tmp_path / f"{stem}.csv", *side, {"root_id": "e2", "id": "again"})
    items = [event.item_ids for event in read_snowplow(tmp_path).events]
    assert items == [("i1", "i2"), ("own",)]


def test_side_tables_alone_make_the_same_events(tmp_path: Path) -> None:
    """The demo shop's entities, moved out of its events into tables of their own."""
    with gzip.open(DEMO_FOLDER / "events.csv.gz", "rt", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    columns = [name for name in rows[0] if name.startswith(("contexts_", "unstruct_event_"))]
    for column in columns:
        entities = [
            {"root_id": row["event_id"], "entity": entity}
            for row in rows
            for entity in as_list(row[column])
        ]
        for row in rows:
            row[column] = ""
        write_side_table(tmp_path, column, entities)
    write_csv(tmp_path / "events.csv", *rows)
    demo = read_snowplow(DEMO_FOLDER, DEMO_APP_IDS)
    assert read_snowplow(tmp_path, DEMO_APP_IDS).events == demo.events


def as_list(text: str) -> list[dict[str, Any]]:
    value = json.loads(text or "[]")
    return value if isinstance(value, list) else [value]


def write_side_table(folder: Path, column: str, entities: list[dict[str, Any]]) -> None:
    if entities:
        names = sorted({name for one in entities for name in one["entity"]})
        rows = [
            {"root_id": one["root_id"]} | {name: one["entity"].get(name) or "" for name in names}
            for one in entities
        ]
        write_csv(folder / f"com_{column.split('_com_')[1]}.csv", *rows)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_snowplow(tmp_path / "shop.csv")


def test_a_folder_without_events_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file named"):
        read_snowplow(tmp_path)


@pytest.mark.parametrize("content", ["", "item_id,price\n1,2\n"])
def test_a_table_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "shop.csv").write_text(content)
    with pytest.raises(ConfigError, match="no column event_id"):
        read_snowplow(tmp_path / "shop.csv")


@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    content = (DEMO_FOLDER / "events.csv.gz").read_bytes()
    garbled = content[:5000] + bytes(5000) + content[10_000:]
    damaged = {"cut": content[:-20_000], "garbled": garbled}[damage]
    (tmp_path / "events.csv.gz").write_bytes(damaged)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_snowplow(tmp_path)


def test_the_demo_shop_has_833_events_and_one_of_another_app() -> None:
    found = read_snowplow(DEMO_FOLDER, DEMO_APP_IDS)
    assert str(found) == "833 events read, 1 dropped by app id, 0 bad"
    assert len({event.event_id for event in found.events}) == 832


def test_the_demo_shops_events_are_those_its_provenance_tells() -> None:
    content = gzip.decompress((DEMO_FOLDER / "events.csv.gz").read_bytes())
    provenance = (DEMO_FOLDER / "PROVENANCE").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in provenance
    assert b"@" not in content


def test_the_demo_shops_catalogue_is_what_its_events_say() -> None:
    assert ITEMS_FILE.read_text(encoding="utf-8") == items_text(
        derive_items(DEMO_FOLDER, DEMO_APP_IDS)
    )


def test_every_item_of_the_demo_shop_has_a_name_of_its_own() -> None:
    items = [item_from_json(line) for line in ITEMS_FILE.read_bytes().splitlines()]
    assert all(item.name for item in items)
    assert len({item.name for item in items}) == len(items)


def test_every_item_of_an_event_is_in_the_catalogue_by_then() -> None:
    items = [item_from_json(line) for line in ITEMS_FILE.read_bytes().splitlines()]
    known_from_ms = {item.item_id: item.effective_from_ms for item in reversed(items)}
    for event in read_snowplow(DEMO_FOLDER, DEMO_APP_IDS).events:
        for item_id in event.item_ids:
            assert known_from_ms[item_id] <= event.event_time_ms
