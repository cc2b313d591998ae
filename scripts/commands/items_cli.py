"""`kairos items`: the catalogue: put in, looked at, taken out."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import Json, JsonValue, Partial, Strict
from scripts.times import time_or_none

app = typer.Typer(help="Put in, see and take out items of the catalogue.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file of items: JSON Lines.")],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="From when on new items hold; without it, from now on."),
    ] = None,
    partial: Partial = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Put a file's items into the catalogue: new ones, and what has changed; the same file twice changes nothing.

    `kairos import EVENTS --items FILE` does the same before it imports events, which new items hold from the earliest of.
    """
    from scripts.files.items_here import ItemsFile, import_items

    from_ms = time_or_none(from_)
    import_items(config_from(), ItemsFile(file, partial, strict), from_ms, is_json=json)


@app.command("list")
def list_(
    most: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many at most.")] = 100,
    json: JsonValue = False,
) -> None:
    """Show the items that are in the catalogue now."""
    from scripts.files.items_here import list_items

    list_items(config_from(), most, is_json=json)


@app.command()
def show(
    item: Annotated[str, typer.Argument(help="An item's id.")], json: JsonValue = False
) -> None:
    """Show every version of an item, the newest first, and which of them is in force."""
    from scripts.files.items_here import show_item

    show_item(config_from(), item, is_json=json)


@app.command()
def remove(
    items: Annotated[list[str], typer.Argument(help="Ids of items.")], json: Json = False
) -> None:
    """Take items out of the catalogue: from two seconds later on they are not offered; what was decided stays explained."""
    from scripts.files.items_here import remove_items

    remove_items(config_from(), items, is_json=json)
