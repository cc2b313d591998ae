"""Every format of the topic `events` is one line of one table, and settings know the same ones."""

from typing import get_args

import pytest
from msgspec.structs import replace

from jobs.config import SourceFormat
from jobs.setting_values import source_format
from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.formats import FORMATS
from schemas.limits import EVENT_TIME_MAX_MS
from tests.builders import NOON
from tests.examples.write import FOLDER

EVENTS = [EVENT.decode(path.read_bytes()) for path in sorted(FOLDER.glob("event/v6/*.avro"))]


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_writes_it_reads_as_the_same_event(name: str) -> None:
    assert EVENTS
    for event in EVENTS:
        assert FORMATS[name].decode(FORMATS[name].encode(event)) == event


@pytest.mark.parametrize("name", FORMATS)
def test_a_time_of_import_is_put_into_what_is_written_already(name: str) -> None:
    form = FORMATS[name]
    for event in EVENTS:
        for at_ms in (1, NOON, EVENT_TIME_MAX_MS - 1):
            written = form.encode(replace(event, imported_at_ms=None))
            imported = replace(event, imported_at_ms=at_ms)
            assert form.imported(written, at_ms) == form.encode(imported)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_none_of_a_format_is_an_invalid_event(name: str) -> None:
    with pytest.raises(InvalidEvent):
        FORMATS[name].decode(b"\x00")


def test_settings_take_the_formats_that_there_are() -> None:
    assert FORMATS.keys() == set(get_args(SourceFormat)) == {source_format(one) for one in FORMATS}
    with pytest.raises(ValueError, match=" or ".join(("kairos-avro", *FORMATS))):
        source_format("csv")
