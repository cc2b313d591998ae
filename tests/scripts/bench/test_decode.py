"""`kairos bench decode`: the records of every format are the same visit, and each figure is there."""

import json
from typing import Any

import pytest

from schemas.events import Event
from schemas.formats import FORMATS
from scripts.bench.decode import TURNS, bench
from scripts.bench.made_records import KINDS, RECORDS, events, readers

COUNT = 600
READERS = readers()
SAME = ("event_type", "session_id", "anonymous_id", "item_ids", "query", "price", "value_amount")


def read(name: str) -> list[Event]:
    return [READERS[name].decode(RECORDS[name](one)) for one in events(60)]


def test_every_format_has_records() -> None:
    assert RECORDS.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_they_are_the_same_visit_in_each_format(name: str) -> None:
    said = [[getattr(one, field) for field in SAME] for one in read(name)]
    ours = [[getattr(one, field) for field in SAME] for one in events(60)]
    if name == "ga4":  # a visit there is of a visitor
        for one, other in zip(said, ours, strict=True):
            assert str(one[1]).endswith(str(other[1]))
            one[1] = other[1]
    assert said == ours
    assert {one.event_type for one in read(name)} == set(KINDS)


def test_the_figures_of_each_format_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    bench(COUNT, is_json=True)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["records"] == COUNT
    assert [one["format"] for one in told["formats"]] == list(FORMATS)
    for one in told["formats"]:
        assert one["decode_us"] > 0.0
        assert one["events_per_s"] == pytest.approx(1e6 / one["taken_us"], rel=0.01)
        assert one["record_bytes"] > 100
    assert told["enriching"]["event_us"] > 0.0
    assert told["enriching"]["new_agent_us"] > told["enriching"]["event_us"]
    assert TURNS % 2 == 1, "a median that was measured"
