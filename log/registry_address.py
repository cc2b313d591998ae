"""Where a schema registry is: a URL. A password never stands in it, so it can be shown."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class RegistryAddress(str):  # noqa: SLOT000 - it carries its file
    """The URL of a registry, and the file with what it wants to know of its clients (None: nothing)."""

    settings_file: Path | None = None

    def __new__(cls, url: str, settings_file: Path | None = None) -> "RegistryAddress":
        """The URL, with its file."""
        made = super().__new__(cls, url)
        made.settings_file = settings_file
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its file's path: an operator's settings go to the task managers so."""
        return RegistryAddress, (str(self), self.settings_file)


def check_url(url: str) -> str:
    """The URL, if it is one of a registry; raises ValueError that says what is wanted."""
    found = urlsplit(url)
    if found.password is not None or found.username is not None:
        raise ValueError(
            "a password stands in a file: name it in KAIROS_SCHEMA_REGISTRY_SETTINGS_FILE"
        )
    try:
        is_port = found.port is None or 0 < found.port < 65_536
    except ValueError:
        is_port = False
    if (
        found.scheme not in ("http", "https") or not found.hostname or not is_port
        or found.query or found.fragment or not url.isascii() or not url.isprintable() or " " in url
    ):  # fmt: skip
        raise ValueError("http://HOST:PORT or https://HOST[:PORT][/PATH] is wanted")
    return url.rstrip("/")
