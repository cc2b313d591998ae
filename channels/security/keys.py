"""The file of keys: who may call the Decision API and the console. It holds hashes, no key."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from channels.security.tokens import SECRET_LENGTH_MIN
from schemas.errors import ConfigError

Scope = Literal["events:write", "decisions:read", "admin"]
Role = Literal["viewer", "marketer", "operator"]

ROLES: Final[tuple[Role, ...]] = ("viewer", "marketer", "operator")
"""Each may what those before it may."""
ANY_ORIGIN: Final = "*"
KEY_PREFIX: Final = "kairos_"
"""So that whoever finds a key in a file knows what it opens."""
SECRET_BYTES: Final = 32
FORMER_SECRETS_MAX: Final = 8
REVOKED_MAX: Final = 10_000
"""Tokens, and persons; whoever has to revoke more rotates the secret without an overlap."""
HEAD: Final = (
    "# Keys of Kairos: hashes only. `kairos key create`, `list` and `revoke` keep this file.\n"
)

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\w.@ -]+\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
TokenId = Annotated[str, Meta(pattern=r"^[\w-]{1,64}\Z")]
Origin = Annotated[str, Meta(pattern=r"^(\*|https?://[^/\s]+)\Z", max_length=300)]


class Key(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one key may: scopes of the API, or a role on the console."""

    name: Name
    key_sha256: Sha256
    scopes: tuple[Scope, ...] = ()
    role: Role | None = None
    is_browser: bool = field(default=False, name="browser")
    """Anybody can read it in a page: it is held to its own signed session."""
    origins: tuple[Origin, ...] = ()
    """Of a browser key: pages that may use it, as `https://shop.example`."""
    expires: Moment | None = None
    """Until then it opens something; None = until it is revoked."""


class SecretFile(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the secret lies that signs tokens; a relative path counts from the file of keys."""

    file: str


class FormerSecret(Struct, frozen=True, forbid_unknown_fields=True):
    """A secret that signs no more; what it has signed is taken until then."""

    file: str
    until: Moment


class RevokedToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token that opens nothing any more; after `until` it would not anyway."""

    id: TokenId
    until: Moment


class RevokedPerson(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose person tokens open nothing any more, if they were issued `before`, or in that second."""

    person_sha256: Sha256
    before: Moment


class KeysFile(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file."""

    keys: tuple[Key, ...] = ()
    secret: SecretFile | None = None
    former_secrets: Annotated[tuple[FormerSecret, ...], Meta(max_length=FORMER_SECRETS_MAX)] = ()
    revoked_tokens: Annotated[tuple[RevokedToken, ...], Meta(max_length=REVOKED_MAX)] = ()
    revoked_persons: Annotated[tuple[RevokedPerson, ...], Meta(max_length=REVOKED_MAX)] = ()


def new_key() -> str:
    """A key nobody can guess."""
    return KEY_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def hash_of(key: str) -> str:
    """What the file holds of a key. A key is random, so a plain hash keeps it."""
    return sha256(key.encode()).hexdigest()


def hash_of_person(person: str) -> str:
    """What the file holds of a person whose tokens are revoked."""
    return sha256(f"person\0{person}".encode(errors="surrogatepass")).hexdigest()


def read_keys(path: Path) -> KeysFile:
    """The file, checked; raises ConfigError that names the file and what is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the file of keys {path} cannot be read: {error.strerror}") from error
    return _checked(path, data)


def _checked(path: Path, data: bytes) -> KeysFile:
    try:
        file = msgspec.yaml.decode(data, type=KeysFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file of keys {path}: {error}") from error
    faults = [f"the key {one.name!r} {fault}" for one in file.keys for fault in _faults(one)]
    faults += [f"two keys have the {what} {one!r}" for what, one in _doubled(file.keys)]
    if faults:
        raise ConfigError(f"the file of keys {path}: {'; '.join(faults)}")
    return file


def write_keys(path: Path, file: KeysFile) -> None:
    """Puts the file in the place of the old one, whole; only its owner may read it.

    Raises ConfigError where it could not be read again, or not be written.
    """
    data = HEAD.encode() + msgspec.yaml.encode(file)
    _checked(path, data)
    write_private(path, data)


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Within it nobody else changes this file of keys: read and write it here. ConfigError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("ab")
    except OSError as error:
        raise ConfigError(f"{path} cannot be changed: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_secret(path: Path, file: KeysFile, given: str) -> bytes:
    """The secret that signs tokens: `given` (the setting), else the file that the keys name."""
    if given:
        return _long_enough(given, "KAIROS_API_SECRET")
    if file.secret is None:
        raise ConfigError(
            f"the file of keys {path} names no secret: put `secret: {{file: PATH}}` there, "
            "or set KAIROS_API_SECRET"
        )
    return _secret_in(path.parent / file.secret.file)


def read_former_secrets(path: Path, file: KeysFile, now_s: float) -> list[tuple[float, bytes]]:
    """Those that still count, each with its end in epoch seconds, the one that ends last at the end."""
    counting = ((one.until.timestamp(), one.file) for one in file.former_secrets)
    return [
        (until_s, _secret_in(path.parent / name))
        for until_s, name in sorted(counting)
        if until_s > now_s
    ]


def write_private(path: Path, data: bytes) -> None:
    """Replaces a file at once, readable by its owner only; ConfigError where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as output:
                output.write(data)
                output.flush()
                os.fsync(output.fileno())
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _secret_in(place: Path) -> bytes:
    try:
        return _long_enough(place.read_text().strip(), str(place))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the secret in {place} cannot be read: {error}") from error


def _long_enough(secret: str, place: str) -> bytes:
    if len(secret) < SECRET_LENGTH_MIN:
        raise ConfigError(f"the secret in {place} is shorter than {SECRET_LENGTH_MIN} characters")
    return secret.encode()


def _faults(key: Key) -> list[str]:
    wrong = {
        "has neither scopes nor a role: it could do nothing": not key.scopes and key.role is None,
        "has scopes and a role: make two keys": bool(key.scopes) and key.role is not None,
        "is a browser's and may not be admin": key.is_browser and "admin" in key.scopes,
        "is a browser's and may have no role": key.is_browser and key.role is not None,
        "is a browser's and names no origins": key.is_browser and not key.origins,
        "has origins and is no browser's": bool(key.origins) and not key.is_browser,
    }
    return [fault for fault, is_wrong in wrong.items() if is_wrong]


def _doubled(keys: Sequence[Key]) -> list[tuple[str, str]]:
    names, hashes = [one.name for one in keys], [one.key_sha256 for one in keys]
    return [("name", one) for one in sorted(set(names)) if names.count(one) > 1] + [
        ("hash", one) for one in sorted(set(hashes)) if hashes.count(one) > 1
    ]
