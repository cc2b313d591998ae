"""The file of keys, as `kairos key` finds and changes it."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from channels.api.access import PERSON_S
from channels.security.keys import (
    SECRET_BYTES,
    KeysFile,
    changing,
    read_keys,
    write_keys,
    write_private,
)
from jobs.config import Config
from schemas.errors import ConfigError
from schemas.limits import SECOND_MS
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.times import parse_time

MILLISECOND: Final = 1 / SECOND_MS


def keys_path(file: Path | None, config: Config) -> Path:
    """Which file is meant; raises ConfigError."""
    path = file or config.api_keys
    if path is None:
        raise ConfigError("name the file of keys: --file keys.yaml, or the setting KAIROS_API_KEYS")
    return path.absolute()


def change_keys(
    config: Config,
    path: Path,
    what: str,
    details: Mapping[str, str],
    changed: Callable[[KeysFile], KeysFile],
) -> None:
    """Changes the file, written down before and after; what counts no more goes. Raises ConfigError."""
    with changing(path):
        after = changed(_without_past(read_keys(path)))
        with audit_log_of(config).recording(local_actor(), what, {**details, "file": str(path)}):
            write_keys(path, after)


def write_secret(path: Path) -> None:
    """A new random secret, which only its owner may read; raises ConfigError."""
    write_private(path, secrets.token_hex(SECRET_BYTES).encode() + b"\n")


def moment(text: str) -> datetime:
    """A moment of the command line; raises ConfigError."""
    return datetime.fromtimestamp(parse_time(text) * MILLISECOND, UTC)


def now() -> datetime:
    """The moment it is, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _without_past(file: KeysFile) -> KeysFile:
    now_s = now().timestamp()
    return msgspec.structs.replace(
        file,
        former_secrets=tuple(one for one in file.former_secrets if one.until.timestamp() > now_s),
        revoked_tokens=tuple(one for one in file.revoked_tokens if one.until.timestamp() > now_s),
        revoked_persons=tuple(
            one for one in file.revoked_persons if one.before.timestamp() + PERSON_S > now_s
        ),
    )
