"""Address -> country, region, city, time zone and a point to some kilometres, by a database in MaxMind's format that the operator supplies (none comes with Kairos).

The address is looked up and let go of: nothing keeps it. https://maxmind.github.io/MaxMind-DB/
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

from maxminddb import InvalidDatabaseError, open_database

from schemas.errors import ConfigError
from schemas.limits import LATITUDE_MAX, LONGITUDE_MAX, STRING_LENGTH_MAX

LANGUAGE: Final = "en"


class Place(NamedTuple):
    """Where an address is: country and region by their codes (DE, BE), the city by its English name, the point in degrees."""

    country: str | None = None
    city: str | None = None
    time_zone: str | None = None
    region: str | None = None
    latitude: float | None = None
    longitude: float | None = None


NOWHERE: Final = Place()


class Places:
    """The database of one file, which may be read by several threads."""

    def __init__(self, path: Path) -> None:
        """Opens it; raises ConfigError where it cannot be used."""
        try:
            self._database = open_database(path)
        except (OSError, ValueError, InvalidDatabaseError) as error:
            raise ConfigError(
                f"{path}: no database of places in MaxMind's format: {error}"
            ) from error
        self._of = lru_cache(4_096)(self._look_up)

    def of(self, address: str | None) -> Place:
        """Where it is; what is no address, or in no place that is known, is nowhere."""
        return self._of(address) if address else NOWHERE

    def _look_up(self, address: str) -> Place:
        try:
            found = self._database.get(ip_address(address.partition("%")[0].partition("/")[0]))
        except (ValueError, InvalidDatabaseError):
            return NOWHERE
        if not isinstance(found, dict):
            return NOWHERE
        country = _part(found, "country") or _part(found, "registered_country")
        city = _part(_part(found, "city"), "names").get(LANGUAGE)
        location = _part(found, "location")
        point = (
            _degrees(location.get("latitude"), LATITUDE_MAX),
            _degrees(location.get("longitude"), LONGITUDE_MAX),
        )
        return Place(
            _text(country.get("iso_code")), _text(city), _text(location.get("time_zone")),
            _text(_first(found.get("subdivisions")).get("iso_code")), *(point if None not in point else (None, None)),
        )  # fmt: skip


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _first(several: object) -> Mapping[str, Any]:
    """The largest part of a country, which stands first."""
    found = several[0] if isinstance(several, list) and several else None
    return found if isinstance(found, dict) else {}


def _degrees(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -most <= value <= most else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= STRING_LENGTH_MAX else None
