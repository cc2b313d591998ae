"""Where the store is, and how a client of Redis or Valkey gets there: HOST:PORT, or a URL, with the password in a file.

    redis://USER@HOST:PORT/DATABASE            rediss://… over TLS, ?ssl_ca_certs=FILE for an authority of your own
    redis+cluster://HOST:PORT                  rediss+cluster://… of a Redis Cluster; any of its nodes

A password never stands in an address, so an address can be shown.
"""

from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from redis import Redis

SCHEMES: Final = ("redis", "rediss", "redis+cluster", "rediss+cluster")
QUERY: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"})
SOCKET_S: Final = 5.0
PASSWORD_BYTES_MAX: Final = 4_096
DATABASE_MAX: Final = 10_000


class StoreAddress(str):  # noqa: SLOT000 - it carries its file
    """HOST:PORT or URL of the store, and the file with the password that it wants (None: none)."""

    password_file: Path | None = None

    def __new__(cls, address: str, password_file: Path | None = None) -> "StoreAddress":
        """The address, with its file."""
        made = super().__new__(cls, address)
        made.password_file = password_file
        return made


def check_address(address: str) -> str:
    """The address, if it is one; raises ValueError that says what is wanted."""
    if "://" not in address:
        host, _, port = address.rpartition(":")
        if "," in address or not host or not _is_port(port):
            raise ValueError("one HOST:PORT or a redis:// or rediss:// URL is wanted")
        return address
    found = urlsplit(address)
    if found.scheme not in SCHEMES:
        raise ValueError(f"the URL's scheme has to be one of {', '.join(SCHEMES)}")
    if found.password is not None:
        raise ValueError("a password stands in a file: name it in KAIROS_REDIS_PASSWORD_FILE")
    database = found.path.strip("/")
    if not found.hostname or (
        database and not (database.isdigit() and int(database) < DATABASE_MAX)
    ):
        raise ValueError("redis://[USER@]HOST:PORT[/DATABASE] is wanted")
    if found.port is not None and not _is_port(str(found.port)):
        raise ValueError("its port is none")
    unknown = {name for name, _ in parse_qsl(found.query)} - QUERY
    if unknown:
        raise ValueError(f"no such option: {', '.join(sorted(unknown))}")
    return address


def host_and_port(address: str) -> tuple[str, int]:
    """Where the server of an address listens."""
    if "://" not in address:
        host, _, port = address.rpartition(":")
        return host, int(port)
    found = urlsplit(address)
    return found.hostname or "", found.port or 6379


def open_redis(address: str, socket_s: float = SOCKET_S) -> "Redis[bytes]":
    """A client of the store, which connects when first used. Raises ConfigError where its password cannot be read."""
    # here, because an address is read by every command, and its client by few: redis takes as long as all else
    from redis import Redis, RedisCluster

    url = check_address(address) if "://" in address else f"redis://{check_address(address)}"
    found = urlsplit(url)
    more: dict[str, Any] = dict(parse_qsl(found.query))
    if "ssl_check_hostname" in more:
        more["ssl_check_hostname"] = more["ssl_check_hostname"] not in ("0", "false", "no")
    file = address.password_file if isinstance(address, StoreAddress) else None
    settings: dict[str, Any] = {
        "host": found.hostname,
        "port": found.port or 6379,
        "username": unquote(found.username) if found.username else None,
        "password": read_password(file) if file is not None else None,
        "socket_timeout": socket_s,
        "socket_connect_timeout": socket_s,
        **more,
    }
    if found.scheme.startswith("rediss"):
        settings["ssl"] = True
    if found.scheme.endswith("+cluster"):
        cluster: Any = RedisCluster(**settings)
        client: Redis[bytes] = cluster
        return client
    return Redis(db=int(found.path.strip("/") or 0), **settings)


def read_password(path: Path) -> str:
    """The first line of a file that nobody else can read; raises ConfigError."""
    try:
        if path.stat().st_mode & (S_IRWXG | S_IRWXO):
            raise ConfigError(f"{path} can be read by others: `chmod 600 {path}`")
        text = path.read_bytes()[:PASSWORD_BYTES_MAX].decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError(f"the store's password {path} cannot be read: {reason}") from error
    password = text.splitlines()[0].strip() if text.strip() else ""
    if not password:
        raise ConfigError(f"{path} holds no password")
    return password


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65_536
