"""`kairos key`: keys of the API and the console, person tokens, secrets, the audit log."""

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import typer

from channels.keys import (
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
from jobs.config import Config, config_from
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table
from scripts.local_audit import audit_log_of, local_actor
from scripts.times import utc

EXIT_ALTERED: Final = 1
SECRET_NAME: Final = "secret"  # noqa: S105 - the name of a file

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

app = typer.Typer(
    help="Keys of the API and the console, person tokens, the audit log.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]
File = Annotated[
    Path | None, typer.Option(help="The file of keys; without it, that of KAIROS_API_KEYS.")
]
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
    file: File = None,
    json: Json = False,
) -> None:
    """Make a key and print it, once: the file keeps its hash. It counts a second later."""
    config = config_from()
    path = _path(file, config)
    key = new_key()
    scopes = tuple(_scope(one) for one in scope or ())
    granted = Key(name, hash_of(key), scopes, role, browser, tuple(origin or ()))
    details = {"name": name, "may": _may(granted), "file": str(path)}
    with changing(path):
        before = read_keys(path) if path.exists() else _first(path)
        if any(one.name == name for one in before.keys):
            raise ConfigError(
                f"there is a key {name!r} in {path}: revoke it first, or take another name"
            )
        with audit_log_of(config).recording(local_actor(), "key create", details):
            write_keys(path, KeysFile((*before.keys, granted), before.secret))
    if json:
        show_json({"name": name, "key": key, "file": str(path)})
        return
    show(key)
    say(f"{name} may {_may(granted)}; its hash is in {path}, the key itself is shown only now")


@app.command("list")
def list_(file: File = None, json: Json = False) -> None:
    """Show the keys: whose they are and what they may."""
    keys = read_keys(_path(file, config_from())).keys
    if json:
        rows = [
            {"name": one.name, "scopes": one.scopes, "role": one.role, "browser": one.is_browser,
             "origins": one.origins}
            for one in keys
        ]  # fmt: skip
        show_json(rows)
        return
    cells = [
        (one.name, _may(one), "browser" if one.is_browser else "", " ".join(one.origins))
        for one in keys
    ]
    show_table("", ("name", "may", "", "pages"), cells)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `key list` shows it.")], file: File = None
) -> None:
    """Take a key back: a second later nobody gets in with it."""
    config = config_from()
    path = _path(file, config)
    details = {"name": name, "file": str(path)}
    with changing(path):
        before = read_keys(path)
        left = tuple(one for one in before.keys if one.name != name)
        if len(left) == len(before.keys):
            raise ConfigError(f"there is no key {name!r} in {path}: `kairos key list` shows them")
        with audit_log_of(config).recording(local_actor(), "key revoke", details):
            write_keys(path, KeysFile(left, before.secret))
    show(f"{name} is revoked")


@app.command("person-token")
def person_token(
    person: Annotated[str, typer.Argument(help="A person's id.")], file: File = None
) -> None:
    """Print the token that opens a person's own decisions for a day: send it as X-Kairos-Person."""
    from channels.api.access import Access

    config = config_from()
    show(Access(_path(file, config), config.api_secret).person_token(person))


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


def _path(file: Path | None, config: Config) -> Path:
    path = file or config.api_keys
    if path is None:
        raise ConfigError("name the file of keys: --file keys.yaml, or the setting KAIROS_API_KEYS")
    return path.absolute()


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
