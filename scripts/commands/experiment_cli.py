"""`kairos experiment`: which experiments there are, what to do about one, and how long one would run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.commands.options import Consent, EventFiles, ItemsFile, Json, JsonValue

app = typer.Typer(help="List, read and plan experiments.", no_args_is_help=True)
Policy = Annotated[
    Path | None,
    typer.Option(help="A policy file, for its experiments; without it, what was published."),
]
Name = Annotated[
    str | None,
    typer.Argument(help="An experiment, or `holdout`; without it, the only one there is."),
]


@app.command("list")
def list_(policy: Policy = None, json: JsonValue = False) -> int:
    """Show the experiments of the policy: units, arms, dates, metrics, and whether they run."""
    from jobs.config import config_from
    from scripts.experiments.outcome_source import source_of
    from scripts.experiments.show_experiment import run_list

    return run_list(source_of(config_from(), (), None, policy), is_json=json)


@app.command()
def show(
    name: Name = None,
    events: EventFiles = None,
    items: ItemsFile = None,
    policy: Policy = None,
    consent: Consent = None,
    plots: Annotated[Path | None, typer.Option(help="Folder to write pictures (SVG) into.")] = None,
    json: Json = False,
) -> int:
    """Say what to do about an experiment and why, then its figures.

    Of what the running engine has written, or of files folded here. `show holdout` says what personalisation earns a person. Exit code 1
    where the figures are not to be trusted: the arms do not have their shares, or people were seen in several of them.
    """
    from jobs.config import config_from, with_consent
    from scripts.experiments.outcome_source import source_of
    from scripts.experiments.show_experiment import run_show

    config = with_consent(config_from(), consent)
    return run_show(source_of(config, events or (), items, policy), name, plots, is_json=json)


@app.command()
def plan(
    name: Name = None,
    metric: Annotated[
        str | None, typer.Option(help="Without it, the experiment's first, or revenue_per_visit.")
    ] = None,
    lift: Annotated[
        float | None, typer.Option(help="The lift to find, 0.05 is 5 %; without it, several.")
    ] = None,
    power: Annotated[
        float, typer.Option(min=0.01, max=0.999, help="The chance to find it where it is there.")
    ] = 0.8,
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="The chance to find one where there is none.")
    ] = 0.05,
    unit: Annotated[
        Literal["person", "session"] | None, typer.Option(help="What is split.")
    ] = None,
    arms: Annotated[
        int, typer.Option(min=2, max=20, help="How many, where no experiment is named.")
    ] = 2,
    events: EventFiles = None,
    items: ItemsFile = None,
    policy: Policy = None,
    consent: Consent = None,
    json: Json = False,
) -> None:
    """Say how many people or sessions an experiment needs, and how many days, from the log's own variance and traffic.

    Looked at once at the end it needs fewer than where one looks whenever one likes; both are told.
    """
    from jobs.config import config_from, with_consent
    from scripts.experiments.outcome_source import source_of
    from scripts.experiments.plan_experiment import Ask, run_plan

    config = with_consent(config_from(), consent)
    source = source_of(config, events or (), items, policy)
    run_plan(source, Ask(name, metric, unit, arms, lift, alpha, power), is_json=json)
