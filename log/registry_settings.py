"""What a schema registry wants to know of who asks: a file with names, passwords and certificates, by the names of Confluent's clients.

https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html#schemaregistryclient
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from log.registry_address import RegistryAddress
from log.settings import read_pairs
from schemas.errors import ConfigError

USER: Final = "basic.auth.user.info"
TOKEN: Final = "bearer.auth.token"  # noqa: S105 - the name of a setting
CA: Final = "ssl.ca.location"
CERTIFICATE: Final = "ssl.certificate.location"
KEY: Final = "ssl.key.location"
KEY_PASSWORD: Final = "ssl.key.password"  # noqa: S105 - likewise
NAMES: Final = frozenset({USER, TOKEN, CA, CERTIFICATE, KEY, KEY_PASSWORD})
WHAT: Final = "the schema registry's settings"


class Access(NamedTuple):
    """How it is reached: `path` before every path that is asked for; `tls` None: in the clear."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    tls: ssl.SSLContext | None


def access_to(address: str) -> Access:
    """How the registry is reached; raises ConfigError where its file, or one that it names, cannot be used."""
    file = address.settings_file if isinstance(address, RegistryAddress) else None
    settings = read_pairs(file, NAMES, {}, WHAT) if file is not None else {}
    found = urlsplit(address)
    is_tls = found.scheme == "https"
    return Access(
        found.hostname or "", found.port or (443 if is_tls else 80), found.path.rstrip("/"),
        _headers(file, settings), _tls(file, settings) if is_tls else None,
    )  # fmt: skip


def _headers(file: Path | None, settings: Mapping[str, str]) -> dict[str, str]:
    user, token = settings.get(USER), settings.get(TOKEN)
    if user and token:
        raise ConfigError(f"{file}: {USER} and {TOKEN}: leave one out")
    if user:
        if ":" not in user:
            raise ConfigError(f"{file}: {USER} has to be NAME:PASSWORD")
        return {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}
    if token and not (token.isascii() and token.isprintable()):
        raise ConfigError(f"{file}: {TOKEN} is no token")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _tls(file: Path | None, settings: Mapping[str, str]) -> ssl.SSLContext:
    try:
        tls = ssl.create_default_context(cafile=settings.get(CA) or None)
        if settings.get(CERTIFICATE):
            tls.load_cert_chain(
                settings[CERTIFICATE], settings.get(KEY) or None, settings.get(KEY_PASSWORD, "")
            )
    except (OSError, ValueError) as error:  # ssl's own are OSErrors
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{file}: certificates cannot be used: {reason}") from error
    return tls
