"""`kairos rates`: what currencies are worth, so that prices in several can be compared."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue
from scripts.times import time_or_none

app = typer.Typer(
    help="What currencies are worth, so that prices in several can be compared.",
    no_args_is_help=True,
)


@app.command("set")
def set_(
    rates: Annotated[
        list[str],
        typer.Argument(
            help="EUR=1 USD=1.08: one euro is worth 1.08 dollars. All are compared in the first."
        ),
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="From when on they hold; without it, from now on."),
    ] = None,
    json: JsonValue = False,
) -> None:
    """Put rates in force: all of them at once, a currency that is not named has none.

    From then on every price and amount is taken in the first currency: of items, of events, in conditions, texts, carts, purchases and models. What has none of
    these currencies counts as missing, and is counted; what names no currency is in the first. Carts and purchases of before stay as they were worth then.
    """
    from scripts.ops.currency_rates import set_rates

    set_rates(config_from(), rates, time_or_none(from_), is_json=json)


@app.command()
def show(json: JsonValue = False) -> None:
    """Show the rates in force and those that come, and how many items have a price without one."""
    from scripts.ops.currency_rates import show_rates

    show_rates(config_from(), is_json=json)
