"""Files named by their content: what models are published as, and how one of this machine is read."""

import os  # noqa: TID251 - opens files, reads no environment
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from schemas.errors import ConfigError

# neither waits for a writer, where it is a pipe, nor becomes anybody's terminal
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Published(Struct, frozen=True):
    """Where an artefact lies, and its checksum, which is also its version."""

    uri: str
    sha256: str

    @property
    def version(self) -> str:
        """A name short enough for a decision."""
        return self.sha256[:12]


def save_content(data: bytes, folder: Path, suffix: str) -> Published:
    """Writes the data under the name of its content; the same content is one file."""
    digest = sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest[:12]}{suffix}"
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
    return Published(str(path), digest)


def path_of(what: str, uri: str) -> str:
    """The path that a path or a `file:` URI names; ConfigError, naming `what`, of anything else."""
    if not uri.startswith("file:"):
        return uri
    parts = urlsplit(uri)
    if parts.netloc or parts.query or parts.fragment or not parts.path.startswith("/"):
        raise ConfigError(f"{what} {uri}: cannot be read: file:///… is wanted")
    return unquote(parts.path, errors="strict") if "%" in parts.path else parts.path


def read_content(what: str, uri: str, bytes_max: int) -> bytes:
    """All of a regular file of this machine; ConfigError, naming `what`, where that fails.

    Its size is looked at first. Whether it may be read is for the caller to know (jobs/learning/model_roots.py).
    """
    try:
        with os.fdopen(os.open(path_of(what, uri), _FLAGS), "rb") as file:
            data = read_regular(file.fileno(), bytes_max)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{what} {uri}: cannot be read: {why}") from error
    return data


def read_regular(number: int, bytes_max: int) -> bytes:
    """All of an open regular file; raises OSError where it is none, or larger than that."""
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("no regular file")
    if found.st_size > bytes_max:
        raise OSError(f"of more than {bytes_max} bytes")
    with os.fdopen(os.dup(number), "rb") as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise OSError(f"of more than {bytes_max} bytes")
    return data


def check_content(what: str, published: Published, data: bytes) -> None:
    """Raises ConfigError where the data are not what was published."""
    if sha256(data).hexdigest() != published.sha256:
        raise ConfigError(f"{what} {published.uri}: its checksum is not {published.sha256[:12]}…")
