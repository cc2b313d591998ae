"""`kairos infer`: what is proposed from a sample, and that the proposal is a mapping that reads it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from jobs.mapping_file import read_mapping
from schemas.errors import UnusableInput
from schemas.formats import FORMATS
from schemas.mappings.mapped import mapped_event
from schemas.mappings.mapping_rules import Unit
from scripts.cli import app
from scripts.mappings.infer_mapping import look_at, propose, written
from tests.builders import NOON

VISIT: Final = Path(__file__).parents[2] / "schemas" / "formats" / "visit"


def record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "uuid": f"u{number}", "eventName": "Product Viewed", "ts": NOON / 1000 + number, "sessionId": f"s{number % 3}", "visitor": {"id": f"v{number % 2}"},
        "product": {"sku": f"i{number}", "price": 9.5}, "geo": {"country": "AT"}, "noise": number,
    } | more  # fmt: skip


RECORDS: Final = [
    *(record(number) for number in range(8)), record(8, eventName="add to cart"), record(9, eventName="levelCompleted"),
]  # fmt: skip


def test_fields_are_found_by_their_names_and_by_what_they_say() -> None:
    found = propose(*look_at(RECORDS))
    assert (found.records, found.missing) == (10, ())
    fields = {name: (one.paths, one.unit) for name, one in found.fields.items()}
    assert fields["event_type"] == (("eventName",), None)
    assert fields["event_time_ms"] == (("ts",), "s")
    assert fields["session_id"][0] == ("sessionId",)
    assert fields["item_ids"][0] == ("product.sku",)
    assert fields["price"][0] == ("product.price",)
    assert fields["context.country"][0] == ("geo.country",)
    assert found.types == {
        "Product Viewed": ("product_viewed", 8), "add to cart": ("product_added_to_cart", 1), "levelCompleted": (None, 1),
    }  # fmt: skip


def read(text: str, tmp_path: Path, records: list[dict[str, Any]]) -> list[Any]:
    path = tmp_path / "proposed.yaml"
    path.write_text(text)
    rules = read_mapping(path)
    return [mapped_event(json.dumps(one).encode(), rules) for one in records]


def test_the_proposal_is_a_mapping_and_says_how_much_it_reads(tmp_path: Path) -> None:
    text = written(propose(*look_at(RECORDS)))
    assert "# 100% of the records" in text
    assert '"levelCompleted": "level_completed"  # 1' in text
    events = read(text, tmp_path, RECORDS)
    assert [one.event_type for one in events[:9]] == ["product_viewed"] * 8 + [
        "product_added_to_cart"
    ]
    assert {one.event_type for one in events[9:]} == {"level_completed"}
    assert [one.item_ids for one in events[:9]] == [(f"i{number}",) for number in range(9)]
    assert events[3].event_time_ms == NOON + 3_000


def test_a_visit_in_segments_calls_is_read_by_what_is_proposed_of_it(tmp_path: Path) -> None:
    calls = [json.loads(one) for one in (VISIT / "segment.jsonl").read_bytes().splitlines()]
    tracked = [one for one in calls if one["type"] == "track"]
    events = read(written(propose(*look_at(tracked))), tmp_path, tracked)
    for call, event in zip(tracked, events, strict=True):
        built_in = FORMATS["segment"].decode(json.dumps(call).encode())
        assert (event.event_type, event.event_time_ms, event.anonymous_id) == (
            built_in.event_type, built_in.event_time_ms, built_in.anonymous_id,
        )  # fmt: skip
        assert set(built_in.item_ids) <= set(event.item_ids)


@pytest.mark.parametrize(
    ("value", "unit"),
    [(NOON // 1000, "s"), (NOON, "ms"), (NOON * 1000, "us"), (NOON * 10**6, "ns"), (str(NOON), "ms"), ("2023-11-14T22:13:20Z", None)],
)  # fmt: skip
def test_units_of_times_are_told_by_their_size(value: object, unit: Unit | None) -> None:
    found = propose(*look_at([record(1, ts=value)]))
    assert found.fields["event_time_ms"].unit == unit


def test_what_is_no_time_is_none_and_what_is_missing_is_said() -> None:
    found = propose(*look_at([{"ts": 5, "eventName": "view"}]))
    assert found.missing == ("event_time_ms", "session_id", "anonymous_id")


def test_without_a_session_the_visitor_is_one() -> None:
    (one,) = [record(1)]
    del one["sessionId"]
    found = propose(*look_at([one]))
    assert found.fields["session_id"] == found.fields["anonymous_id"]


def test_a_field_of_too_many_values_is_no_kind_of_event() -> None:
    many = [record(n, eventName=f"e{n}", action="click") for n in range(100)]
    assert propose(*look_at(many)).fields["event_type"].paths == ("action",)


@given(st.lists(st.dictionaries(st.text(max_size=9), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=9,
), max_size=6), min_size=1, max_size=5))  # fmt: skip
def test_whatever_comes_is_proposed_something(records: list[dict[str, Any]]) -> None:
    assert written(propose(*look_at(records))).startswith("# proposed from")


def told(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["infer", *map(str, words)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in RECORDS) + "\nno json\n[1]\n")
    return path


def test_the_command_prints_or_writes_it_and_never_over_a_file(file: Path, tmp_path: Path) -> None:
    code, text = told(file)
    assert (code, text.startswith("# proposed from 10 records")) == (0, True)
    out = tmp_path / "shop.yaml"
    assert told(file, "--out", out) == (0, "")
    assert out.read_text() == text
    with pytest.raises(UnusableInput, match="is there already"):
        told(file, "--out", out)
    found = json.loads(told(file, "--json", "--records", "5")[1])
    assert (found["records"], found["missing"]) == (5, [])
    assert found["types"] == {"Product Viewed": {"event_type": "product_viewed", "records": 5}}


def test_what_has_no_fields_of_ours_ends_with_1_and_nothing_with_2(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"x": 1}')
    assert told(path)[0] == 1
    path.write_text("[1, 2]")
    with pytest.raises(UnusableInput, match="there is no record to look at"):
        told(path)
