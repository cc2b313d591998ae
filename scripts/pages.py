"""Pages of documentation that commands write from the tables that the code reads."""

from pathlib import Path

from scripts.console import show


def show_page(page: str, path: Path, *, is_written: bool) -> None:
    """Prints a page; if it `is_written`, puts it into its file instead and says so."""
    if not is_written:
        show(page.rstrip())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
    show(f"written to {path}")


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|")
