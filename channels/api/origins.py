"""Host and Origin, as headers say them: any bytes may come, and what is none of either is nobody's."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

HOST: Final = re.compile(
    r"(?P<name>[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?\Z", re.ASCII | re.IGNORECASE
)
ORIGIN: Final = re.compile(r"https?://(?P<host>[^/\s@?#]{1,300})\Z", re.ASCII | re.IGNORECASE)
SAYABLE: Final = re.compile(r"[!-~]{1,300}\Z", re.ASCII)


class BadHost(Exception):
    """A header that names no host, or two of them."""


class Host(NamedTuple):
    """Where a request thinks it goes to: the name alone, and the whole with its port; empty where it says nothing."""

    name: str = ""
    place: str = ""


def host_of(headers: Iterable[tuple[bytes, bytes]]) -> Host:
    """The request's own host; raises BadHost."""
    said = [value for name, value in headers if name.lower() == b"host"]
    if not said or said == [b""]:
        return Host()
    text = said[0].decode("latin-1")
    found = HOST.match(text)
    if len(said) > 1 or found is None:
        raise BadHost("the header Host names no host")
    return Host(found["name"].strip("[]").lower(), text.lower())


def place_of(origin: str) -> str | None:
    """Host and port of a web page's origin; None where it is none (`null`, odd bytes)."""
    found = ORIGIN.match(origin)
    host = HOST.match(found["host"]) if found else None
    return host[0].lower() if host else None


def is_sayable(origin: str) -> bool:
    """Whether it may stand in a header of ours."""
    return SAYABLE.match(origin) is not None
