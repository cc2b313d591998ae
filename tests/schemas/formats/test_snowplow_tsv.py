"""The lines that Snowplow's Enrich writes: what each is, what is none, and that a file and a topic read them alike."""

import gzip
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import EVENT
from schemas.dead_letters import dead_letter
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.formats import FORMATS, SNOWPLOW
from schemas.formats.json_lines import event_from_json
from schemas.formats.snowplow_tsv import COLUMNS, is_enriched, row_of_enriched, unfolded
from schemas.limits import EVENT_BYTES_MAX
from schemas.records import LogRecord
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad
from scripts.letters.mend_letter import edited, edits_from, fields_of, mended, reading
from tests.builders import NOON

FOLDER: Final = Path(__file__).parent
FILE: Final = FOLDER / "snowplow" / "enriched.tsv"
LINES: Final = FILE.read_bytes().splitlines()
EXPECTED: Final = [event_from_json(one) for one in (FOLDER / "snowplow/enriched.expected.jsonl").read_bytes().splitlines()]  # fmt: skip
FORMAT: Final = FORMATS[SNOWPLOW]
PRODUCT: Final = "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0"


def line(**columns: str) -> bytes:
    """The first example with other columns."""
    said = dict(zip(COLUMNS, LINES[0].decode().split("\t"), strict=True)) | columns
    return "\t".join(said[one] for one in COLUMNS).encode()


def taken(data: bytes) -> Event | InvalidEvent:
    """What becomes of a record; an event can be written, and its bytes are read again."""
    try:
        event = FORMAT.decode(data)
    except InvalidEvent as error:
        return error
    assert EVENT.decode(EVENT.encode(event)) == event
    return event


def test_each_example_is_the_event_that_stands_beside_it() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 131
    assert all(map(is_enriched, LINES))
    assert [FORMAT.decode(one) for one in LINES] == EXPECTED
    assert len(LINES) > 8


def test_the_visit_is_the_one_that_its_json_tells() -> None:
    told = [FORMAT.decode(one) for one in (FOLDER / "visit/snowplow.jsonl").read_bytes().splitlines()]  # fmt: skip
    assert EXPECTED[: len(told)] == told


def test_json_with_its_envelopes_is_read_like_the_line() -> None:
    for one, event in zip(LINES, EXPECTED, strict=True):
        columns = {name: value for name, value in zip(COLUMNS, one.decode().split("\t"), strict=True) if value}  # fmt: skip
        assert FORMAT.decode(json.dumps(columns).encode()) == event
        objects = {name: json.loads(value) if name in ("contexts", "unstruct_event") else value for name, value in columns.items()}  # fmt: skip
        assert FORMAT.decode(json.dumps(objects).encode()) == event


def test_several_entities_of_a_kind_stand_in_one_column() -> None:
    entity = {"schema": PRODUCT, "data": {"id": "a"}}
    row = unfolded({"contexts": {"data": [entity, entity]}, "app_id": "x"})
    assert row == {"app_id": "x", "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1": [{"id": "a"}, {"id": "a"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (line(contexts="{"), "contexts: "),
        (line(contexts="[]"), "contexts: self-describing JSON"),
        (line(contexts='{"data": [{"data": {}}]}'), "an entity with its schema"),
        (line(unstruct_event='{"data": 5}'), "unstruct_event: an entity"),
        (line(unstruct_event='{"data": {"schema": "iglu:a/b/c", "data": {}}}'), "an entity with its schema"),
        (line(contexts=json.dumps({"data": [{"schema": PRODUCT, "data": 5}]})), "a JSON object"),
        (line(derived_tstamp="soon"), "derived_tstamp"),
        (line(event_id=""), "event_id"),
        (line(domain_userid=""), "anonymous_id"),
        (LINES[0] + b"\tmore", "malformed"),
        (LINES[0].replace(b"sencha", b"\xff"), "malformed"),
        (LINES[0].replace(b"sencha", b"x" * EVENT_BYTES_MAX), "too_large"),
    ],
)  # fmt: skip
def test_what_is_none_says_which_column(data: bytes, said: str) -> None:
    found = taken(data)
    assert isinstance(found, InvalidEvent)
    assert said in str(found)


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    assert isinstance(taken(data), InvalidEvent)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=60), max_size=5))
def test_whatever_stands_in_columns_it_is_an_event_or_a_reason(columns: dict[str, str]) -> None:
    found = taken(line(**columns))
    assert isinstance(found, Event) or found.message


def events_of(path: Path) -> list[Event | Bad]:
    return list(EventFiles([path], SNOWPLOW).read(10**15))


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_of_them_is_read_as_the_topic_is(tmp_path: Path, *, is_packed: bool) -> None:
    path = tmp_path / ("good.tsv.gz" if is_packed else "part-00001")
    path.write_bytes(gzip.compress(FILE.read_bytes()) if is_packed else FILE.read_bytes())
    assert events_of(path) == EXPECTED


def test_a_line_that_is_none_costs_itself_and_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "enriched.tsv"
    path.write_bytes(b"\r\n".join([LINES[0], b"", LINES[1][:-50], line(contexts="{"), LINES[2]]))
    found = events_of(path)
    bad = [one for one in found if isinstance(one, Bad)]
    assert [(one.name, one.line) for one in bad] == [("enriched.tsv", 2), ("enriched.tsv", 3)]
    assert [one for one in found if isinstance(one, Event)] == [EXPECTED[0], EXPECTED[2]]


def test_a_dead_letter_of_a_line_is_mended_by_its_columns() -> None:
    odd = LogRecord("events", 0, 7, NOON, "s", line(domain_userid="", user_ipaddress="192.0.2.77"))
    with pytest.raises(InvalidEvent) as refused:
        FORMAT.decode(odd.value)
    letter = dead_letter(odd, refused.value)
    assert b"192.0.2.77" not in letter.raw
    fields: dict[str, Any] = edited(fields_of(letter, FORMAT.fields), edits_from(["network_userid=domain_userid"], [], []))  # fmt: skip
    event = mended(letter, fields, reading(SNOWPLOW), 10**13)
    assert event.anonymous_id == "ecdff4d0-9175-40ac-a8bb-325c49733607"
    assert (event.event_id, event.item_ids) == ("v-1", ("sencha",))


def test_what_a_row_says_is_named_by_its_columns() -> None:
    row = row_of_enriched(LINES[8])
    assert row["unstruct_event_com_acme_level_completed_1"] == {"level": 7, "seconds": 48.5, "withHint": False}  # fmt: skip
    assert "contexts" not in row
    assert row["contexts_com_snowplowanalytics_snowplow_ua_parser_context_1"][0]["osFamily"] == "Mac OS X"  # fmt: skip
