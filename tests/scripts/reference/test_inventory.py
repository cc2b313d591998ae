"""The inventory of docs/privacy.md leaves no topic, room, field or kind of key out, and says of each what becomes of it."""

import re
from pathlib import Path

import pytest

from channels.store import keys
from jobs.config import config_from
from schemas.errors import ConfigError
from schemas.state.person import PersonState
from schemas.topics import TABLE
from scripts.privacy.places import PLACES, TOPICS
from scripts.privacy.proof import topic_rows
from scripts.privacy.retention import kept
from scripts.reference import inventory_part
from scripts.reference.inventory_part import BEGIN, END, STAYS, inventory, page, told_by
from udfs.facts.bounds import BOUNDS
from udfs.facts.rooms import ROOMS

ROWS = {line.split("|")[1].strip(): line for line in inventory().splitlines() if line.startswith("| ")}  # fmt: skip


def test_every_topic_has_a_line_and_none_that_is_not_there() -> None:
    assert TOPICS.keys() == {one.name for one in TABLE}
    assert all(f"topic `{one.name}`" in ROWS for one in TABLE)


def test_every_topic_that_a_proof_tells_of_says_what_an_erasure_leaves() -> None:
    for row in topic_rows("", {}, {}):
        said = TOPICS[row.place.removeprefix("topic ")].erasure
        assert "until their retention" in said or "until its retention" in said or "its owner" in said  # fmt: skip


def test_every_place_that_retention_shows_has_a_line() -> None:
    places = [one.place for one in kept(config_from({}), None)]
    assert len(places) == len({*places}) == len(TABLE) + len(PLACES)
    assert all(name in ROWS for name in PLACES)


def test_every_kind_of_key_of_the_store_has_a_line() -> None:
    kinds = re.findall(r"`PREFIX:(\w+)", keys.__doc__ or "")
    assert len(kinds) == 6
    held = " ".join(one.rights.holds for name, one in PLACES.items() if name.startswith("store: "))
    assert sorted(re.findall(r"`PREFIX:(\w+)", held)) == sorted(kinds)


def test_every_room_with_state_says_what_it_tells_and_names_its_fields() -> None:
    for room in (one for one in ROOMS if one.visit or one.person):
        assert len(told_by(room)) > 20, room.name
        assert all(f"`{name}`" in ROWS[room.name] for name in (*room.visit, *room.person))


def test_what_stays_without_consent_says_why_field_by_field() -> None:
    service = {name for room in ROOMS for name, one in room.person.items() if one.purpose == "service"}  # fmt: skip
    assert STAYS.keys() == service
    assert BOUNDS.keys() <= {*PersonState.__struct_fields__}
    assert all(ROWS[room.name].count(f"`{name}` ") for room in ROOMS for name in room.person if name in BOUNDS)  # fmt: skip


def test_a_page_without_its_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "privacy.md"
    monkeypatch.setattr(inventory_part, "PAGE", path)
    path.write_text(f"before\n{BEGIN}old\n{END}after\n")
    assert page() == f"before\n{BEGIN}{inventory()}{END}after\n"
    path.write_text("before\nafter\n")
    with pytest.raises(ConfigError, match="no place for the inventory"):
        page()
