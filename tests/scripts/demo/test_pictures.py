"""The pictures of the documentation: each is made by the command, stands in a page, and weighs little."""

import re
import socket
import struct
import sys
from pathlib import Path
from typing import Final

import pytest

from jobs.config import PROJECT, config_from
from schemas.errors import ConfigError
from scripts.demo import pictures
from scripts.demo.pictures import FOLDER, PICTURES, SIZES, names_here

BYTES_MAX: Final = 2_000_000
IMAGE: Final = re.compile(r"!\[(?P<says>[^\]]+)\]\((?P<file>[^)]+)\)")
PAGES: Final = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))


def shown() -> dict[Path, str]:
    """The pictures that pages show, and what each says to somebody who cannot see it."""
    found = {}
    for page in PAGES:
        for one in IMAGE.finditer(page.read_text()):
            found[(page.parent / one["file"]).resolve()] = one["says"]
    return found


def test_each_picture_is_made_by_the_command_and_stands_in_a_page() -> None:
    made = {FOLDER / one.file for one in PICTURES}
    assert len(made) == len(PICTURES)
    assert set(FOLDER.iterdir()) == made
    assert set(shown()) == made
    assert all(len(says.split()) > 3 for says in shown().values()), "for those who cannot see it"
    assert list((PROJECT / "docs").glob("*.png")) == []


def test_shop_tour_and_console_are_shown_on_desk_and_phone_and_in_the_dark() -> None:
    named = {one.name: one for one in PICTURES}
    for page in ("shop", "tour", "console"):
        assert named[f"{page}-desk"][2:] == ("desk", "light")
        assert named[f"{page}-phone"][2:] == ("phone", "light")
        assert named[f"{page}-dark"].colours == "dark"


def test_all_together_they_weigh_little_and_have_the_size_of_their_window() -> None:
    assert sum(one.stat().st_size for one in FOLDER.iterdir()) <= BYTES_MAX
    for one in PICTURES:
        head = (FOLDER / one.file).read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", head[16:]) == SIZES[one.size]


def test_what_is_missing_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    monkeypatch.setattr(pictures, "status", lambda _: {"api": {"address": "127.0.0.1:1"}})
    monkeypatch.setattr(pictures, "chromium", lambda: None)
    with pytest.raises(ConfigError, match="apt-get install chromium"):
        pictures.pictures(config, tmp_path)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(ConfigError, match="`uv sync` installs it"):
        pictures.pictures(config, tmp_path)


@pytest.mark.parametrize(
    "said",
    [f"at {socket.gethostname()}:8000", f"in {Path.home()}/kairos", f"see {PROJECT}/docs"],
    ids=["host", "home", "project"],
)
def test_what_names_this_machine_is_found(said: str) -> None:
    if "localhost" not in said:
        assert names_here(said) != []
    assert names_here("127.0.0.1:8000 tells of shoes") == []
