"""docs/what-we-accept.md says what the tables say that the doors read."""

from typing import get_args

import pytest
from msgspec.structs import fields

from schemas.errors import InvalidReason
from schemas.events import Candidate, Context, Event
from schemas.formats.field_names import EVENT_NAMES, ITEM_NAMES
from schemas.items import AvailableDates, Item, Point
from scripts.files.input_docs import PAGE, page
from scripts.files.input_texts import REASONS


def test_the_committed_page_is_what_the_tables_generate() -> None:
    assert PAGE.read_text() == page(), "run `kairos accepts --write`"


@pytest.mark.parametrize(
    "kind", [Event, Candidate, Context, Item, Point, AvailableDates], ids=lambda one: one.__name__
)
def test_every_field_has_a_row(kind: type) -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    named = [row.split("`")[1] for row in rows]
    assert {one.name for one in fields(kind)} <= set(named)
    assert all(cell.strip() for row in rows for cell in row.split(" | ")[:2])


def test_every_alias_and_every_reason_is_there() -> None:
    text = page()
    for names in (EVENT_NAMES, ITEM_NAMES):
        for alias in (*names.aliases, *names.meant):
            assert f"`{alias}`" in text
    assert set(REASONS) == set(get_args(InvalidReason))


def test_what_is_no_time_is_said_as_the_doors_say_it() -> None:
    text = page()
    assert "| `20260131` | 2026-01-31T00:00:00.000+00:00 |" in text
    assert (
        "| `1763700000` | refused: '1763700000' is no time: in seconds it would be 2025-11-21"
        in text
    )
