"""The key by which erased ids are hashed: of a deployment, the same for all that fold its log."""

import os
import secrets
from pathlib import Path
from typing import Final

from jobs.config import Config
from jobs.stack.passwords import FOLDER
from schemas.erasures import NO_ERASURE_KEY, ErasureKey
from schemas.errors import ConfigError

KEY_NAME: Final = "erasure.key"
KEY_LENGTH_MIN: Final = 32
"""Bytes: less could be tried out."""


def erasure_key_file(config: Config) -> Path:
    """Where the key lies: in the file of the setting, else among the secrets of the home."""
    return config.erasure_key_file or config.home / FOLDER / KEY_NAME


def erasure_key_of(config: Config) -> ErasureKey:
    """The key; none where the home has none yet. Raises ConfigError where it cannot be read, or is too short."""
    path = erasure_key_file(config)
    try:
        key = path.read_bytes().strip()
    except FileNotFoundError:
        if config.erasure_key_file is None:
            return NO_ERASURE_KEY
        raise ConfigError(
            f"the erasure key {path} is not there: `kairos key secret {path}` makes one"
        ) from None
    except OSError as error:
        raise ConfigError(f"the erasure key {path} cannot be read: {error.strerror}") from error
    if len(key) < KEY_LENGTH_MIN:
        raise ConfigError(f"the erasure key in {path} is shorter than {KEY_LENGTH_MIN} bytes")
    return ErasureKey(key)


def make_erasure_key(config: Config) -> ErasureKey:
    """The key of this home, made where there is none: by whoever starts a job first, or forgets somebody."""
    path = erasure_key_file(config)
    if config.erasure_key_file is None and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_hex(KEY_LENGTH_MIN)}\n")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: both take its key
        finally:
            fresh.unlink()
    return erasure_key_of(config)
