"""The pages of docs/ that are made from the code are as the code is, and leave nothing out."""

from pathlib import Path
from typing import Any, Final, get_args

import pytest
import typer
from typer.testing import CliRunner

from channels.api.measures import COUNTERS, GAUGES, HISTOGRAMS
from jobs.config import PROJECT, SETTINGS
from jobs.metrics import MEANINGS
from schemas.event_examples import EVENT_EXAMPLES, ITEM_EXAMPLE, example_of
from schemas.events import EventType
from schemas.formats.field_names import EVENT_NAMES, ITEM_NAMES, renamed
from schemas.formats.json_lines import event_from_json
from scripts.cli import app
from scripts.files.input_docs import page as accepts
from scripts.files.item_files import read_items
from scripts.reference import all_pages, command_line_page, metrics_page, settings_page

TYPES: Final = sorted(set(get_args(EventType)) - {"clock_ticked"})


@pytest.mark.parametrize("path", all_pages.PAGES, ids=lambda one: one.name)
def test_a_page_is_as_the_code_is(path: Path) -> None:
    assert path.read_text() == all_pages.PAGES[path](), "run `kairos docs --write`"


def test_the_command_says_which_page_is_stale_and_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "old.md"
    page.write_text("old")
    monkeypatch.setattr(all_pages, "PAGES", {page: lambda: "new", tmp_path / "none.md": lambda: ""})
    assert set(all_pages.stale()) == {page, tmp_path / "none.md"}
    said = CliRunner().invoke(app, ["docs"], standalone_mode=False).output
    assert "/old.md: stale: --write renews it" in said
    assert page.read_text() == "old"
    written = CliRunner().invoke(app, ["docs", "--write"], standalone_mode=False).output
    assert "/old.md: written" in written
    assert page.read_text() == "new"
    assert all_pages.stale() == {}


def test_every_command_that_is_shown_is_on_the_page_with_its_options() -> None:
    text = command_line_page.page()
    for words, command in commands(typer.main.get_command(app)):
        assert f"\n### {words}\n" in text
        section = text.split(f"\n### {words}\n")[1].split("\n### ")[0]
        for one in command.params:
            if not getattr(one, "hidden", False) and one.name != "help":
                assert (one.opts[0] if one.param_type_name == "option" else "Arguments") in section


def commands(group: Any, words: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """Every command that is shown, by its words."""
    found: list[tuple[str, Any]] = []
    for name, one in group.commands.items():
        if not one.hidden:
            found.append((" ".join((*words, name)), one))
            if hasattr(one, "commands"):
                found += commands(one, (*words, name))
    return found


def test_no_page_says_where_it_was_made() -> None:
    for path, page in all_pages.PAGES.items():
        assert str(PROJECT) not in page(), path


def test_every_setting_and_every_metric_has_a_row_that_says_what_it_is() -> None:
    settings, metrics = settings_page.page(), metrics_page.page()
    for setting in SETTINGS:
        assert f"| `{setting.name}` | " in settings
        assert setting.meaning
    for name in (*COUNTERS, *HISTOGRAMS, *GAUGES, *MEANINGS):
        assert f"| `{name}` | " in metrics


@pytest.mark.parametrize("event_type", TYPES)
def test_a_type_has_an_example_that_every_door_reads_without_a_word(event_type: EventType) -> None:
    fields = example_of(event_type)
    assert renamed(fields, EVENT_NAMES).notes == []
    line = next(one for one in accepts().splitlines() if f'"event_type": "{event_type}"' in one)
    event = event_from_json(line.encode())
    assert event.event_type == event_type
    assert EVENT_EXAMPLES[event_type].says in accepts()


def test_there_are_examples_of_all_types_and_of_no_other() -> None:
    assert sorted(EVENT_EXAMPLES) == TYPES


def test_the_example_of_an_item_is_one_that_every_door_reads_without_a_word(tmp_path: Path) -> None:
    assert renamed(dict(ITEM_EXAMPLE), ITEM_NAMES).notes == []
    line = next(one for one in accepts().splitlines() if one.startswith('{"item_id"'))
    file = tmp_path / "items.jsonl"
    file.write_text(line)
    (item,) = read_items(file)
    assert (item.item_id, item.stock, item.image) == (
        ITEM_EXAMPLE["item_id"], ITEM_EXAMPLE["stock"], ITEM_EXAMPLE["image"],
    )  # fmt: skip
