"""`kairos dead-letters`: what could not be used, and how it is mended and sent again."""

from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import Json, JsonValue, MappingFile

Reason = Annotated[list[str] | None, typer.Option("--reason", help="Only of this reason.")]
Of = Annotated[
    list[str] | None,
    typer.Option("--of", metavar="TOPIC", help="Only of this topic: events, import:FILE …"),
]
Place = Annotated[
    list[str] | None,
    typer.Option("--place", help="Only the one of this place: TOPIC/PARTITION/OFFSET."),
]
From = Annotated[str | None, typer.Option("--from", help="Only those written from here on.")]
To = Annotated[str | None, typer.Option("--to", help="… to before here.")]
Rename = Annotated[
    list[str] | None, typer.Option("--rename", metavar="OLD=NEW", help="Rename a field.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Give a field a value: JSON, else a text."),
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", metavar="NAME", help="Leave out a field.")
]
Form = Annotated[
    str | None,
    typer.Option("--format", help="Format of what is JSON; without it that of the topic `events`."),
]
Last = Annotated[int, typer.Option(min=1, max=1_000, help="So many, the newest.")]

app = typer.Typer(help="What could not be used: why, mended, and sent again.", no_args_is_help=True)


@app.callback()
def dead_letters() -> None:
    """What could not be used: why, mended, and sent again."""


@app.command("list")
def list_(
    reason: Reason = None, of: Of = None, from_: From = None, to: To = None, json: JsonValue = False
) -> None:
    """Count dead letters by reason and topic, the most frequent first."""
    from scripts.letters.find_letters import wanted
    from scripts.letters.letters_here import list_letters

    list_letters(config_from(), wanted(reason, of, None, from_, to), is_json=json)


@app.command("show")
def show_(
    reason: Reason = None,
    of: Of = None,
    place: Place = None,
    from_: From = None,
    to: To = None,
    last: Last = 10,
    json: JsonValue = False,
) -> None:
    """Show dead letters whole: reason, place, bytes as text. The audit log keeps who looked."""
    from scripts.letters.find_letters import wanted
    from scripts.letters.letters_here import show_letters

    show_letters(config_from(), wanted(reason, of, place, from_, to), last, is_json=json)


@app.command()
def repair(
    reason: Reason = None,
    of: Of = None,
    place: Place = None,
    from_: From = None,
    to: To = None,
    rename: Rename = None,
    set_: Set = None,
    drop: Drop = None,
    file_format: Form = None,
    mapping: MappingFile = None,
    last: Last = 10,
    json: Json = False,
) -> int:
    """Show what edits make of dead letters, field by field, and which are events then; nothing is written.

    `replay` with the same options sends them. Names with dots lead into objects: `properties.size`. Exit code 1 where some
    would still be no events.
    """
    from scripts.letters.find_letters import wanted
    from scripts.letters.letters_here import repair_letters
    from scripts.letters.mend_letter import edits_from

    edits = edits_from(rename or (), set_ or (), drop or ())
    chosen = wanted(reason, of, place, from_, to)
    return repair_letters(config_from(), chosen, edits, (file_format, mapping), last, is_json=json)


@app.command()
def replay(
    reason: Reason = None,
    of: Of = None,
    place: Place = None,
    from_: From = None,
    to: To = None,
    rename: Rename = None,
    set_: Set = None,
    drop: Drop = None,
    file_format: Form = None,
    mapping: MappingFile = None,
    json: Json = False,
) -> int:
    """Send dead letters through the front door, mended, with their own ids and times: each once, however often it is called.

    What is still no event stays as it is, and the exit code is 1. An event that comes more than the lateness behind the newest of
    its session is a dead letter again. Events of before their person was erased are left out. The audit log keeps who did.
    """
    from scripts.letters.find_letters import wanted
    from scripts.letters.letters_here import replay_letters
    from scripts.letters.mend_letter import edits_from

    edits = edits_from(rename or (), set_ or (), drop or ())
    chosen = wanted(reason, of, place, from_, to)
    return replay_letters(config_from(), chosen, edits, (file_format, mapping), is_json=json)
