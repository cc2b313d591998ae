"""Homes: whose data one holds, the demo's own, and emptying one: nothing that lives is touched, nothing of the user's goes."""

import os
from pathlib import Path
from typing import Any

import pytest

from jobs.config import PROJECT, Config, config_from
from jobs.stack import state
from schemas.errors import ConfigError
from scripts.demo.demo import DEFAULTS
from scripts.ops import reset as module
from scripts.ops import up
from scripts.ops.home_note import (
    BEGUN,
    forget_start,
    has_data,
    note_import,
    read_note,
    whose,
    write_note,
)
from scripts.ops.homes import DEMOS, USUAL, elsewhere, in_home
from scripts.ops.reset import EMPTIED, begin_demo, reset

STAYS = ("jars", "tools", "secrets", "flink-keys", "archive", "demo", "mine")
"""Folders that a reset leaves, the demo's home and anything unknown among them."""


def settings(home: Path, **more: str) -> Config:
    return config_from({"KAIROS_HOME": str(home)} | more)


def begun(home: Path) -> Path:
    """A home in which something was started once."""
    for name in STAYS:
        (home / name).mkdir(parents=True)
    for name in EMPTIED:
        if "." not in name:
            (home / name / "deep").mkdir(parents=True)
    (home / BEGUN).parent.mkdir(parents=True)
    (home / BEGUN).touch()
    os.utime(home / BEGUN, (1_767_225_600, 1_767_225_600))
    (home / "audit.jsonl").touch()
    return home


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    for where in (module, up):
        monkeypatch.setattr(where, "say", lines.append)
    monkeypatch.setattr(module, "show", lines.append)
    return lines


def nobody(_: str) -> bool:
    raise AssertionError("nobody is to be asked")


# --- whose --------------------------------------------------------------------------------------------------


def test_whose_data_a_home_holds_is_said_from_what_is_there(tmp_path: Path) -> None:
    assert whose(tmp_path) == f"{tmp_path} holds no data"
    home = begun(tmp_path)
    assert whose(home) == f"{home} holds your data since 2026-01-01"
    note_import(settings(home), [Path("folder/a.jsonl")])
    on = whose(home).rpartition(" on ")[2]
    assert (
        whose(home, 1)
        == f"{home} holds your data since 2026-01-01, 1 item, last import a.jsonl on {on}"
    )
    note_import(settings(home), [Path("a.jsonl"), Path("b.jsonl"), Path("c.jsonl")])
    write_note(home, has_shop=True)
    assert whose(home, 2) == (
        f"{home} holds your data since 2026-01-01, 2 items, the demo shop's among them, "
        f"last import a.jsonl and 2 more on {on}"
    )
    write_note(home, is_demo=True, has_shop=False, imported="")
    assert whose(home) == f"{home} holds the demo's data since 2026-01-01"


def test_what_goes_into_another_kafka_is_not_noted(tmp_path: Path) -> None:
    note_import(settings(tmp_path, KAIROS_KAFKA="k:1"), [Path("a.jsonl")])
    assert not list(tmp_path.iterdir())


def test_a_note_of_a_start_that_came_to_nothing_is_forgotten(tmp_path: Path) -> None:
    write_note(tmp_path, is_demo=True)
    forget_start(tmp_path)
    assert not read_note(tmp_path).is_demo
    write_note(begun(tmp_path), is_demo=True)
    forget_start(tmp_path)
    assert read_note(tmp_path).is_demo


@pytest.mark.parametrize(
    ("records", "items", "words"),
    [
        (0, 0, "{home} holds no items yet: `"),
        (3, 2, "{home} holds your data since 2026-01-01, 2 items"),
        (1_000_000, -1, "{home} holds your data since 2026-01-01"),
    ],
)
def test_up_says_whose_data_it_holds(
    records: int, items: int, words: str, tmp_path: Path, said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    home = begun(tmp_path)
    monkeypatch.setattr(up, "running_kafka", lambda _: "k:1")
    monkeypatch.setattr(up, "ends_of", lambda _, topics: {topics[0]: {0: records}})
    monkeypatch.setattr(up, "items_in_force", lambda *_: range(items))
    up.show_holding(settings(home))
    assert said[0].startswith(words.format(home=home))
    assert len(said) == 1


def test_up_on_another_kafka_says_so(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "running_kafka", lambda _: "k:1")
    up.show_holding(settings(tmp_path, KAIROS_KAFKA="k:1"))
    assert said == ["all data are in the Kafka at k:1"]


# --- where --------------------------------------------------------------------------------------------------


def test_the_demo_has_a_home_of_its_own_unless_one_is_named(tmp_path: Path) -> None:
    assert config_from({}, DEFAULTS).home == DEMOS != USUAL == config_from({}).home
    assert config_from({"KAIROS_HOME": str(tmp_path)}, DEFAULTS).home == tmp_path


@pytest.mark.parametrize(
    ("home", "here", "typed"),
    [
        (USUAL, PROJECT, "./kairos explain d"),
        (DEMOS, PROJECT, "KAIROS_HOME=.kairos/demo ./kairos explain d"),
        (DEMOS, Path("/"), f"KAIROS_HOME={DEMOS} {PROJECT}/kairos explain d"),
        (Path("/a b"), PROJECT, "KAIROS_HOME='/a b' ./kairos explain d"),
    ],
)
def test_a_command_is_typed_as_it_works_where_one_stands(
    home: Path, here: Path, typed: str
) -> None:
    assert in_home(home, "explain d", here) == typed


def test_who_asks_the_usual_home_while_the_demo_runs_is_told_of_the_demos(tmp_path: Path) -> None:
    assert elsewhere(USUAL, "status", tmp_path) == ""
    state.write_state(tmp_path, state.State(state.running(os.getpid())))
    assert elsewhere(USUAL, "status", tmp_path) == (
        f"; the demo runs, in a home of its own: `{in_home(tmp_path, 'status')}`"
    )
    assert elsewhere(tmp_path / "other", "status", tmp_path) == ""


# --- the demo begins anew -------------------------------------------------------------------------------------


def test_a_demo_begins_anew_in_its_own_home_and_in_an_empty_one(
    tmp_path: Path, said: list[str]
) -> None:
    home = tmp_path / "new"
    begin_demo(settings(home))
    assert (said, read_note(home).is_demo) == ([], True)
    begun(home)
    begin_demo(settings(home))
    assert said == [f"the demo begins anew: what the last one left in {home} is removed"]
    assert not has_data(home)
    assert read_note(home).is_demo


@pytest.mark.parametrize("noted", [{}, {"is_demo": True, "imported": "a.jsonl"}])
def test_a_demo_is_refused_where_somebodys_data_are(noted: dict[str, Any], tmp_path: Path) -> None:
    home = begun(tmp_path)
    write_note(home, **noted)
    with pytest.raises(
        ConfigError, match=r"would put its own among them.* reset` empties this one"
    ):
        begin_demo(settings(home))
    assert has_data(home)


def test_the_demos_own_home_shares_the_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "USUAL", tmp_path)
    monkeypatch.setattr(module, "DEMOS", tmp_path / "demo")
    for _ in range(2):
        begin_demo(settings(tmp_path / "demo"))
        assert (tmp_path / "demo" / "jars").resolve() == tmp_path / "jars"


# --- reset ------------------------------------------------------------------------------------------------------


def test_reset_takes_what_happened_and_leaves_the_rest(tmp_path: Path, said: list[str]) -> None:
    home = begun(tmp_path)
    reset(settings(home, KAIROS_REDIS="r:1"), is_sure=True, ask=nobody)
    assert {one.name for one in home.iterdir()} == {*STAYS, "audit.jsonl", "stack.lock"}
    assert said[0].startswith(f"{home} is empty now; kept are ")
    assert said[1:] == ["untouched: the store at r:1"]
    reset(settings(home), is_sure=False, ask=nobody)
    assert said[-1] == f"{home} is empty"


def test_reset_without_a_terminal_wants_to_be_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = begun(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(ConfigError, match=r"since 2026-01-01; `.* reset --yes` deletes it"):
        reset(settings(home), is_sure=False, ask=nobody)
    assert has_data(home)


@pytest.mark.parametrize("answer", [True, False])
def test_reset_asks_on_a_terminal(
    answer: bool, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = begun(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked: list[str] = []

    def answering(text: str) -> bool:
        asked.append(text)
        return answer

    reset(settings(home), is_sure=False, ask=answering)
    assert asked == [f"{home} holds your data since 2026-01-01. Delete all of it for good?"]
    assert has_data(home) is not answer
    assert said[0] == ("nothing was changed" if not answer else said[0])


def test_reset_and_demo_are_refused_while_something_runs_there(tmp_path: Path) -> None:
    home = begun(tmp_path)
    write_note(home, is_demo=True)
    me = state.running(os.getpid())
    state.write_state(home, state.State(me))
    with pytest.raises(ConfigError, match=r"is up: `.* down` stops it first"):
        reset(settings(home), is_sure=True, ask=nobody)
    with pytest.raises(ConfigError, match=r"is up: `.* down` stops it first"):
        begin_demo(settings(home))
    (home / "stack.json").unlink()
    state.write_state(
        home / "cluster", state.State(me, (state.Service("jobmanager", "127.0.0.1:1", me),))
    )
    with pytest.raises(ConfigError, match=r"a cluster runs in .* cluster down` stops it first"):
        reset(settings(home), is_sure=True, ask=nobody)
    assert has_data(home)
