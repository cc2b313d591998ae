"""`kairos retention`: how long everything is kept, and how long a topic is to be."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue

app = typer.Typer(help="Show how long everything is kept, and set it.")


@app.callback(invoke_without_command=True)
def retention(context: typer.Context, json: JsonValue = False) -> None:
    """Show how long everything is kept: topics, folders, classes of data; where that is set, and by what."""
    if context.invoked_subcommand is not None:
        return
    from scripts.privacy.retention import show_retention

    show_retention(config_from(), is_json=json)


@app.command("set")
def set_(
    place: Annotated[str, typer.Argument(help="A topic, without its prefix.")],
    days: Annotated[str, typer.Argument(help="A whole number of days, or `ever`.")],
    json: JsonValue = False,
) -> int:
    """Set how many days a topic is kept, in Kafka and for every start of this home from now on.

    Of `events` days count from the time of each event, of the others from a record's arrival. What else `kairos retention` shows has
    no days that can be set: it says what ends it. Exit code 1 where it has to wait, because what has just come would be gone.
    The audit log keeps who set it.
    """
    from scripts.privacy.set_retention import set_retention

    return set_retention(config_from(), place, days, is_json=json)
