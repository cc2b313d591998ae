"""`kairos mapping`: how records of others become events, as a file, checked and tried."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import Json

app = typer.Typer(help="How records of others become events, as a file.", no_args_is_help=True)


@app.callback()
def mapping() -> None:
    """How records of others become events, as a file."""


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A mapping, YAML.")]) -> None:
    """Say what a mapping makes, what is wrong in it, and what may not be meant; exit code 1 where it cannot be used."""
    from scripts.mappings.mapping_here import check_mapping

    check_mapping(file)


@app.command("try")
def try_(
    file: Annotated[Path, typer.Argument(help="A mapping, YAML.")],
    events: Annotated[list[Path], typer.Argument(help="Files of records: JSON Lines or an array.")],
    last: Annotated[int, typer.Option(min=0, max=1_000, help="Show so many events whole.")] = 3,
    json: Json = False,
) -> int:
    """Show what a mapping makes of records: how many become what, which of our fields they fill, which fields of theirs no rule reads.

    Nothing is written. `import`, `convert` and `try` read by it with --mapping FILE. Exit code 1 where nothing, or less than half, is an
    event.
    """
    from scripts.mappings.mapping_here import try_mapping

    return try_mapping(file, events, last, is_json=json)
