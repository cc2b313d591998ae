"""`kairos model`: the artefacts of this home, which of them is in force, publish one, go back."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import As, At, Force, Json
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
    name: As = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Put a model in force: it decides events from then on, under another name where a policy's `rank_by` names that.

    Refused with exit code 1: one that learnt from fewer than 200 decisions, that on held-out ones ranks no better than a
    simple order, or whose scores are constant. --force puts it there all the same; the audit log says so.
    """
    from schemas.policy import RANKER
    from scripts.training.models_here import publish as run

    at_ms = time_or_none(at)
    run(config_from(), model, at_ms, name or RANKER, is_forced=force, is_json=json)


@app.command()
def rollback(at: At = None, name: As = None, json: Json = False) -> None:
    """Put the model in force again that was before the present one; done twice, it is undone."""
    from schemas.policy import RANKER
    from scripts.training.models_here import roll_back

    at_ms = time_or_none(at)
    roll_back(config_from(), at_ms, name or RANKER, is_json=json)
