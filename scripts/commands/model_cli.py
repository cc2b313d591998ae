"""`kairos model`: the artefacts of this home, which of them is in force, publish one, go back."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import At, Json
from scripts.console import show_json
from scripts.times import time_or_none

app = typer.Typer(help="See, publish and take back models.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """Show the models of this home, their figures, and which of them decides."""
    from scripts.training import model_versions, models_here

    config = config_from()
    rows = model_versions.listed_json(config, models_here.models_here(config))
    (show_json if json else model_versions.show_listed)(rows)


@app.command()
def publish(
    model: Annotated[str, typer.Argument(help="A version, as `model list` shows it, or a file.")],
    at: At = None,
    json: Json = False,
) -> None:
    """Put a model in force: it decides events from then on."""
    from scripts.training.model_versions import find_artefact
    from scripts.training.models_here import put_in_force

    at_ms, config = time_or_none(at), config_from()
    put_in_force(config, find_artefact(model, config), at_ms, is_json=json)


@app.command()
def rollback(at: At = None, json: Json = False) -> None:
    """Put the model in force again that was before the present one; done twice, it is undone."""
    from scripts.training.models_here import put_in_force

    at_ms = time_or_none(at)
    put_in_force(config_from(), None, at_ms, is_json=json)
