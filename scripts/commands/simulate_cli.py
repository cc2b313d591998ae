"""`kairos simulate`: a world of shoppers, to test in."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from, with_consent
from scripts.commands.options import Consent, Json

app = typer.Typer()


@app.command()
def simulate(
    world: Annotated[
        str,
        typer.Argument(
            help="A world's file, or the name of one that comes with Kairos: demo, shop, tiny."
        ),
    ],
    seed: Annotated[
        str | None, typer.Option(help="Other people: in the place of the world's seed.")
    ] = None,
    people: Annotated[int | None, typer.Option(help="So many.")] = None,
    days: Annotated[int | None, typer.Option(help="For so many days.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the log: a file of events that ends in .jsonl, else a folder with events, decisions, outcomes, items and policy."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Write what is true of the people, which is in no log: JSON Lines."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Through the API of what runs, as browsers.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(help="With --live: where the API is; without it, the one that runs here."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="With --live: a browser's key.")] = None,
    seconds: Annotated[
        int | None,
        typer.Option(min=1, help="With --live: within so many all days pass; without it, 60."),
    ] = None,
    consent: Consent = None,
    json: Json = False,
) -> int:
    """Play shoppers with tastes, budgets, devices and consents, and bots among them, who react to what they are shown.

    Without --live everything is decided in this process, by the steps of the jobs, and nothing runs: the same world and seed give the same bytes.
    Who says nothing of consent is taken as --consent or KAIROS_CONSENT say. Says how many people a minute it plays on one core.
    """
    from scripts.simulate.simulate import Live, wish_of
    from scripts.simulate.simulate import simulate as run
    from scripts.simulate.world_file import Overrides

    config = with_consent(config_from(), consent)
    overrides = Overrides(seed, people, days)
    wish = wish_of(world, overrides, out, truth, Live(url, key, seconds), is_live=live)
    return run(config, wish, is_json=json)
