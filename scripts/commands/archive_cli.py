"""`kairos archive`: what is older than Kafka keeps."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue
from scripts.times import time_or_none

To = Annotated[
    str | None,
    typer.Option("--to", metavar="DIR", help="A folder, or an address that fsspec knows; without it, in KAIROS_HOME."),
]  # fmt: skip

app = typer.Typer()


@app.command()
def archive(
    to: To = None,
    until: Annotated[
        str | None, typer.Option(metavar="T", help="Only what is before here.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on every ten minutes, until Ctrl-C.")
    ] = False,
    json: JsonValue = False,
) -> None:
    """Write `events` and `decisions` to Parquet files by day: only what is not there yet.

    Whatever interrupts it, the same command goes on, and every record is archived once.
    """
    from scripts.ops.archive import run

    run(config_from(), to, time_or_none(until), is_following=follow, is_json=json)
