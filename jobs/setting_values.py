"""How the text of a setting is read: each returns its value, or raises ValueError that says what is wanted."""

from collections.abc import Callable
from ipaddress import ip_network
from math import isfinite
from pathlib import Path
from typing import Final

from jobs.learning.model_roots import roots_from
from jobs.stack.ports import ANY_FREE, Ports
from log.registry_address import check_url
from log.store_address import check_address
from schemas.rates import Rate, Shares
from schemas.topics import retention_from

RATE_MAX: Final = 1e12
SOURCE_FORMATS: Final = (
    "kairos",
    "json",
    "segment",
    "ga4",
    "cloudevents",
    "snowplow",
    "json-schema",
    "confluent-avro",
)
"""Those of schemas/formats, which takes longer to load than a setting may."""
AVRO: Final = "kairos-avro"
"""Of a topic `kairos` is Avro, of a file JSON Lines: this says which."""


def address(text: str) -> str | None:
    """HOST:PORT, or several with commas between; None for nothing."""
    if not text:
        return None
    for one in text.split(","):
        host, _, port = one.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError("HOST:PORT is wanted")
    return text


def store(text: str) -> str | None:
    """A Redis or Valkey; None for nothing."""
    return check_address(text) if text else None


def one_address(text: str) -> str | None:
    """One HOST:PORT; None for nothing."""
    if "," in text:
        raise ValueError("one HOST:PORT is wanted")
    return address(text)


def prefix(text: str) -> str:
    """What may stand before a topic's name or a key of the store."""
    if len(text) > 100 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in text):
        raise ValueError("at most 100 letters, digits, dots, underscores and hyphens are wanted")
    return text


def home(text: str) -> Path:
    """A folder, which may be made yet: nothing on the way to it is a file."""
    path = Path(text)
    try:
        file_there = next((one for one in (path, *path.parents) if one.is_file()), None)
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be looked at: {error.strerror}") from error
    if file_there is not None:
        raise ValueError(f"a folder is wanted, and {file_there} is a file")
    return path


def file(text: str) -> Path | None:
    """A path, made absolute; None for nothing."""
    return Path(text).absolute() if text else None


def yes(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in ("yes", "no", "true", "false", "1", "0"):
        raise ValueError("yes or no is wanted")
    return text.lower() in ("yes", "true", "1")


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise ValueError("a number from 0 to 1 is wanted")
    return number


def within(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number of [low, high]."""

    def read(text: str) -> int:
        if not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is wanted")
        return int(text)

    return read


def source_format(text: str) -> str:
    """How the records of `events` are written."""
    if text == AVRO:
        return "kairos"
    if text not in SOURCE_FORMATS:
        raise ValueError(f"{AVRO} or {' or '.join(SOURCE_FORMATS)} is wanted")
    return text


def registry(text: str) -> str | None:
    """The URL of a schema registry; None for nothing."""
    return check_url(text) if text else None


def one_of(*words: str) -> Callable[[str], str | None]:
    """Reads one of these words; None for nothing."""

    def read(text: str) -> str | None:
        if text and text not in words:
            raise ValueError(f"{' or '.join(words)} is wanted")
        return text or None

    return read


def core(text: str) -> int | None:
    """The number of a processor core; None for nothing."""
    return within(0, 4_095)(text) if text else None


def ports(text: str) -> Ports:
    """kafka=9092,redis=0: those that are not named stay as they are; `0` alone is any free port for all."""
    if text == "0":
        return ANY_FREE
    read = within(0, 65_535)
    pairs = [one.strip().partition("=") for one in text.split(",") if one.strip()]
    if wrong := [name for name, _, _ in pairs if name not in Ports._fields]:
        raise ValueError(
            f"{wrong[0]!r} is none of {', '.join(Ports._fields)}: kafka=9092,redis=0 is wanted, or 0"
        )
    return Ports()._replace(**{name: read(port) for name, _, port in pairs})


def consent(text: str) -> str:
    """Purposes, as `events.purposes_from` reads them."""
    if text not in ("all", "none"):  # these need no look at events, which every command would load
        from schemas.events import purposes_from

        purposes_from(text)
    return text


def retention(text: str) -> str:
    """How long topics are kept, as `topics.retention_from` reads it."""
    retention_from(text)
    return text


def models(text: str) -> str:
    """Where models may lie, as `roots_from` reads it."""
    roots_from(text, Path())
    return text


def origins(text: str) -> str:
    """Origins of web pages, without slashes at their ends."""
    found = [one.strip().rstrip("/") for one in text.split(",") if one.strip()]
    for one in found:
        scheme, _, rest = one.partition("://")
        if scheme not in ("http", "https") or not rest or "/" in rest:
            raise ValueError("origins are wanted, with commas between: https://shop.example")
    return ",".join(found)


def networks(text: str) -> str:
    """Addresses and networks, as they are written in full."""
    found = [one.strip() for one in text.split(",") if one.strip()]
    try:
        return ",".join(str(ip_network(one, strict=False)) for one in found)
    except ValueError as error:
        raise ValueError(
            "addresses or networks are wanted, with commas between: 10.0.0.0/8,::1"
        ) from error


def rate(text: str) -> Rate:
    """RATE/BURST."""
    try:
        per_s, burst = (float(one) for one in text.split("/"))
    except ValueError as error:
        raise ValueError("RATE/BURST is wanted: so much a second, so much at once") from error
    if not (0 < per_s <= RATE_MAX and 1 <= burst <= RATE_MAX and isfinite(per_s * burst)):
        raise ValueError(f"a rate above 0 and a burst from 1 are wanted, at most {RATE_MAX:.0e}")
    return Rate(per_s, burst)


def shares(text: str) -> Shares:
    """IN ALL/OF A KEY/OF AN ADDRESS."""
    try:
        found = Shares(*(within(1, 1_000_000)(one) for one in text.split("/")))
    except (TypeError, ValueError) as error:
        raise ValueError("IN ALL/OF A KEY/OF AN ADDRESS is wanted, whole numbers") from error
    return found
