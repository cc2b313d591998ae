"""Tokens: a few values, signed with the deployment's secret. They can be read by whoever holds them.

TOKEN = base64url(JSON array) "." base64url(HMAC-SHA256 over purpose and body)
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

TOKEN_LENGTH_MAX: Final = 2_048
SECRET_LENGTH_MIN: Final = 32
"""Characters: less could be tried out."""

Value = str | int
_VALUES: Final = msgspec.json.Decoder(list[Value])


class BadToken(Exception):
    """Not a token of this purpose and secret; the message says why."""


def sign(secret: bytes, purpose: str, *values: Value) -> str:
    """A token of these values that is good for this purpose only."""
    body = _encoded(msgspec.json.encode(values))
    return f"{body}.{_encoded(_mac(secret, purpose, body))}"


def opened(secret: bytes, purpose: str, token: str, *, is_checked: bool = True) -> list[Value]:
    """The values of a token; raises BadToken. Without `is_checked` any signature will do."""
    body, dot, mac = token.partition(".")
    if not dot or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise BadToken("it is not a token")
    if is_checked and not hmac.compare_digest(mac, _encoded(_mac(secret, purpose, body))):
        raise BadToken("its signature is wrong")
    try:
        return _VALUES.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadToken("its content cannot be read") from error


def _mac(secret: bytes, purpose: str, body: str) -> bytes:
    return hmac.digest(secret, f"{purpose}\0{body}".encode(), sha256)


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
