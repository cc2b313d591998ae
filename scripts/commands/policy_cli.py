"""`kairos policy`: check a file, publish it, see what was published, compare, go back."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands import draft_cli
from scripts.commands.options import EffectiveFrom, JsonValue, Reason, Until
from scripts.console import show_json

app = typer.Typer(help="Check, publish, compare and take back policies.", no_args_is_help=True)
app.add_typer(draft_cli.app, name="draft")
Named = Annotated[str, typer.Argument(help="A version (or the beginning of it), or a file.")]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files (YAML).")],
    json: JsonValue = False,
) -> int:
    """Say ok, or name every mistake with its line; exit code 1 where there is one."""
    from scripts.policy.policies_here import check_files

    return check_files(files, is_json=json)


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="A policy file (YAML).")],
    name: Annotated[str, typer.Option(help="Whose policy it is.")] = "default",
    effective_from: EffectiveFrom = None,
    until: Until = None,
    version: Annotated[
        str | None, typer.Option(help="What decisions call it; without it, a hash of the content.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why there is this version; `history` shows it.")] = "",
    reason: Reason = "",
    json: JsonValue = False,
) -> None:
    """Check a file and put it in force: it decides events from then on.

    The version bears your name and the note, as `kairos policy history` shows. Where the holdout or an experiment would end before its time, --reason has to say why.
    """
    from scripts.policy.moments import time_given
    from scripts.policy.policies_here import Called, When
    from scripts.policy.policies_here import publish as run

    when = When(time_given(effective_from), time_given(until))
    run(file, Called(name, version, note, reason), when, is_json=json)


@app.command()
def scheduled(json: JsonValue = False) -> None:
    """Show what was published for a time to come, and what will end."""
    from scripts.policy.policies_here import show_scheduled_here

    show_scheduled_here(is_json=json)


@app.command("take-back")
def take_back(
    version: Annotated[
        str | None,
        typer.Argument(help="A version (or its beginning); without it, the only one announced."),
    ] = None,
    effective_from: Annotated[
        str | None, typer.Option("--effective-from", help="Its time, where it is announced twice.")
    ] = None,
    json: JsonValue = False,
) -> None:
    """Take back what was published for a time to come; what is in force before goes on."""
    from scripts.policy.moments import time_given
    from scripts.policy.policies_here import take_back as run

    run(version, time_given(effective_from), is_json=json)


@app.command()
def history(json: JsonValue = False) -> None:
    """Show every version that was published, the newest first, and which of them decides now."""
    from jobs.publish import now_ms
    from scripts.policy.policies_here import policies_here
    from scripts.policy.policy_versions import history_json, show_history

    rows = history_json(policies_here(), now_ms())
    (show_json if json else show_history)(rows)


@app.command()
def diff(
    before: Named,
    after: Annotated[
        str | None, typer.Argument(help="Without it: the live one to the first.")
    ] = None,
    json: JsonValue = False,
) -> None:
    """Show what differs between two versions or files; with one given, from the live one to it."""
    from scripts.policy.policies_here import show_difference

    show_difference(before, after, is_json=json)


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Without it, the one that was before the present one.")
    ] = None,
    effective_from: EffectiveFrom = None,
    reason: Reason = "",
    json: JsonValue = False,
) -> None:
    """Put a policy in force again that was before; done twice, it is undone."""
    from scripts.policy.moments import time_given
    from scripts.policy.policies_here import roll_back

    roll_back(version, time_given(effective_from), reason, is_json=json)


@app.command("show")
def show_one(
    version: Annotated[str | None, typer.Argument(help="Without it, the live one.")] = None,
) -> None:
    """Print a published policy as a file that reads as this policy."""
    from scripts.policy.policies_here import show_file

    show_file(version)


@app.command()
def docs(
    write: Annotated[bool, typer.Option("--write", help="Write docs/policy.md.")] = False,
) -> None:
    """Print what a policy's file may hold: every field and every attribute."""
    from scripts.pages import show_page
    from scripts.policy.policy_docs import PAGE, page

    show_page(page(), PAGE, is_written=write)
