"""Tokens: a few values, signed with the deployment's secret. They can be read by whoever holds them.

TOKEN = base64url(JSON [value, …, issued_s, id]) "." signature, by itsdangerous with HMAC-SHA256 and a key of each
purpose's own. Before, a token had no id, and HMAC-SHA256 over purpose and body was its signature; such ones are still
opened, for as long as they live.
"""

import hmac
import secrets as random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec
from itsdangerous import BadSignature, Signer

TOKEN_LENGTH_MAX: Final = 2_048
SECRET_LENGTH_MIN: Final = 32
"""Characters: less could be tried out."""
ID_BYTES: Final = 12

Value = str | int
Secrets = Sequence[bytes]
"""All that count, the newest last: it signs."""
_VALUES: Final = msgspec.json.Decoder(list[Value])


class BadToken(Exception):
    """Not a token of this purpose and these secrets; the message says why."""


class Token(NamedTuple):
    """What a token says. `token_id` names it where it is revoked."""

    values: list[Value]
    issued_s: int
    token_id: str


def sign(secrets: Secrets, purpose: str, issued_s: int, *values: Value) -> str:
    """A token of these values that is good for this purpose only."""
    body = _encoded(msgspec.json.encode([*values, issued_s, random.token_hex(ID_BYTES)]))
    return _signer(secrets, purpose).sign(body).decode()


def opened(secrets: Secrets, purpose: str, token: str, *, is_checked: bool = True) -> Token:
    """What a token says; raises BadToken. Without `is_checked` any signature will do."""
    body, dot, signature = token.partition(".")
    if not dot or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise BadToken("it is not a token")
    if is_checked and not _is_signed(secrets, purpose, body, signature):
        raise BadToken("its signature is wrong")
    try:
        values = _VALUES.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadToken("its content cannot be read") from error
    token_id = values.pop() if values and isinstance(values[-1], str) else _former_id(body)
    issued_s = values.pop() if values else None
    if not isinstance(issued_s, int):
        raise BadToken("its content cannot be read")
    return Token(values, issued_s, str(token_id))


def proof(secrets: Secrets, purpose: str, text: str) -> str:
    """What proves to us that we have seen this text."""
    return _signer(secrets, purpose).get_signature(text).decode()


def is_proof(secrets: Secrets, purpose: str, text: str, given: str) -> bool:
    """Whether `given` is such a proof, with any of the secrets."""
    if not given.isascii():
        return False
    former = _encoded(msgspec.json.encode([text]))
    return _signer(secrets, purpose).verify_signature(text, given) or _is_former(
        secrets, purpose, former, given
    )


def _signer(secrets: Secrets, purpose: str) -> Signer:
    return Signer(
        list(secrets), salt=f"kairos.{purpose}", key_derivation="hmac", digest_method=sha256
    )


def _is_signed(secrets: Secrets, purpose: str, body: str, signature: str) -> bool:
    try:
        _signer(secrets, purpose).unsign(f"{body}.{signature}")
    except BadSignature:
        return _is_former(secrets, purpose, body, signature)
    return True


def _is_former(secrets: Secrets, purpose: str, body: str, signature: str) -> bool:
    said = signature.encode()
    macs = (hmac.digest(one, f"{purpose}\0{body}".encode(), sha256) for one in secrets)
    return any(hmac.compare_digest(said, _encoded(mac).encode()) for mac in macs)


def _former_id(body: str) -> str:
    return sha256(body.encode()).hexdigest()[: 2 * ID_BYTES]


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
