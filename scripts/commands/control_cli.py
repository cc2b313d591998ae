"""`kairos control`: who may publish: keys, signatures, what the records of `control` are worth."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue

app = typer.Typer(
    help="Who may publish: keys and signatures of policies and models.", no_args_is_help=True
)


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="The private key to write; it must not exist.")],
    json: JsonValue = False,
) -> None:
    """Make a signing key: FILE for KAIROS_CONTROL_SIGNING_KEY_FILE, FILE.pub for readers.

    A line of FILE.pub may be added to the file of KAIROS_CONTROL_PUBLIC_KEYS, which may hold several.
    """
    from scripts.ops.control_keys import keygen as run

    run(config_from(), file, is_json=json)


@app.command("list")
def list_(json: JsonValue = False) -> int:
    """Show every record of `control`, whose signature it has, and whether it is taken.

    Exit code 1 where a record is refused that would be in force, or will be.
    """
    from scripts.ops.control_keys import show_records

    return show_records(config_from(), is_json=json)


@app.command()
def sign(
    all_: Annotated[
        bool, typer.Option("--all", help="History too: for replays and audits of older logs.")
    ] = False,
    json: JsonValue = False,
) -> None:
    """Sign what is there: records in force or coming are published again, the same but signed.

    Look at `control list` first: whatever is in force then, whoever has put it there, is signed. Done twice
    it changes nothing.
    """
    from scripts.ops.control_keys import sign as run

    run(config_from(), is_all=all_, is_json=json)
