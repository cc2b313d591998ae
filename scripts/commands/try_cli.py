"""`kairos try`, as the command line calls it."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from scripts.files.event_files import Format, events_of


def try_(
    more: Annotated[list[Path] | None, typer.Argument(help="Files of events.")] = None,
    events: Annotated[list[Path] | None, typer.Option(help="The same, by name.")] = None,
    items: Annotated[Path | None, typer.Option(help="JSON Lines of the catalogue.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A policy file; without it the default policy.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model's file: a ranker, or one of responses.")
    ] = None,
    file_format: Annotated[
        Format, typer.Option("--format", help="Format of the files.")
    ] = "kairos",
    app_id: Annotated[list[str] | None, typer.Option(help="Snowplow: only these apps.")] = None,
    why: Annotated[
        str | None, typer.Option(help="Explain the decision of this id, or that begins so.")
    ] = None,
    shows_all: Annotated[
        bool, typer.Option("--all", help="Print decisions that offer nothing, too.")
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='One JSON object a line: decisions, then {"dead_letter": ...} and {"counts": ...}.',
        ),
    ] = False,
) -> None:
    """Try events on the engine without starting it: what would be decided, and why.

    Files are one log, in order of time; catalogue, policy and model hold from its beginning. The same steps
    decide as in the job, and the stream's statistics are learnt on the way. Nothing is written anywhere. Exit
    code 1 where nothing, or less than half, of the lines are events.
    """
    from jobs.config import config_from
    from schemas.errors import ConfigError
    from schemas.formats.field_names import Notices
    from schemas.limits import EVENT_TIME_MAX_MS
    from scripts.commands.policy_cli import checked
    from scripts.console import say
    from scripts.files import try_files
    from scripts.files.told_names import in_words

    files = [*(events or ()), *(more or ())]
    if not files:
        raise ConfigError("try needs a file of events")
    world = try_files.World(items, checked(policy).policy if policy else None, model or ())
    notices = Notices()
    # a file's clock is its events', so none of them lies ahead of it
    source = chain.from_iterable(
        events_of(file, file_format, app_id, EVENT_TIME_MAX_MS, notices) for file in files
    )
    trial = try_files.Trial(source, world, config_from())
    if why is not None:
        try_files.explain_one(trial, why, is_json=json)
        return
    try_files.show_trial(trial, is_json=json, shows_all=shows_all)
    for notice in notices:
        say(in_words(notice))
    try_files.check(trial.counts)
