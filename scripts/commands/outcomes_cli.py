"""`kairos kpi` and `outcomes`: what came of decisions."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from, with_consent
from schemas.errors import ConfigError
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
    alerts: Annotated[
        bool,
        typer.Option("--alerts", help="Instead: which hours were not as those of past weeks."),
    ] = False,
    consent: Consent = None,
    json: Json = False,
) -> int:
    """Say how well decisions do: clicks, carts, revenue, conversion, bounces, returns, retention, satisfaction.

    Of the outcomes that the learn job has written, or with --events of what the fold makes of files: the same figures. How each is made stands in
    --json, and in docs/outcomes.md.

    --alerts compares each of the last 24 whole hours with the same hours of four past weeks, says what deviates, what of it explains that, and by which figures. Of what runs, new ones are written to topic alerts, and those of the newest
    hour are also sent to KAIROS_ALERT_WEBHOOK; exit code 1 where one is bad news.
    """
    from scripts.outcomes.kpi import count, show_kpis
    from scripts.outcomes.kpi_here import outcomes_of, shown_dimension

    dimension = shown_dimension(by)
    config = with_consent(config_from(), consent)
    span, files = (time_or_none(from_), time_or_none(to)), [*(events or ()), *(more or ())]
    if alerts:
        from scripts.outcomes.kpi_here import alerts_here

        if dimension or daily or span != (None, None):
            raise ConfigError("--alerts looks at the last hours of all: leave --by, --daily, --from and --to out")  # fmt: skip
        return alerts_here(config, files, items, policy, is_json=json)
    found, currency = outcomes_of(config, files, items, policy, span)
    show_kpis(count(found, currency), currency, dimension, daily=daily, is_json=json)
    return 0


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
