"""docs/tutorial.md, word by word: without a server what needs none, and all of it in a clean home on the real stack."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from jobs.config import PROJECT
from scripts.cli import app
from tests.e2e.homes import KAIROS, Home, fresh_home

PAGE: Final = (PROJECT / "docs" / "tutorial.md").read_text()
BLOCK: Final = re.compile(r"```sh\n(?P<typed>.*?)```\n```text\n(?P<said>.*?)```", re.DOTALL)
API: Final = "localhost:8000"
ROOT: Final[Any] = typer.main.get_command(app)


class Block(NamedTuple):
    """What is typed, and lines that it says, whatever stands around them."""

    typed: str
    said: list[str]

    @property
    def commands(self) -> list[list[str]]:
        """The words of its lines that run Kairos."""
        lines = (shlex.split(one) for one in self.typed.splitlines() if one.startswith("./kairos"))
        return [one[1:] for one in lines]


BLOCKS: Final = [Block(one["typed"], one["said"].splitlines()) for one in BLOCK.finditer(PAGE)]


def missing(block: Block, said: str) -> list[str]:
    """The lines of a block that were not said."""
    return [one for one in block.said if one not in said]


def test_every_block_is_read_and_shows_what_it_says() -> None:
    assert len(BLOCKS) == PAGE.count("```sh\n") > 8
    assert all(one.said for one in BLOCKS)


@pytest.mark.parametrize("words", [one for block in BLOCKS for one in block.commands], ids=" ".join)
def test_every_command_is_one(words: list[str]) -> None:
    group, rest = ROOT, list(words)
    while hasattr(group, "commands"):
        group = group.commands[rest.pop(0)]
    assert group.make_context("kairos", rest).command is group


def test_what_needs_no_server_is_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    alone = [
        block for block in BLOCKS if block.commands and block.commands[0][0] in ("policy", "try")
    ]
    assert len(alone) == 2
    for block in alone:
        for words in block.commands:
            done = CliRunner().invoke(app, words, standalone_mode=False)
            assert (done.exception, missing(block, done.output)) == (None, []), done.output


@pytest.mark.e2e
@pytest.mark.stack
@pytest.mark.timeout(600)
def test_the_page_plays_in_a_clean_home_and_its_audits_find_nothing(tmp_path: Path) -> None:
    place = tmp_path / "project"
    place.mkdir()
    (place / "kairos").symlink_to(KAIROS)
    (place / "docs").symlink_to(PROJECT / "docs")
    with fresh_home(tmp_path / "home") as home:
        address = API
        for block in BLOCKS:
            done = played(block.typed.replace(API, address), place, home)
            said = done.stdout + done.stderr
            assert (done.returncode, missing(block, said)) == (0, []), said
            if ["up"] in block.commands:
                address = home.json("status", "--json")["api"]["address"]
        assert home.names_left() == []


def played(typed: str, place: Path, home: Home) -> "subprocess.CompletedProcess[str]":
    """A block as a shell takes it, which stops at the first command that fails."""
    return subprocess.run(
        ["sh", "-euc", typed], cwd=place, env=home.environment(KAIROS_API_PORT="0", KAIROS_CONSENT=""),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=400, check=False,
    )  # fmt: skip
