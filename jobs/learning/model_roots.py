"""Where artefacts may come from that a record of `control` names: KAIROS_MODELS, and nowhere else."""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import ConfigError
from schemas.limits import STRING_LENGTH_MAX

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
PREFIX: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://([A-Za-z0-9._~@-]+(:[0-9]+)?)?(/[A-Za-z0-9._~-]+)*/"
)
REST: Final = re.compile(r"[A-Za-z0-9._=+,@~-]+(/[A-Za-z0-9._=+,@~-]+)*")
"""What may stand behind a configured prefix: names, one folder below the other."""
FILE: Final = "file:"
REMEDY: Final = "`kairos model publish FILE` copies it there"


class Roots(NamedTuple):
    """Folders of this machine, and beginnings of URIs."""

    folders: tuple[str, ...]
    prefixes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((*self.folders, *self.prefixes)) or "nothing"


class Place(NamedTuple):
    """Where an artefact lies: a resolved path of this machine, or a URI behind one of the prefixes."""

    path: str | None = None
    uri: str = ""


def roots_from(text: str, home: Path) -> Roots:
    """The roots that KAIROS_MODELS names; without any, the folder `models` of the home."""
    entries = [one.strip() for one in text.split(",") if one.strip()]
    if not entries:
        return Roots((str((home / "models").absolute()),))
    folders, prefixes = [], []
    for one in entries:
        if "::" in one or not one.isprintable() or ".." in one.split("/") or one.endswith("://"):
            raise ValueError(f"{one!r} is no folder and no beginning of a URI")
        if SCHEME.match(one) is None or one.startswith(FILE):
            folders.append(str(Path(one.removeprefix("file://")).absolute()))
        elif PREFIX.fullmatch(prefix := one if one.endswith("/") else f"{one}/") is not None:
            prefixes.append(prefix)
        else:
            raise ValueError(f"{one!r}: something like s3://bucket/models/ is wanted")
    return Roots(tuple(folders), tuple(prefixes))


def locate(what: str, uri: str, roots: Roots) -> Place:
    """Where `uri` leads; ConfigError, naming `what`, unless that is within the roots.

    A path is resolved before it is compared, so that no link leads out; a URI must be one of the
    prefixes and plain names. Nothing is opened here but what resolving looks at.
    """
    from models.content import path_of  # not for everything that only reads settings

    if not uri or len(uri) > STRING_LENGTH_MAX or not uri.isprintable():
        raise ConfigError(f"{what} {uri[:100]!r}: no place is named")
    scheme = SCHEME.match(uri)
    if scheme is not None and scheme[0] != FILE:
        return Place(uri=_remote(what, uri, roots))
    try:
        path = path_of(what, uri)
        is_odd = "::" in path or not path.isprintable() or path.endswith("/")
        if is_odd or ".." in path.split("/"):
            raise ConfigError(f"{what} {uri}: no path that is taken from a record")
        resolved = os.path.realpath(path, strict=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{what} {uri}: cannot be read: {_words(error)}") from error
    if not is_within(resolved, roots):
        raise ConfigError(f"{what} {uri}: lies outside of KAIROS_MODELS ({roots}): {REMEDY}")
    return Place(resolved)


def is_within(path: str, roots: Roots) -> bool:
    """Whether a resolved path lies in one of the folders."""
    return any(
        Path(path).is_relative_to(os.path.realpath(folder)) and path != os.path.realpath(folder)
        for folder in roots.folders
    )


def _remote(what: str, uri: str, roots: Roots) -> str:
    for prefix in roots.prefixes:
        rest = uri.removeprefix(prefix)
        if rest != uri and REST.fullmatch(rest) is not None and not _has_dots(rest):
            return uri
    raise ConfigError(f"{what} {uri}: lies outside of KAIROS_MODELS ({roots}): {REMEDY}")


def _has_dots(rest: str) -> bool:
    return any(not name.strip(".") for name in rest.split("/"))


def _words(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
