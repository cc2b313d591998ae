"""`kairos schemas`: what a new version of a record's schema would break."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import Json

app = typer.Typer(help="What a new version of a record's schema would break.", no_args_is_help=True)


@app.callback()
def schemas() -> None:
    """What a new version of a record's schema would break."""


@app.command()
def check(
    new: Annotated[Path, typer.Argument(help="An Avro schema, .avsc.")],
    against: Annotated[
        Path | None, typer.Option(help="The schema that is in use; without it ours of that name.")
    ] = None,
    json: Json = False,
) -> int:
    """Say field by field whether what runs reads what is written by a new schema, and whether whoever reads by it reads the log.

    Added with a default, or removed where there was one: safe. Renamed: safe with an alias and a default. Widened (int to long to double): read by the new one
    alone, so readers first. Exit code 1 where one side does not read what the other writes.
    """
    from scripts.evolution.check_here import check as run

    return run(new, against, is_json=json)
