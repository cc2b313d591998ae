"""`kairos forget` and `export`: what people may ask for."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.commands.options import Archive, Json
from scripts.exit_codes import DONE

app = typer.Typer()
Person = Annotated[str, typer.Argument(help="A person's id, or an anonymous one.")]
AnonymousIds = Annotated[
    list[str] | None,
    typer.Option("--anonymous-id", metavar="ID", help="A device that is theirs, too, whoever else used it; may be given again."),
]  # fmt: skip


@app.command()
def forget(
    person: Annotated[
        str | None, typer.Argument(help="A person's id, or an anonymous one.")
    ] = None,
    anonymous_id: AnonymousIds = None,
    archive: Archive = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until checkpoints hold nothing of them either.")
    ] = False,
    delete_savepoints: Annotated[
        bool,
        typer.Option(
            "--delete-savepoints",
            help="Delete those that are older: no upgrade can go back to them.",
        ),
    ] = False,
    requested: Annotated[
        bool,
        typer.Option(
            "--requested",
            help="Instead of PERSON: put those on the list who asked through the API.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    json: Json = False,
) -> int:
    """Erase a person: state, store, memories, archive; print the proof, with what is left and until when.

    Their devices that nobody else has signed in on go along. Events stay in Kafka until their topic's retention, and
    nothing of ours reads them any more, in no replay. Exit code 1 where something was not seen to be done yet.
    """
    from scripts.privacy import requested as those_who_asked
    from scripts.privacy.forget import Wanted, run

    if requested == (person is not None):
        raise ConfigError("whom? Name PERSON, or --requested for those who asked themselves")
    if person is None:
        return those_who_asked.run(config_from(), archive, is_json=json)
    wanted = Wanted(person, anonymous_id or (), archive, wait, delete_savepoints)
    return run(config_from(), wanted, is_sure=yes, ask=typer.confirm, is_json=json)


@app.command()
def export(
    person: Person,
    anonymous_id: AnonymousIds = None,
    archive: Archive = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there, readable for its user alone."),
    ] = None,
    json: Json = False,
) -> int:
    """Give all that is held of a person: state by rooms with its purpose, consent, decisions, who looked, events.

    It is a look that the audit log keeps.
    """
    from scripts.privacy.export import export as run

    run(config_from(), person, anonymous_id or (), archive, out, is_json=json)
    return DONE
