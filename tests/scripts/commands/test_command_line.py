"""The command line as it is put together: what its options name is there, and asking for help loads next to nothing."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, get_args

import pytest
import typer
from typer.testing import CliRunner

from channels.security.keys import Scope
from jobs.config import PROJECT, config_from
from schemas import CODE_VERSION
from schemas.formats import OF_OTHERS
from scripts import help_pages
from scripts.cli import app
from scripts.commands import decision_cli, engine_cli
from scripts.commands.files_cli import Foreign, Format
from scripts.commands.key_cli import SCOPES
from scripts.exit_codes import MEANINGS
from scripts.files.convert_file import ITEMS_OF
from scripts.files.event_files import FOREIGN, JSON_NAMES
from scripts.help_examples import EXAMPLES
from scripts.ops.local_audit import read_log_of

ROOT: Final[Any] = typer.main.get_command(app)
HEAVY: Final = (
    "numpy", "scipy", "xgboost", "pyarrow", "fastavro", "confluent_kafka", "pyflink", "litestar", "uvicorn", "psutil", "lark", "redis",
    "msgspec", "rich", "yaml", "cryptography", "ssl", "asyncio",
)  # fmt: skip
OURS: Final = {
    "schemas", "schemas.errors", "schemas.limits", "schemas.rates", "schemas.times", "schemas.topics", "log", "log.registry_address", "log.settings",
    "log.store_address", "jobs", "jobs.config", "jobs.setting_values", "jobs.learning", "jobs.learning.model_roots", "jobs.stack",
    "jobs.stack.ports", "jobs.stack.interrupts", "jobs.stack.private", "scripts", "scripts.cli", "scripts.console", "scripts.exit_codes", "scripts.help_examples", "scripts.help_pages", "scripts.times",
}  # fmt: skip
"""What of ours a trivial command may load, beside the words of the commands."""
LAYERS: Final = ("schemas", "log", "models", "udfs", "jobs", "channels", "scripts")
LOOK: Final = """
import json, sys
from scripts.cli import main
sys.argv = ["kairos", sys.argv[1]]
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(sys.modules)]))
"""


def visible(group: Any = ROOT, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every command that help shows, by its words."""
    found = {" ".join(words): group} if words else {}
    for name, one in getattr(group, "commands", {}).items():
        if not one.hidden:
            found |= visible(one, (*words, name))
    return found


def test_formats_of_files_are_those_that_are_read() -> None:
    assert set(get_args(Format)) == {*JSON_NAMES, *OF_OTHERS, *FOREIGN}
    assert set(get_args(Foreign)) == {*OF_OTHERS, *FOREIGN, *ITEMS_OF}
    assert set(ITEMS_OF.values()) <= FOREIGN.keys()


def test_scopes_of_keys_are_those_that_the_api_knows() -> None:
    assert get_args(Scope) == SCOPES


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_a_trivial_command_loads_nothing_that_only_a_command_needs(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOOK, asked], cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    *said, last = done.stdout.splitlines()
    code, loaded = json.loads(last)
    assert code == 0
    assert said
    assert [one for one in HEAVY if one in loaded] == []
    ours = {one for one in loaded if one.partition(".")[0] in LAYERS}
    assert {one for one in ours - OURS if not one.startswith("scripts.commands")} == set()


def test_the_version_is_that_which_decisions_name() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"kairos {CODE_VERSION}\n")


def test_help_has_every_command_in_exactly_one_group() -> None:
    grouped = [name for names in help_pages.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(name for name in visible() if " " not in name)
    shown = CliRunner().invoke(app, ["--help"]).output
    places = [shown.index(f"\n{group}:\n") for group in help_pages.GROUPS]
    assert places == sorted(places)
    assert shown.index("  demo ") < shown.index("  down ") < shown.index("  policy ")


def test_help_tells_the_exit_codes() -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for code, meaning in MEANINGS.items():
        assert f"{code} {meaning}" in shown


def test_every_command_shows_two_examples_and_no_other_has_any() -> None:
    assert EXAMPLES.keys() == visible().keys()
    for words, examples in EXAMPLES.items():
        assert visible()[words].epilog.endswith("\n".join(f"./kairos {one}" for one in examples))
        assert len(set(examples)) == 2, words
    shown = CliRunner().invoke(app, ["policy", "check", "--help"]).output
    assert "\n  Examples:\n" in shown
    assert all(f"\n  ./kairos {one}\n" in shown for one in EXAMPLES["policy check"])


@pytest.mark.parametrize("words", EXAMPLES)
def test_an_example_is_read_as_the_command_that_it_stands_at(words: str) -> None:
    for example in EXAMPLES[words]:
        assert read(shlex.split(example)).startswith(words), example


def read(arguments: list[str]) -> str:
    """The words of the command that the command line takes these for; it is not run. Raises a usage error."""
    context = ROOT.make_context("kairos", list(arguments))
    found: list[str] = []
    while hasattr(context.command, "commands") and context._protected_args + context.args:
        name, command, rest = context.command.resolve_command(
            context, context._protected_args + context.args
        )
        found.append(name)
        context = command.make_context(name, rest, parent=context)
    return " ".join(found)


def test_what_opens_the_shop_keeps_every_feature_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the shop could not show on what its decisions rest."""
    shares: list[float] = []
    monkeypatch.delenv("KAIROS_TRACE_SHARE", raising=False)
    monkeypatch.setattr(
        "scripts.ops.up.hold_engine", lambda one, **_: shares.append(one.trace_share)
    )
    monkeypatch.setattr("scripts.demo.demo.demo", lambda one, *_: shares.append(one.trace_share))
    engine_cli.supervise(shop=True)
    engine_cli.demo()
    engine_cli.supervise()
    assert shares == [1.0, 1.0, 0.01]


def test_explain_makes_a_trace_again_from_the_log_and_the_archive_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    made: list[Any] = []

    def find(kafka: str, prefix: str, decision_id: str, trust: Any, again: Any) -> Any:
        made.append((kafka, decision_id, again(decision_id)))
        return SimpleNamespace(decision=SimpleNamespace(person="anna"))

    monkeypatch.setattr("scripts.ops.status.running_kafka", lambda _: "k:1")
    monkeypatch.setattr(
        "scripts.audit.deployed_log.Log", lambda kafka, _, archive: (kafka, archive)
    )
    monkeypatch.setattr("scripts.audit.verify.trace_again", lambda *given: given)
    monkeypatch.setattr("scripts.audit.explanation.find", find)
    monkeypatch.setattr("scripts.audit.explanation.explained_json", lambda _: {})
    decision_cli.explain("d1", archive="s3://bucket/kairos", json=True)
    assert made == [("k:1", "d1", (("k:1", "s3://bucket/kairos"), "d1"))]
    (look,) = read_log_of(config_from()).looks_at("anna", 9)
    assert (look.what, look.details["decision"]) == ("read decision", "d1")


def test_explain_against_another_decision_is_a_look_at_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))

    def find(kafka: str, prefix: str, decision_id: str, *_: Any) -> Any:
        versions = SimpleNamespace(policy="p")
        return SimpleNamespace(
            decision=SimpleNamespace(person=f"of-{decision_id}", versions=versions), trace=None
        )

    monkeypatch.setattr("scripts.ops.status.running_kafka", lambda _: "k:1")
    monkeypatch.setattr("scripts.audit.explanation.find", find)
    monkeypatch.setattr("scripts.audit.difference.announced", lambda *_: [])
    monkeypatch.setattr("scripts.audit.difference.against", lambda *_: {"differences": []})
    decision_cli.explain("d1", against="d2", json=True)
    looks = [read_log_of(config_from()).looks_at(person, 9) for person in ("of-d1", "of-d2")]
    assert [[one.details["decision"] for one in found] for found in looks] == [["d1"], ["d2"]]


def test_why_not_is_a_look_at_the_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    monkeypatch.setattr("scripts.ops.status.running_kafka", lambda _: "k:1")
    monkeypatch.setattr("scripts.audit.why_not.why_not", lambda *_: SimpleNamespace(sentence="no"))
    decision_cli.why_not("anna", "a1")
    (look,) = read_log_of(config_from()).looks_at("anna", 9)
    assert (look.what, look.details["action"]) == ("read why not", "a1")
