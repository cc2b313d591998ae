"""`kairos key create`, `list` and `revoke`: keys of the API and the console, in their file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, get_args

import msgspec

from channels.security.keys import (
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
)
from jobs.config import Config
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table
from scripts.ops.keys_file import change_keys, keys_path, moment, write_secret
from scripts.ops.local_audit import audit_log_of, local_actor

SECRET_NAME: Final = "secret"  # noqa: S105 - the name of a file
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


class Grant(NamedTuple):
    """What a new key may, as it is typed: see Key. `expires`: when it ends, empty for when it is revoked."""

    name: str
    scopes: Sequence[str] = ()
    role: Role | None = None
    is_browser: bool = False
    origins: Sequence[str] = ()
    expires: str = ""


def create(config: Config, file: Path | None, grant: Grant, *, is_json: bool) -> None:
    """Makes a key and prints it, once; raises ConfigError where there is one of that name, or it may not be."""
    path = keys_path(file, config)
    key = new_key()
    scopes = tuple(map(_scope, grant.scopes))
    until = moment(grant.expires) if grant.expires else None
    name, origins = grant.name, tuple(grant.origins)
    granted = Key(name, hash_of(key), scopes, grant.role, grant.is_browser, origins, until)
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
    if is_json:
        show_json({"name": name, "key": key, "file": str(path)})
        return
    show(key)
    say(f"{name} may {_may(granted)}; its hash is in {path}, the key itself is shown only now")


def show_keys(config: Config, file: Path | None, *, is_json: bool) -> None:
    """Whose the keys are and what they may."""
    keys = read_keys(keys_path(file, config)).keys
    if is_json:
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


def revoke(config: Config, file: Path | None, name: str) -> None:
    """Takes the key of that name back; raises ConfigError where there is none."""
    path = keys_path(file, config)

    def changed(before: KeysFile) -> KeysFile:
        left = tuple(one for one in before.keys if one.name != name)
        if len(left) == len(before.keys):
            raise ConfigError(f"there is no key {name!r} in {path}: `kairos key list` shows them")
        return msgspec.structs.replace(before, keys=left)

    change_keys(config, path, "key revoke", {"name": name}, changed)
    show(f"{name} is revoked")


def make_secret(file: Path) -> None:
    """Writes a new random secret; raises ConfigError where the file exists."""
    if file.exists():
        raise ConfigError(f"{file} exists: what was signed or stored with it would be lost")
    write_secret(file)
    show(f"written to {file}; only its owner may read it")


def _scope(named: str) -> Scope:
    found = next((one for one in SCOPES if one == named), None)
    if found is None:
        raise ConfigError(f"--scope {named!r}: there are {', '.join(SCOPES)}")
    return found


def _first(path: Path) -> KeysFile:
    """A file without keys, and the secret beside it that it names."""
    place = path.with_suffix(f".{SECRET_NAME}")
    if not place.exists():
        write_secret(place)
    return KeysFile(secret=SecretFile(place.name))


def _may(key: Key) -> str:
    role: Role | None = key.role
    return f"{role} on the console" if role else " ".join(key.scopes)
