"""Pseudonyms: what stands for the ids of persons and sessions in keys of the store, and nowhere else.

Without a key the ids themselves stand there. All that share a store need the same key.
"""

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from schemas.errors import ConfigError

KEY_LENGTH_MIN: Final = 32
"""Bytes: less could be tried out."""
PSEUDONYM_BYTES: Final = 16
"""Of the HMAC: two of a billion persons share one with a chance of 10^-21."""

IdKind = Literal["person", "session"]


class Pseudonyms:
    """HMAC-SHA256 of ids, or the ids as they are where there is no key."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Pseudonyms()" if self._key is None else "Pseudonyms(key)"

    def of(self, kind: IdKind, name: str) -> str:
        """What stands for this person or session."""
        if self._key is None:
            return name
        mac = hmac.digest(self._key, f"{kind}\0{name}".encode(errors="surrogatepass"), sha256)
        return mac[:PSEUDONYM_BYTES].hex()


def read_pseudonyms(key_file: Path | None) -> Pseudonyms:
    """The pseudonyms by the key in this file (None: no key); raises ConfigError."""
    if key_file is None:
        return Pseudonyms()
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise ConfigError(
            f"the pseudonym key {key_file} cannot be read: {error.strerror}"
        ) from error
    if len(key) < KEY_LENGTH_MIN:
        raise ConfigError(
            f"the pseudonym key in {key_file} is shorter than {KEY_LENGTH_MIN} bytes: "
            f"`kairos key secret {key_file}` makes a new one"
        )
    return Pseudonyms(key)
