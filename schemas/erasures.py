"""Who was erased until when: records of kind `erasure` on `control`, whose names are keyed hashes of ids.

Who has the log alone can tell nobody from such a name. Who has the key can ask whether an id was erased.
"""

import hmac
from hashlib import sha256
from typing import Final, Literal

from schemas.control import Control

ERASURE: Final = "erasure"
"""The kind of such a record."""
HASH_BYTES: Final = 16
KEY_ID_CHARS: Final = 16
NO_KEY_ID: Final = "none"
IdKind = Literal["person", "session"]
"""`person` is what decisions are made for: a person's id or an anonymous one."""


class ErasureKey(bytes):
    """The secret by which ids are hashed; empty = there is none. It is shown to nobody."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def hash_of(self, kind: IdKind, name: str) -> bytes:
        """What stands for this id."""
        text = f"{kind}\0{name}".encode(errors="surrogatepass")
        return hmac.digest(self, text, sha256)[:HASH_BYTES]

    @property
    def key_id(self) -> str:
        """What records and messages call the key; it tells nothing of it."""
        if not self:
            return NO_KEY_ID
        return hmac.digest(self, b"kairos.erasure.1", sha256).hex()[:KEY_ID_CHARS]


NO_ERASURE_KEY: Final = ErasureKey()


def erasure_record(key: ErasureKey, kind: IdKind, name: str, until_ms: int) -> Control:
    """What says that all of this id at or before `until_ms` is erased."""
    return Control(ERASURE, key.hash_of(kind, name).hex(), key.key_id, until_ms)
