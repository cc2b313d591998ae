"""Who may publish: records of `control` signed with Ed25519, and the one function that reads them.

What is signed is `content` of a record: every field but the signature and the key's name.
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent

KIND: Final = "ed25519"
KEY_BYTES: Final = 32
KEYS_MAX: Final = 100
ID_CHARS: Final = 16
_DOMAIN: Final = b"kairos.control.1\0"


class PublicKey(NamedTuple):
    """A key whose signatures count; its id follows from it."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """What records and messages call it."""
        return sha256(self.raw).hexdigest()[:ID_CHARS]

    def __str__(self) -> str:
        return f"{KIND} {base64.b64encode(self.raw).decode()}"


class ControlKeys(NamedTuple):
    """The keys that may publish. Without any, every record of `control` is taken, signed or not."""

    keys: tuple[PublicKey, ...] = ()

    def named(self, key_id: str | None) -> PublicKey | None:
        """The key of this id."""
        return next((one for one in self.keys if one.key_id == key_id), None)


OPEN: Final = ControlKeys()


class Signer:
    """A private key: what publishers sign with."""

    def __init__(self, pem: bytes) -> None:
        """Raises ConfigError for anything but an Ed25519 key without a passphrase."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"the signing key cannot be read: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(
                "the signing key is no Ed25519 key: `kairos control keygen` makes one"
            )
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw())

    def sign(self, control: Control) -> Control:
        """The record with this key's signature; the same record gets the same one."""
        signature = self._key.sign(content(control))
        return msgspec.structs.replace(control, signature=signature, key_id=self.public.key_id)


def new_key() -> bytes:
    """A new private key, as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_keys(lines: Sequence[str]) -> ControlKeys:
    """The keys of a file's lines: `ed25519 BASE64 whose it is`; `#` begins a comment. Raises ConfigError."""
    found = []
    for line in lines:
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            raw = base64.b64decode(words[1], validate=True) if words[0] == KIND else b""
        except (IndexError, binascii.Error):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise ConfigError(f"{line[:80]!r} is no public key: `{KIND} BASE64` is wanted")
        found.append(PublicKey(raw))
    if not found or len(found) > KEYS_MAX:
        raise ConfigError(f"{len(found)} public keys: from 1 to {KEYS_MAX} are wanted")
    return ControlKeys(tuple(found))


def content(control: Control) -> bytes:
    """What is signed: the same record is the same bytes, and another one others."""
    fields = (
        control.kind, control.name, control.version, control.effective_from_ms, control.payload,
        control.uri, control.sha256,
    )  # fmt: skip
    # what was signed before there were notes, or returns, stays as it was signed
    said: tuple[str | bool | None, ...] = (control.note, control.author)
    if control.is_return:
        said = (*said, True)
    elif control.note is control.author is None:
        said = ()
    return _DOMAIN + msgspec.msgpack.encode((*fields, *said))


def content_hash(control: Control) -> str:
    """What the audit log and `kairos control list` call a record by; signing does not change it."""
    return sha256(content(control)).hexdigest()


def read_control(value: bytes, keys: ControlKeys) -> Control:
    """The record in these bytes, by somebody who may publish; every reader of `control` comes here.

    Raises InvalidEvent where it cannot be decoded or, with keys, is not signed by one of them.
    """
    control = CONTROL.decode(value)
    fault = signature_fault(control, keys)
    if fault is not None:
        named = f"{control.kind[:100]} {control.name[:100]} version {control.version[:100]}"
        raise InvalidEvent("invalid_value", f"{named}: {fault}")
    return control


def signature_fault(control: Control, keys: ControlKeys) -> str | None:
    """Why the signature does not count; None where it does, or none is asked for."""
    if not keys.keys:
        return None
    if control.signature is None:
        return "it is not signed, and KAIROS_CONTROL_PUBLIC_KEYS asks for it: see `kairos control sign`"
    key = keys.named(control.key_id)
    if key is None:
        return f"signed with {str(control.key_id)[:ID_CHARS]!r}, which is none of the public keys"
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(control.signature, content(control))
    except (InvalidSignature, ValueError):
        return f"the signature of {key.key_id} is wrong: it was altered"
    return None
