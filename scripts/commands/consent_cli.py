"""`kairos consent`: what people withdrew, and the proof that it is gone."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue

app = typer.Typer(help="What people withdrew, and the proof.", no_args_is_help=True)


@app.callback()
def consent() -> None:
    """What people withdrew, and the proof that it is gone."""


@app.command()
def proof(
    person: Annotated[str, typer.Argument(help="A person, or an anonymous id.")],
    last: Annotated[int, typer.Option(min=1, max=1_000, help="So many withdrawals.")] = 20,
    json: JsonValue = False,
) -> None:
    """Show when a person withdrew consent, when it was done, which purposes, keys and records.

    From the audit log of this home, in which the store writer notes it once nothing of it can be read any more; the person stands
    there under a keyed hash.
    """
    from scripts.ops.local_audit import show_proofs

    show_proofs(config_from(), person, last, is_json=json)
