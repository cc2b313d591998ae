"""trivago's rows as events: every action is one, times grow, what was shown can be ranked."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, UnusableInput
from schemas.events import Event, event_from_fields
from schemas.limits import SECOND_MS
from scripts.files.import_trivago import COLUMNS, item_sequences, read_trivago

NOON_S = 1_541_599_523
SAMPLE = Path(
    os.environ.get("KAIROS_TRIVAGO")
    or Path(__file__).parents[4] / "shared/data/trivago_rsc19_100k/trivago_val_100k.parquet.snappy"
)


def row(step: int, action: str, reference: str | None, **more: Any) -> dict[str, Any]:
    return {
        "user_id": "u1", "session_id": "s1", "timestamp": NOON_S, "step": step,
        "action_type": action, "reference": reference, "platform": "FR",
        "city": "Marseille, France", "device": "tablet", "current_filters": None,
        "impressions": None, "prices": None,
    } | more  # fmt: skip


def table_of(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.parquet"
    columns = {
        name: pa.array(
            [one[name] for one in rows],
            pa.int64() if name in ("timestamp", "step") else pa.string(),
        )
        for name in COLUMNS
    }
    pq.write_table(pa.table(columns), path)
    return path


def events_of(folder: Path, *rows: dict[str, Any]) -> list[Event]:
    found = read_trivago(table_of(folder, *rows))
    assert not found.bad
    return found.events


def test_a_click_out_is_a_list_and_a_click_a_millisecond_later(tmp_path: Path) -> None:
    request, click = events_of(
        tmp_path,
        row(7, "clickout item", "b", impressions="a|b|c", prices="10|20|30",
            current_filters="Hotel|Pool"),
    )  # fmt: skip
    assert (request.event_type, click.event_type) == ("ranking_requested", "ranking_clicked")
    assert [(one.item_id, one.price, one.position) for one in request.candidates] == [
        ("a", 10.0, 0), ("b", 20.0, 1), ("c", 30.0, 2),
    ]  # fmt: skip
    assert (click.request_id, click.item_ids, click.price) == (request.event_id, ("b",), 20.0)
    assert click.event_time_ms == request.event_time_ms + 1 == NOON_S * SECOND_MS + 1
    assert request.properties == {"filters": "Hotel|Pool"}
    assert (request.anonymous_id, request.session_id) == ("u1", "s1")
    assert request.context is not None
    assert (request.context.device, request.context.country, request.context.city) == (
        "tablet", "FR", "Marseille, France",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "event_type", "attribute"),
    [
        ("interaction item info", "product_viewed", None),
        ("interaction item image", "element_clicked", "image"),
        ("interaction item deals", "element_clicked", "deals"),
        ("interaction item rating", "review_read", None),
        ("search for item", "search_performed", None),
    ],
)
def test_an_action_on_an_item_names_it(
    tmp_path: Path, action: str, event_type: str, attribute: str | None
) -> None:
    (event,) = events_of(tmp_path, row(1, action, "5"))
    assert (event.event_type, event.item_ids, event.attribute) == (event_type, ("5",), attribute)
    (event,) = events_of(tmp_path, row(1, action, "unknown"))
    assert (event.event_type, event.item_ids) == (event_type, ())


@pytest.mark.parametrize(
    ("action", "event_type", "attribute", "field"),
    [
        ("search for destination", "search_performed", "destination", "query"),
        ("search for poi", "search_performed", "poi", "query"),
        ("filter selection", "filter_applied", "filter", "value"),
        ("change of sort order", "filter_applied", "sort", "value"),
    ],
)
def test_an_action_without_an_item_keeps_its_text(
    tmp_path: Path, action: str, event_type: str, attribute: str, field: str
) -> None:
    (event,) = events_of(tmp_path, row(1, action, "Paris"))
    assert (event.event_type, event.attribute, getattr(event, field), event.item_ids) == (
        event_type, attribute, "Paris", (),
    )  # fmt: skip


def test_rows_of_one_second_keep_the_order_of_their_steps(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        row(3, "interaction item info", "c"),
        row(1, "interaction item info", "a"),
        row(2, "clickout item", "b", impressions="b", prices="1"),
        row(2, "interaction item info", "again"),
        row(4, "interaction item info", "later", timestamp=NOON_S + 1),
    )
    assert [one.item_ids for one in events] == [("a",), (), ("b",), ("again",), ("c",), ("later",)]
    times = [one.event_time_ms - NOON_S * SECOND_MS for one in events]
    assert times == [0, 1, 2, 3, 4, 1000]
    assert len({one.event_id for one in events}) == 6
    assert [one.event_id for one in events] == [
        one.event_id for one in events_of(
            tmp_path,
            row(1, "interaction item info", "a"),
            row(2, "clickout item", "b", impressions="b", prices="1"),
            row(2, "interaction item info", "again"),
            row(3, "interaction item info", "c"),
            row(4, "interaction item info", "later", timestamp=NOON_S + 1),
        )
    ]  # fmt: skip


def test_sessions_are_merged_by_time(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        row(1, "interaction item info", "late", timestamp=NOON_S + 9),
        row(1, "interaction item info", "early", session_id="s2"),
    )
    assert [one.item_ids for one in events] == [("early",), ("late",)]


def test_item_sequences_are_the_touches_without_repeats(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        row(1, "interaction item image", "a"),
        row(2, "interaction item deals", "a"),
        row(3, "filter selection", "Pool"),
        row(4, "clickout item", "b", impressions="a|b|c", prices="1|2|3"),
        row(5, "interaction item info", "a"),
        row(1, "interaction item info", "a", session_id="s2"),
    )
    found = [(one.session_id, one.event_type, one.item_ids) for one in item_sequences(events)]
    assert sorted(found) == sorted(
        [("s1", "product_viewed", (item,)) for item in "aba"] + [("s2", "product_viewed", ("a",))]
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"action_type": "teleport"}, "no action"),
        ({"action_type": "clickout item", "impressions": "a|b", "prices": "1"}, "2 impressions"),
        ({"action_type": "clickout item", "impressions": "a", "prices": "dear"}, "no price"),
        (
            {"action_type": "clickout item", "impressions": "a", "prices": "1e999"},
            "<= 1000000000000",
        ),
        ({"action_type": "interaction item info", "reference": "x" * 300}, "length <= 256"),
        ({"session_id": None}, "no session"),
        ({"timestamp": None}, "no session, time"),
    ],
    ids=["action", "prices", "price", "endless_price", "long_id", "no_session", "no_time"],
)
def test_a_row_that_cannot_be_costs_itself(
    tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    good = row(2, "interaction item info", "b")
    found = read_trivago(table_of(tmp_path, row(1, "", "a") | more, good))
    assert [one.item_ids for one in found.events] == [("b",)]
    ((number, raw, error),) = found.bad
    assert number == 0
    assert message in error.message
    assert json.loads(raw)["user_id"] == "u1"


def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_trivago(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(UnusableInput, match="cannot be read"):
        read_trivago(path)
    pq.write_table(pa.table({"user_id": ["u"]}), path)
    with pytest.raises(UnusableInput, match="trivago"):
        read_trivago(path)


@pytest.mark.skipif(
    not SAMPLE.exists(), reason="trivago's sample may not be redistributed; KAIROS_TRIVAGO names it"
)
def test_the_sample_whole() -> None:
    events = read_trivago(SAMPLE).events
    counts: dict[str, int] = {}
    newest: dict[str, int] = {}
    for event in events:
        counts[event.event_type] = counts.get(event.event_type, 0) + 1
        assert event.event_time_ms > newest.get(event.session_id, 0)
        newest[event.session_id] = event.event_time_ms
    assert counts == {
        "element_clicked": 69_697, "ranking_requested": 13_597, "ranking_clicked": 13_597,
        "filter_applied": 8_251, "search_performed": 5_184, "product_viewed": 1_829,
        "review_read": 1_445,
    }  # fmt: skip
    assert len({one.event_id for one in events}) == len(events)
    for event in events[::500]:
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        assert event_from_fields({k: v for k, v in fields.items() if v is not None}) == event
