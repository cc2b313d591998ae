"""`kairos policy draft`: policies that are kept in the home and not in force, also unfinished ones."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import EffectiveFrom, JsonValue, Reason, Until

app = typer.Typer(
    help="Keep policies that are not in force: unfinished, or for later.", no_args_is_help=True
)
Draft = Annotated[str, typer.Argument(help="The name of a draft.")]


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="A policy file (YAML).")],
    name: Annotated[
        str | None, typer.Option(help="What it is called; without it, as the file.")
    ] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    json: JsonValue = False,
) -> None:
    """Keep a file as a draft, in place of an older one of its name; mistakes are told and may be there."""
    from scripts.policy.drafts_here import save as run

    run(file, name, note, is_json=json)


@app.command("list")
def list_all(json: JsonValue = False) -> None:
    """Show every draft, the one saved last first."""
    from scripts.policy.drafts_here import show_list

    show_list(is_json=json)


@app.command("show")
def show_one(draft: Draft, json: JsonValue = False) -> None:
    """Print a draft as it was saved."""
    from scripts.policy.drafts_here import show_one as run

    run(draft, is_json=json)


@app.command()
def diff(draft: Draft, json: JsonValue = False) -> None:
    """Show what would change if a draft were published now."""
    from scripts.policy.drafts_here import show_difference

    show_difference(draft, is_json=json)


@app.command()
def publish(
    draft: Draft,
    effective_from: EffectiveFrom = None,
    until: Until = None,
    note: Annotated[
        str | None, typer.Option(help="Why there is this version; without it, the draft's note.")
    ] = None,
    reason: Reason = "",
    json: JsonValue = False,
) -> None:
    """Check a draft and put it in force, as `kairos policy publish` does with a file; the draft stays."""
    from scripts.policy.drafts_here import publish as run
    from scripts.policy.moments import time_given
    from scripts.policy.policies_here import When

    run(draft, note, reason, When(time_given(effective_from), time_given(until)), is_json=json)


@app.command()
def delete(draft: Draft, json: JsonValue = False) -> None:
    """Delete a draft; what was published of it stays in force."""
    from scripts.policy.drafts_here import delete as run

    run(draft, is_json=json)
