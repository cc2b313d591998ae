"""`kairos kpi` and `outcomes`: what came of decisions."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from, with_consent
from scripts.commands.options import Consent, EventFiles, ItemsFile, Json, MoreFiles
from scripts.times import time_or_none

app = typer.Typer()

From = Annotated[str | None, typer.Option("--from", help="What was written from here on …")]
To = Annotated[str | None, typer.Option(help="… to before here.")]
PolicyFile = Annotated[
    Path | None, typer.Option(help="With files: the policy file that they are folded with.")
]


@app.command()
def kpi(
    more: MoreFiles = None,
    events: EventFiles = None,
    items: ItemsFile = None,
    policy: PolicyFile = None,
    from_: From = None,
    to: To = None,
    by: Annotated[
        str | None,
        typer.Option(help="Only by one of arm, holdout, placement, action, segment."),
    ] = None,
    daily: Annotated[bool, typer.Option("--daily", help="Day by day as well.")] = False,
    consent: Consent = None,
    json: Json = False,
) -> None:
    """Say how well decisions do: clicks, carts, revenue, conversion, bounces, returns, retention, satisfaction.

    Of the outcomes that the learn job has written, or with --events of what the fold makes of files: the same figures. How each is made stands in
    --json, and in docs/outcomes.md.
    """
    from scripts.outcomes.kpi import count, show_kpis
    from scripts.outcomes.kpi_here import outcomes_of, shown_dimension

    dimension = shown_dimension(by)
    config = with_consent(config_from(), consent)
    span = time_or_none(from_), time_or_none(to)
    found, currency = outcomes_of(config, [*(events or ()), *(more or ())], items, policy, span)
    show_kpis(count(found, currency), currency, dimension, daily=daily, is_json=json)


@app.command()
def outcomes(
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    more: MoreFiles = None,
    events: EventFiles = None,
    items: ItemsFile = None,
    policy: PolicyFile = None,
    from_: From = None,
    to: To = None,
    consent: Consent = None,
    json: Json = False,
) -> None:
    """Write what came of decisions to a Parquet file, a row for each record; of those that take others back, too."""
    from scripts.outcomes.kpi_here import outcomes_of, show_written
    from scripts.outcomes.parquet import write_outcomes

    config = with_consent(config_from(), consent)
    span = time_or_none(from_), time_or_none(to)
    found, _ = outcomes_of(config, [*(events or ()), *(more or ())], items, policy, span)
    show_written(write_outcomes(found, out), out, is_json=json)
