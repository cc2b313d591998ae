"""docs/README.md leads to every page, and to nothing that is not there."""

import re
from pathlib import Path
from typing import Final

from jobs.config import PROJECT

DOCS: Final = PROJECT / "docs"
LINK: Final = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def linked(text: str) -> set[Path]:
    """The files that a page of docs/ links to."""
    return {(DOCS / one).resolve() for one in LINK.findall(text) if "://" not in one}


def test_the_index_leads_to_every_page_and_to_nothing_that_is_not_there() -> None:
    found = linked((DOCS / "README.md").read_text())
    pages = {one.resolve() for one in DOCS.glob("*.md") if one.name != "README.md"}
    assert len(pages) > 10
    assert pages - found == set()
    assert {one for one in found if not one.exists()} == set()


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert linked("[a](b.md#c), [d](https://e.org)") == {(DOCS / "b.md").resolve()}
