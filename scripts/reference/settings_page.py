"""docs/settings.md: every setting with its default, from the table that reads them."""

from typing import Final

from jobs.config import PROJECT, SETTINGS
from scripts.pages import cell

PAGE: Final = PROJECT / "docs" / "settings.md"
HEAD: Final = """\
# Settings

Written by `kairos docs --write` from `jobs/config.py`; do not edit.

All are environment variables, and none is needed. Example: `KAIROS_API_PORT=8010 ./kairos up`. An empty one counts as not set. A wrong
one, and a name that begins with `KAIROS_` and is none of these, is refused with its name before anything starts.

A rate is `EACH_SECOND/AT_ONCE`: with `10/60` 60 events may come at once, and 10 a second from then on. Where no default stands, nothing is set.

| variable | default | meaning |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(
        f"| `{one.name}` | {_default(one.default)} | {cell(one.meaning)} |\n" for one in SETTINGS
    )


def _default(text: str) -> str:
    """A default as a cell; a folder of the project by its name there."""
    return f"`{cell(text.removeprefix(f'{PROJECT}/'))}`" if text else ""
