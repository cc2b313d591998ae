"""`kairos key`: keys of the API and the console, person tokens, secrets, the audit log."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from jobs.config import config_from
from scripts.commands.options import JsonValue
from scripts.exit_codes import DONE, passed

OVERLAP_HOURS: Final = 24
SCOPES: Final = ("events:write", "decisions:read", "admin")

app = typer.Typer(
    help="Keys of the API and the console, person tokens, the audit log.", no_args_is_help=True
)
File = Annotated[
    Path | None, typer.Option(help="The file of keys; without it, that of KAIROS_API_KEYS.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", help=f"What it may do on the API: {', '.join(SCOPES)}; may be given again."
    ),
]
Person = Annotated[str, typer.Argument(help="A person's id.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is; the audit log names it.")],
    scope: Scopes = None,
    role: Annotated[
        Literal["viewer", "marketer", "operator"] | None,
        typer.Option(help="What it may do on the console, instead of scopes."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="It stands in pages: own signed session only.")
    ] = False,
    origin: Annotated[
        list[str] | None, typer.Option(help="A page that may use it: https://shop.example, or *.")
    ] = None,
    expires: Annotated[
        str, typer.Option(help="When it ends; without it, when it is revoked.")
    ] = "",
    file: File = None,
    json: JsonValue = False,
) -> None:
    """Make a key and print it, once: the file keeps its hash. It counts a second later."""
    from scripts.ops.api_keys import Grant
    from scripts.ops.api_keys import create as run

    grant = Grant(name, scope or (), role, browser, origin or (), expires)
    run(config_from(), file, grant, is_json=json)


@app.command("list")
def list_(file: File = None, json: JsonValue = False) -> None:
    """Show the keys: whose they are and what they may."""
    from scripts.ops.api_keys import show_keys

    show_keys(config_from(), file, is_json=json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `key list` shows it.")], file: File = None
) -> None:
    """Take a key back: a second later nobody gets in with it."""
    from scripts.ops.api_keys import revoke as run

    run(config_from(), file, name)


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
) -> None:
    """Write a new random secret, for KAIROS_PSEUDONYM_KEY_FILE or a file of keys."""
    from scripts.ops.api_keys import make_secret

    make_secret(file)


@app.command("person-token")
def person_token(person: Person, file: File = None, json: JsonValue = False) -> None:
    """Print the token that opens a person's own decisions for a day: send it as X-Kairos-Person."""
    from scripts.ops.tokens import show_person_token

    show_person_token(config_from(), file, person, is_json=json)


@app.command("revoke-token")
def revoke_token(
    token: Annotated[
        str, typer.Argument(help="A token of a person, session or console; or its id.")
    ],
    file: File = None,
) -> None:
    """Take one token back: a second later it opens nothing."""
    from scripts.ops.tokens import revoke_token as run

    run(config_from(), file, token)


@app.command("revoke-person")
def revoke_person(
    person: Person,
    before: Annotated[
        str, typer.Option(help="Only tokens issued until then; without it, until now.")
    ] = "",
    file: File = None,
) -> None:
    """Take back all tokens of a person that were issued until now; new ones open again."""
    from scripts.ops.tokens import revoke_person as run

    run(config_from(), file, person, before)


@app.command("rotate-secret")
def rotate_secret(
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=9_600, help="So long what the old one signed still opens.")
    ] = OVERLAP_HOURS,
    file: File = None,
) -> None:
    """Sign with a new secret; the old one is taken for a while yet, so that nobody is thrown out."""
    from scripts.ops.tokens import rotate_secret as run

    run(config_from(), file, overlap_hours)


@app.command()
def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing was altered; exit code 1 if so.")
    ] = False,
    noted: Annotated[
        str, typer.Option(help="With --verify: a hash shown before, which has to be there still.")
    ] = "",
    last: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries.")] = 20,
    reads: Annotated[
        bool, typer.Option("--reads", help="Who looked at people, decisions and dead letters.")
    ] = False,
    person: Annotated[
        str, typer.Option(help="Who looked at this person; the log has a keyed hash of the id.")
    ] = "",
    json: JsonValue = False,
) -> int:
    """Show who changed what, when and from where, or who looked: the newest first."""
    from channels.api.audit_log import is_change, is_look
    from scripts.ops import local_audit

    config = config_from()
    log = local_audit.audit_log_of(config)
    if verify or noted:
        return passed(local_audit.show_verified(log, noted, is_json=json))
    if person:
        entries = local_audit.read_log_of(config).looks_at(person, last)
    else:
        entries = log.newest(last, is_look if reads else is_change)
    local_audit.show_entries(entries, is_json=json)
    return DONE
