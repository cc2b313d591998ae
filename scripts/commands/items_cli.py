"""`kairos items`: the catalogue: put in, looked at, taken out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.config import config_from
from scripts.commands.options import Amounts, Json, JsonValue, Partial, Strict
from scripts.times import time_or_none

app = typer.Typer(help="Put in, see and take out items of the catalogue.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A file of items: JSON, CSV, TSV, Parquet, or a product feed.")
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="From when on new items hold; without it, from now on."),
    ] = None,
    form: Annotated[
        Literal["auto", "kairos", "table", "shopify", "google"],
        typer.Option("--format", help="What the file is; auto: by what is in it."),
    ] = "auto",
    number: Amounts = None,
    partial: Partial = False,
    strict: Strict = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="The file holds all items: take out every other one.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --complete, also where that is most of them.")
    ] = False,
    json: Json = False,
) -> None:
    """Put a file's items into the catalogue: new ones, and what has changed; the same file twice changes nothing.

    Of a table (CSV, TSV, Parquet; `table` also of JSON) the columns are fields of an item, or what people call them: sku, title, product_type,
    availability. Others become attributes, and that is said. `shopify` is products.json or the export of products as CSV, `google` a feed of Google Merchant in
    XML or TSV. --complete takes out whatever is not in the file, from whichever file it came. `kairos import EVENTS --items FILE` does the same before it imports events, which new items hold from the earliest of.
    """
    from scripts.files.item_files import ItemForm
    from scripts.files.items_here import Complete, ItemsFile, import_items

    from_ms = time_or_none(from_)
    read = ItemsFile(file, partial, ItemForm(form, number, strict))
    whole = Complete(force) if complete else None
    import_items(config_from(), read, from_ms, whole, is_json=json)


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
