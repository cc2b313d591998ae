"""`kairos shop`: the made-up shop's pictures for the documentation."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import PROJECT, config_from
from scripts.commands.options import Json

app = typer.Typer(help="The demo shop.", no_args_is_help=True)


@app.callback()
def shop() -> None:
    """The demo shop."""


@app.command()
def screenshots(
    to: Annotated[
        Path, typer.Option(help="Folder for the pictures.", show_default="docs")
    ] = PROJECT / "docs",
    json: Json = False,
) -> None:
    """Take the pictures of the documentation from the shop that `kairos demo` or `up --shop` runs."""
    from scripts.demo.screenshots import screenshots as run

    run(config_from(), to, is_json=json)
