"""Dead letters on the console: what its process tells is shown, who looked is noted, a fault is a sentence."""

from pathlib import Path

import pytest

from channels.api.audit_log import Actor
from channels.console.letter_bodies import LetterEdits
from jobs.config import PROJECT, config_from
from schemas.errors import ConfigError
from scripts.letters.letters_child import Asked, Told
from scripts.ops import console_letters
from scripts.ops.console_letters import ConsoleLetters
from scripts.ops.counting import WAITED_S, NotCounted
from scripts.ops.local_audit import audit_log_of

ANNA = Actor("anna", "operator", "127.0.0.1")
GIVEN = LetterEdits("invalid_value", "events", renames=("a=b",))


class Child:
    """The process: what it was asked, and what it tells."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.told = Told({"letters": 3})

    def __call__(self, _: object, asked: Asked, kind: type[Told]) -> Told:
        self.asked.append(asked)
        return self.told


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    found = Child()
    monkeypatch.setattr(console_letters, "ask", found)
    return found


@pytest.fixture
def desk(tmp_path: Path) -> ConsoleLetters:
    return ConsoleLetters(config_from({"KAIROS_HOME": str(tmp_path)}), "nowhere:1")


def test_who_looks_at_what_mending_makes_stands_in_the_audit_log(
    desk: ConsoleLetters, child: Child, tmp_path: Path
) -> None:
    assert desk.repair_letters(ANNA, GIVEN) == {"letters": 3}
    assert (child.asked[0].act, child.asked[0].given) == ("try", GIVEN)
    (look,) = audit_log_of(config_from({"KAIROS_HOME": str(tmp_path)})).newest(9)
    assert (look.who, look.what, look.details["reason"]) == ("anna", "read dead letters", "invalid_value")  # fmt: skip


def test_counts_are_asked_for_once_until_some_are_sent(desk: ConsoleLetters, child: Child) -> None:
    for _ in range(3):
        assert desk.letter_kinds() == {"letters": 3}
    desk.replay_letters(ANNA, GIVEN)
    desk.letter_kinds()
    assert [one.act for one in child.asked] == ["count", "send", "count"]
    assert child.asked[1].actor == ANNA


def test_why_nothing_could_be_done_is_told(
    desk: ConsoleLetters, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.told = Told(fault="the mapping, line 3: no")
    with pytest.raises(ConfigError, match="line 3: no"):
        desk.replay_letters(ANNA, GIVEN)

    def late(*_: object) -> Told:
        raise NotCounted("counting takes longer than 18 s")

    monkeypatch.setattr(console_letters, "ask", late)
    with pytest.raises(ConfigError, match="18 s: `kairos dead-letters` takes its time"):
        desk.letter_kinds()


def test_the_page_says_how_long_it_waits() -> None:
    page = (PROJECT / "docs" / "console.md").read_text()
    assert f"the page gives up after {WAITED_S:.0f} seconds" in page
