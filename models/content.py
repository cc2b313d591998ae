"""Files named by their content: what models are published as, and read from wherever they lie."""

from hashlib import sha256
from pathlib import Path

import fsspec
from msgspec import Struct

from schemas.errors import ConfigError


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


def read_content(what: str, uri: str, bytes_max: int) -> bytes:
    """All that lies at `uri` (a path or anything fsspec reads); ConfigError, naming `what`, where that fails."""
    try:
        with fsspec.open(uri, "rb") as file:
            data: bytes = file.read(bytes_max + 1)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"{what} {uri}: cannot be read: {error}") from error
    if len(data) > bytes_max:
        raise ConfigError(f"{what} {uri}: of more than {bytes_max} bytes")
    return data


def load_content(what: str, uri: str, checksum: str, bytes_max: int) -> bytes:
    """The same, with its checksum looked at."""
    data = read_content(what, uri, bytes_max)
    if sha256(data).hexdigest() != checksum:
        raise ConfigError(f"{what} {uri}: its checksum is not {checksum[:12]}…")
    return data
