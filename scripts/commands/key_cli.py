"""`kairos key`: keys of the API and the console, person tokens, secrets, the audit log."""

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
import typer

from channels.security.keys import (
    SECRET_BYTES,
    Key,
    KeysFile,
    Role,
    Scope,
    SecretFile,
    changing,
    hash_of,
    new_key,
    read_keys,
    write_keys,
    write_private,
)
from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.commands.token_cli import person_token, revoke_person, revoke_token, rotate_secret
from scripts.console import say, show, show_json, show_table
from scripts.ops.keys_file import File, Json, change_keys, keys_path, moment
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.times import utc

EXIT_ALTERED: Final = 1
SECRET_NAME: Final = "secret"  # noqa: S105 - the name of a file

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

app = typer.Typer(
    help="Keys of the API and the console, person tokens, the audit log.", no_args_is_help=True
)
app.command("person-token")(person_token)
app.command("revoke-token")(revoke_token)
app.command("revoke-person")(revoke_person)
app.command("rotate-secret")(rotate_secret)
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", help=f"What it may do on the API: {', '.join(SCOPES)}; may be given again."
    ),
]


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
    json: Json = False,
) -> None:
    """Make a key and print it, once: the file keeps its hash. It counts a second later."""
    config = config_from()
    path = keys_path(file, config)
    key = new_key()
    scopes = tuple(_scope(one) for one in scope or ())
    until = moment(expires) if expires else None
    granted = Key(name, hash_of(key), scopes, role, browser, tuple(origin or ()), until)
    details = {"name": name, "may": _may(granted), "file": str(path)}
    details |= {"expires": until.isoformat()} if until else {}
    with changing(path):
        before = read_keys(path) if path.exists() else _first(path)
        if any(one.name == name for one in before.keys):
            raise ConfigError(
                f"there is a key {name!r} in {path}: revoke it first, or take another name"
            )
        with audit_log_of(config).recording(local_actor(), "key create", details):
            write_keys(path, msgspec.structs.replace(before, keys=(*before.keys, granted)))
    if json:
        show_json({"name": name, "key": key, "file": str(path)})
        return
    show(key)
    say(f"{name} may {_may(granted)}; its hash is in {path}, the key itself is shown only now")


@app.command("list")
def list_(file: File = None, json: Json = False) -> None:
    """Show the keys: whose they are and what they may."""
    keys = read_keys(keys_path(file, config_from())).keys
    if json:
        rows = [
            {"name": one.name, "scopes": one.scopes, "role": one.role, "browser": one.is_browser,
             "origins": one.origins, "expires": one.expires.isoformat() if one.expires else None}
            for one in keys
        ]  # fmt: skip
        show_json(rows)
        return
    cells = [
        (one.name, _may(one), "browser" if one.is_browser else "", " ".join(one.origins),
         one.expires.isoformat() if one.expires else "")
        for one in keys
    ]  # fmt: skip
    show_table("", ("name", "may", "", "pages", "until"), cells)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `key list` shows it.")], file: File = None
) -> None:
    """Take a key back: a second later nobody gets in with it."""
    config = config_from()
    path = keys_path(file, config)

    def changed(before: KeysFile) -> KeysFile:
        left = tuple(one for one in before.keys if one.name != name)
        if len(left) == len(before.keys):
            raise ConfigError(f"there is no key {name!r} in {path}: `kairos key list` shows them")
        return msgspec.structs.replace(before, keys=left)

    change_keys(config, path, "key revoke", {"name": name}, changed)
    show(f"{name} is revoked")


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
) -> None:
    """Write a new random secret, for KAIROS_PSEUDONYM_KEY_FILE or a file of keys."""
    if file.exists():
        raise ConfigError(f"{file} exists: what was signed or stored with it would be lost")
    _write_secret(file)
    show(f"written to {file}; only its owner may read it")


@app.command()
def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing was altered; exit code 1 if so.")
    ] = False,
    noted: Annotated[
        str, typer.Option(help="With --verify: a hash shown before, which has to be there still.")
    ] = "",
    last: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries.")] = 20,
    json: Json = False,
) -> int:
    """Show who changed what, when and from where: the newest first."""
    from channels.api import audit_log

    log = audit_log_of(config_from())
    if verify or noted:
        found = audit_log.verify(log.path, noted)
        if json:
            show_json(found._asdict())
        else:
            for fault in found.faults:
                show(fault)
            state = "altered" if found.faults else "whole"
            show(
                f"{log.path} is {state}: {found.entries} entries, the last has the hash {found.head}"
            )
        return EXIT_ALTERED if found.faults else 0
    entries = log.newest(last)
    if json:
        show_json([{name: getattr(one, name) for name in one.__struct_fields__} for one in entries])
        return 0
    cells = [
        (
            utc(one.at_ms), one.who, one.role, one.address, one.what, one.outcome,
            " ".join(f"{name}={text}" for name, text in one.details.items()),
        )
        for one in entries
    ]  # fmt: skip
    show_table("", ("when", "who", "role", "from", "what", "outcome", "details"), cells)
    return 0


def _scope(named: str) -> Scope:
    found = next((one for one in SCOPES if one == named), None)
    if found is None:
        raise ConfigError(f"--scope {named!r}: there are {', '.join(SCOPES)}")
    return found


def _first(path: Path) -> KeysFile:
    """A file without keys, and the secret beside it that it names."""
    place = path.with_suffix(f".{SECRET_NAME}")
    if not place.exists():
        _write_secret(place)
    return KeysFile(secret=SecretFile(place.name))


def _write_secret(path: Path) -> None:
    write_private(path, secrets.token_hex(SECRET_BYTES).encode() + b"\n")


def _may(key: Key) -> str:
    role: Role | None = key.role
    return f"{role} on the console" if role else " ".join(key.scopes)
