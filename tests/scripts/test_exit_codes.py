"""Every command ends as the one table of exit codes says, here where nothing runs and the home is empty."""

import ast
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.testing import CliRunner

from jobs.config import PROJECT
from schemas.errors import CheckFailed, ConfigError, NotUp, UnusableInput
from scripts.cli import app
from scripts.demo.make_catalogue import DEMO_DATA
from scripts.exit_codes import DONE, FAILED, NOT_UP, REFUSED, code_of, error_of, passed
from tests.builders import NOON
from tests.scripts.files.test_import_events import line

ROOT: Final[Any] = typer.main.get_command(app)
POLICY: Final = str(DEMO_DATA / "shop" / "policy.yaml")
ENDS: Final[dict[int, tuple[str, ...]]] = {
    DONE: (
        "down", "reset", "reset --yes", "try FILE", "audit-data FILE", "features", "accepts", "docs", f"policy check {POLICY}",
        f"policy diff {POLICY} {POLICY}", "policy docs", "control keygen KEY", f"policy draft save {POLICY}",
        "policy draft save NO_EVENTS", "policy draft list",
        "key secret KEY", "key audit", f"experiment list --policy {POLICY}", "consent proof p", "key create --name anna --role viewer --file KEYS", "cluster down",
        "replay status", "retention", "simulate tiny --people 3",
    ),
    FAILED: (
        "try NO_EVENTS", "audit-data NO_EVENTS", "policy check NO_EVENTS", "policy publish NO_EVENTS", "convert FILE OUT --format snowplow", "mapping check GONE",
    ),
    REFUSED: (
        "evaluate", "evaluate-policy GONE", "kpi --by nothing", "kpi --alerts --daily", "kpi --events GONE", "outcomes --out OUT --events GONE", "key list --file KEYS", "convert GONE OUT --format snowplow", "key revoke nobody --file KEYS", "key person-token p --file KEYS",
        "key revoke-token t --file KEYS", "key revoke-person p --file KEYS", "key rotate-secret --file KEYS", "control sign",
        "model publish nobody", "rates set USD=1.08", "verify archive", "replay", "replay --evaluate", f"replay --evaluate --policy {POLICY} --prefix p.", f"replay --evaluate --policy {POLICY} --reward joy", "replay --prefix p. --against GONE", "replay pause p.", "replay resume p.",
        "retention set items 30", "retention set savepoints 30", "retention set decisions 0", "train --events GONE", "logs", "policy draft show gone", "policy draft diff gone", "policy draft publish gone", "policy draft delete gone",
         "items import GONE", "mapping try GONE FILE", "schemas check GONE", "infer GONE", "simulate GONE", "simulate tiny --url http://x", "convert FILE OUT", "forget", "forget p --requested", "items import NO_EVENTS", "dance", "status --no-such-option", "status --quality --watch",
    ),
    NOT_UP: (
        "import FILE", "kpi", "kpi --alerts", "outcomes --out OUT", "status", "status --quality", "items import ITEMS", "items list", "items show i", "items remove i", "train", "explain d", "why-not p a", "verify", "verify replay", "verify skew", "archive",
        f"policy publish {POLICY}", "experiment show hero", "experiment plan", "policy history", "policy scheduled", "policy take-back", "policy rollback", "policy show", "model list", "model rollback",
        "control list", "rates set EUR=1", "rates show", "replay --prefix p.", f"replay --evaluate --policy {POLICY}", "cluster status", "cluster stop decide", "cluster savepoint decide",
        "cluster cancel decide", "replay drop p.", "upgrade decide", "decide", "learn", "compare p.", "docs --pictures", "api", "forget p --yes", "forget --requested",
        "export p", "retention set decisions 30", "dead-letters list", "dead-letters show", "dead-letters repair", "dead-letters replay", "simulate tiny --live",
    ),
}  # fmt: skip
"""By exit code: command lines; files that are named in capitals are made for them, or not."""
NOT_RUN: Final = {
    "demo", "up", "cluster up", "bench latency", "bench api", "bench optout", "bench flood", "bench throughput", "bench budget", "bench rank", "bench decode", "bench decide",
    "bench replay", "bench state", "bench evaluate", "chaos", "package", "cluster keys",
    "doctor",  # by what this machine has: tests/e2e/test_cli.py
}  # fmt: skip
"""They start servers, measure for minutes, or write archives: tests that run them look at their codes."""
LINES: Final = [(code, one) for code, lines in ENDS.items() for one in lines]


def leaves(group: Any = ROOT, words: tuple[str, ...] = ()) -> set[str]:
    """Every command that does something, by its words."""
    if not hasattr(group, "commands"):
        return set() if group.hidden else {" ".join(words)}
    own = {" ".join(words)} if group.invoke_without_command else set()
    return own.union(*(leaves(one, (*words, name)) for name, one in group.commands.items()))


def command_of(typed: str) -> str:
    """The longest command that the line begins with; empty: none."""
    return max((one for one in leaves() if f"{typed} ".startswith(f"{one} ")), key=len, default="")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the names in capitals stand for."""
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    found = {
        one: str(tmp_path / one.lower())
        for one in ("FILE", "ITEMS", "NO_EVENTS", "GONE", "OUT", "KEY", "KEYS")
    }
    Path(found["FILE"]).write_text(line("e1", NOON))
    Path(found["ITEMS"]).write_text('{"item_id": "i1"}')
    Path(found["NO_EVENTS"]).write_text("junk\n")
    return found


def end_of(words: list[str]) -> int:
    """The exit code of a command, which `scripts.cli.main` takes from the same table."""
    done = CliRunner().invoke(app, words, standalone_mode=False)
    error: Any = done.exception
    if error is None:
        return int(done.return_value or DONE)
    if isinstance(error, ConfigError):
        return code_of(error)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if not hasattr(error, "show"):
        raise error
    return REFUSED  # what was typed wrong


@pytest.mark.parametrize(("code", "typed"), LINES, ids=[typed for _, typed in LINES])
def test_a_command_ends_as_the_table_says(code: int, typed: str, files: dict[str, str]) -> None:
    assert end_of([files.get(one, one) for one in typed.split()]) == code


def test_every_command_is_run_or_said_to_be_not() -> None:
    assert {command_of(typed) for _, typed in LINES} - {""} | NOT_RUN == leaves()


def test_the_kinds_of_error_have_their_codes() -> None:
    assert [code_of(one("x")) for one in (ConfigError, CheckFailed, UnusableInput, NotUp)] == [
        2,
        1,
        1,
        3,
    ]
    assert (passed(True), passed(False)) == (0, 1)
    assert [error_of(code) for code in (2, 3)] == [ConfigError, NotUp]


def literal_codes(source: str) -> list[int]:
    """Lines that end a command with a number of their own."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.IfExp):
            parts = [node.value.body, node.value.orelse]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
            parts = node.args
        else:
            continue
        numbers = [one for one in parts if isinstance(one, ast.Constant) and type(one.value) is int]
        if len(numbers) == len(parts) > 0:
            found.append(node.lineno)
    return sorted(found)


def test_no_command_has_a_code_of_its_own() -> None:
    for path in (PROJECT / "scripts").rglob("*.py"):
        assert literal_codes(path.read_text()) == [], path
    assert literal_codes("def f(a):\n    return 0 if a else 1\nraise typer.Exit(2)\n") == [2, 3]
