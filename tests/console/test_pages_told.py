"""docs/console.md tells of every page of the console, and who may see it."""

import re

from channels.console.routes import STATIC
from jobs.config import PROJECT


def test_every_page_of_the_console_is_told_with_its_role() -> None:
    source = (STATIC / "console.js").read_text()
    pages = re.findall(r'title: "([^"]+)", view: \w+, role: "(\w+)"', source)
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| (\w+)",
        (PROJECT / "docs" / "console.md").read_text(),
        re.MULTILINE,
    )
    assert len(pages) == source.count("view:")
    assert rows[1:] == pages
