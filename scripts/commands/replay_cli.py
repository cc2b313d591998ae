"""`kairos replay`: decide over history into topics of their own; pause, resume, status, drop."""

from pathlib import Path
from typing import Annotated, Final

import typer

from jobs.config import config_from, with_consent
from schemas.errors import ConfigError
from scripts.commands.options import Archive, Consent, EventFiles, ItemsFile, JsonValue
from scripts.times import time_or_none

RATE_MIN: Final = 20

app = typer.Typer(
    help="Decide again over history, into topics of its own (PREFIX), as fast as the machine can.",
    epilog="The same command goes on where it was, after Ctrl-C, a crash or a pause.",
)
Prefix = Annotated[str, typer.Argument(help="The prefix of the replay.")]
Rate = Annotated[int | None, typer.Option(min=RATE_MIN, help="At most so many records a second.")]


@app.callback(invoke_without_command=True)
def replay(
    context: typer.Context,
    prefix: Annotated[
        str | None, typer.Option(help="Put before the names of the topics that are written.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="From here on; without it, the whole log.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="… to before here; without it, to now.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="What if this policy file had been in force?")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="What if this model had been? A version or file.")
    ] = None,
    then_live: Annotated[
        bool, typer.Option("--then-live", help="Go on live from the first event after the end.")
    ] = False,
    archive: Archive = None,
    rate: Rate = None,
    store: Annotated[
        bool, typer.Option("--store", help="Put the decisions into the store, too.")
    ] = False,
    store_prefix: Annotated[
        str | None, typer.Option(help="Before the keys in the store; without it, from PREFIX.")
    ] = None,
    niceness: Annotated[
        int, typer.Option("--nice", min=0, max=19, help="How far it stands back for others.")
    ] = 10,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Write nothing: say what --policy would have earned, shown and refused.",
        ),
    ] = False,
    reward: Annotated[
        str, typer.Option(help="With --evaluate: click, cart, conversion, revenue or dismissal.")
    ] = "click",
    events: EventFiles = None,
    items: ItemsFile = None,
    against: Annotated[
        Path | None, typer.Option(help="With --events: the policy file that decided.")
    ] = None,
    consent: Consent = None,
    json: JsonValue = False,
) -> int:
    """Decide again over a range of the log. Nothing but PREFIX's topics is written.

    With --evaluate nothing is: each decision of the log, or of --events, is made again by --policy on the state of its moment. Said are the
    reward that it would have earned, with its interval, who would have seen something else, and which limits would have bound. Exit code 1 where the log cannot tell
    what it would have earned.
    """
    if context.invoked_subcommand is not None:
        return 0
    if evaluate:
        from scripts.replay.evaluate import Wish as Evaluation
        from scripts.replay.evaluate_view import run

        if policy is None:
            raise ConfigError("--evaluate needs the policy that it asks about: --policy FILE")
        if prefix is not None or model is not None or then_live or store or rate is not None:
            raise ConfigError("--evaluate writes nothing: leave --prefix, --model, --then-live, --store and --rate out")  # fmt: skip
        span = time_or_none(from_), time_or_none(to)
        asked = Evaluation(policy, reward, events or (), items, against, *span, archive)
        return run(asked, with_consent(config_from(), consent), is_json=json)
    if events or items or against or consent:
        raise ConfigError("--events, --items, --against and --consent are of --evaluate")
    from scripts.replay.replay_begin import Wish
    from scripts.replay.replay_run import Manner
    from scripts.replay.replays_here import start

    if prefix is None:
        raise ConfigError("kairos replay needs --prefix, such as `--prefix may.`; see --help")
    wish = Wish(time_or_none(from_), time_or_none(to), policy, model, then_live, archive)
    keys = store_prefix or ("" if store else None)
    start(config_from(), prefix, wish, Manner(rate, keys, niceness), is_json=json)
    return 0


@app.command()
def pause(prefix: Prefix) -> None:
    """Pause a replay: its job stops with a savepoint, and takes no memory meanwhile."""
    from scripts.replay.replays_here import pause as run

    run(config_from(), prefix)


@app.command()
def resume(prefix: Prefix, rate: Rate = None, json: JsonValue = False) -> None:
    """Go on with a replay that was paused, interrupted or killed."""
    from scripts.replay.replays_here import resume as run

    run(config_from(), prefix, rate, is_json=json)


@app.command()
def status(
    prefix: Annotated[str | None, typer.Argument(help="Without it: all of them.")] = None,
    json: JsonValue = False,
) -> None:
    """How far replays are: records, rate, when they will be done."""
    from scripts.replay.replays_here import show_status

    show_status(config_from(), prefix, is_json=json)


@app.command()
def drop(prefix: Prefix) -> None:
    """Remove a replay: its topics with all they hold, its state, its keys in the store."""
    from scripts.replay.replays_here import drop as run

    run(config_from(), prefix)
