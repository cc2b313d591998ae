"""docs/policy.md says what the definitions say."""

import re

from msgspec import inspect

from schemas.actions import Action, Limits
from schemas.policy import Policy
from scripts.policy.policy_docs import PAGE, page
from udfs.facts.attributes import ATTRIBUTES, ITEM_ATTRIBUTES


def rows_of(title: str) -> list[str]:
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", page(), re.DOTALL | re.MULTILINE)
    return [line for line in section.splitlines() if line.startswith("| `")]


def names_in(rows: list[str]) -> list[str]:
    return [row.split("`")[1] for row in rows]


def test_the_committed_page_is_what_the_definitions_generate() -> None:
    assert PAGE.read_text() == page(), "run `kairos policy docs --write`"


def test_each_field_has_one_row_under_the_name_that_the_file_has() -> None:
    for struct in (Policy, Action, Limits):
        kind = inspect.type_info(struct)
        assert isinstance(kind, inspect.StructType)
        names = [field.name.removesuffix("_ms") for field in kind.fields]
        assert names_in(rows_of(struct.__name__)) == names


def test_a_row_tells_what_a_field_takes_its_default_and_its_meaning() -> None:
    rows = dict(zip(names_in(rows_of("Action")), rows_of("Action"), strict=True))
    assert rows["value"] == "| `value` | a number from 0 to 1,000,000,000 | `1.0` |  |"
    assert rows["starts"].startswith("| `starts` | a moment | 1970-01-01T00:00:00+00:00 |")
    assert "| a length of time up to 400 d | none | How long" in rows["valid"]
    assert "[Limits](#limits)" in rows["limits"]
    assert "| texts by language | none |" in rows["reason"]


def test_each_attribute_has_one_row_of_four_cells() -> None:
    rows = rows_of("Attributes")
    assert names_in(rows) == [one.attribute for one in (*ATTRIBUTES, *ITEM_ATTRIBUTES)]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
    assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1])
