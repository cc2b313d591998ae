"""Every page of docs/ that is made from the code: `kairos docs` lists them, `kairos docs --write` writes those that are stale."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.console import show
from scripts.files import input_docs
from scripts.policy import policy_docs
from scripts.reference import command_line_page, inventory_part, metrics_page, settings_page
from scripts.training import feature_docs

PAGES: Final[dict[Path, Callable[[], str]]] = {
    one.PAGE: one.page
    for one in (
        input_docs, policy_docs, feature_docs, command_line_page, settings_page, metrics_page, inventory_part,
    )
}  # fmt: skip
"""How each is made, by its file."""


def stale() -> dict[Path, str]:
    """What should stand in the pages in which something else does."""
    made = {path: page() for path, page in PAGES.items()}
    return {path: text for path, text in made.items() if not _holds(path, text)}


def show_pages(*, is_written: bool) -> None:
    """Says of each page whether it is as the code is; if it `is_written`, makes it so."""
    found = stale()
    for path in PAGES:
        if path in found and is_written:
            path.write_text(found[path])
        state = "written" if is_written else "stale: --write renews it"
        show(f"docs/{path.name}: {state if path in found else 'up to date'}")


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text
