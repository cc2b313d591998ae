"""README is one page, and what it and docs/howto.md tell to type is what the command line and the API take."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import typer

from channels.api.bodies import DecisionsRequest, ReactionIn, RecommendationsRequest
from channels.api.names import read_request
from channels.api.read_events import Sender, read_events
from jobs.config import PROJECT
from schemas.formats.field_names import Notices
from schemas.formats.json_lines import event_from_json
from scripts.cli import app

README: Final = (PROJECT / "README.md").read_text()
HOWTO: Final = (PROJECT / "docs" / "howto.md").read_text()
LINES_MAX: Final = 110
BLOCK: Final = re.compile(r"^```\w*\n(.*?)^```", re.M | re.S)
ROOT: Final[Any] = typer.main.get_command(app)
OF_THE_SCRIPT: Final = ("test",)
"""Words that `./kairos` takes before the command line does."""
BODIES: Final[dict[str, Any]] = {
    "/v1/decisions": DecisionsRequest,
    "/api/recommendations": RecommendationsRequest,
}


def typed(page: str, program: str) -> list[list[str]]:
    """The words of every line of a page's blocks that runs a program, without its remark."""
    lines = (line for block in BLOCK.findall(page) for line in block.splitlines())
    return [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith(f"{program} ")
    ]


COMMANDS: Final = [one for page in (README, HOWTO) for one in typed(page, "./kairos")]
REQUESTS: Final = [one for page in (README, HOWTO) for one in typed(page, "curl") if "-d" in one]


def test_it_is_one_page_with_what_a_stranger_looks_for() -> None:
    assert len(README.splitlines()) <= LINES_MAX
    heads = re.findall(r"^## (.+)$", README, re.M)
    assert heads == ["Two commands", "Your own data", "Three links", "Five figures"]
    links, figures = (README.split(f"## {one}\n")[1].split("\n## ")[0] for one in heads[2:])
    assert len(re.findall(r"^- \[", links, re.M)) == 3
    assert len(re.findall(r"^\| \w", figures, re.M)) == 5
    assert "![" in README


@pytest.mark.parametrize("page", ["README.md", "docs/howto.md", "docs/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    path = PROJECT / page
    found = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert found
    assert [one for one in found if not (path.parent / one).exists()] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_one(words: list[str]) -> None:
    if words[0] in OF_THE_SCRIPT:
        assert f"= {words[0]} ]" in Path(PROJECT / "kairos").read_text()
        return
    group, rest = ROOT, list(words)
    while rest and rest[0] in getattr(group, "commands", {}):
        group = group.commands[rest.pop(0)]
    assert group is not ROOT
    assert group.make_context("kairos", rest).command is group


@pytest.mark.parametrize("words", REQUESTS, ids=lambda one: one[0])
def test_every_request_is_taken_to_the_letter(words: list[str]) -> None:
    path = words[0].partition(":8000")[2]
    body = msgspec.json.decode(words[words.index("-d") + 1])
    events = (
        [body] if path == "/v1/events" else body.get("events", body.get("events_in_session", []))
    )
    sender = Sender("s1", "a1")
    assert read_events(events, sender, 1_800_000_000_000, is_strict=False).bad == []
    if path != "/v1/events":
        kind: Any = ReactionIn if path.endswith("/exposed") else BODIES[path]
        read_request(kind, body, Notices(), is_strict=True)


def test_every_event_is_one() -> None:
    shown = [
        one
        for page in (README, HOWTO)
        for one in re.findall(r"^```json\n(.*?)^```", page, re.M | re.S)
    ]
    assert len(shown) == 2
    for one in shown:
        event_from_json(
            b'{"event_id": "e1", '
            + " ".join(one.split()).replace('"event_id": "e1", ', "").encode()[1:]
        )


def test_a_command_that_is_none_and_a_link_that_leads_nowhere_are_found() -> None:
    page = "```\n./kairos items dance   # a remark\n```\n"
    assert typed(page, "./kairos") == [["items", "dance"]]
    assert "dance" not in ROOT.commands["items"].commands
