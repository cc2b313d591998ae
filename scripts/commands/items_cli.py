"""`kairos items`: the catalogue: put in, looked at, taken out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.config import config_from
from scripts.commands.options import Amounts, Follow, Json, JsonValue, Partial, Strict, Topic
from scripts.exit_codes import DONE
from scripts.times import time_or_none

app = typer.Typer(help="Put in, see and take out items of the catalogue.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file of items: JSON, CSV, TSV, Parquet, or a product feed."),
    ] = None,
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
    topic: Topic = None,
    follow: Follow = False,
    json: Json = False,
) -> int:
    """Put a file's items into the catalogue: new ones, and what has changed; the same file twice changes nothing.

    Of a table (CSV, TSV, Parquet; `table` also of JSON) the columns are fields of an item, or what people call them: sku, title, product_type,
    availability. Others become attributes, and that is said. `shopify` is products.json or the export of products as CSV, `google` a feed of Google Merchant in
    XML or TSV. --complete takes out whatever is not in the file, from whichever file it came.

    --topic reads such JSON from a topic of others, from where it stopped the last time to its end, or for ever with --follow; a null value takes out the item
    that is its key. `kairos import EVENTS --items FILE` does the same as a file here before it imports events, which new items hold from the earliest of.
    """
    from scripts.files.foreign_topics import file_or_topic, items_of_topic
    from scripts.files.item_files import ItemForm
    from scripts.files.items_here import Complete, ItemsFile, import_items

    read_as = ItemForm(form, number, strict)
    paths = file_or_topic([file] if file else [], topic, is_complete=complete, follows=follow)
    if topic is not None:
        return items_of_topic(config_from(), topic, read_as, is_followed=follow, is_json=json)
    from_ms = time_or_none(from_)
    read = ItemsFile(paths[0], partial, read_as)
    whole = Complete(force) if complete else None
    import_items(config_from(), read, from_ms, whole, is_json=json)
    return DONE


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
