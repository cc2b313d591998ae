"""docs/features.md says what the registry says."""

from scripts.training.feature_docs import PAGE, page
from udfs.facts.features import FEATURES


def test_the_committed_page_is_what_the_registry_generates() -> None:
    assert PAGE.read_text() == page(), "run `kairos features --write`"


def test_each_feature_has_one_row_of_four_cells() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [one.feature for one in FEATURES]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
    assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1])
