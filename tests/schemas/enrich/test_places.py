"""Addresses by a real database in MaxMind's format, and what is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from schemas.enrich.places import NOWHERE, Place, Places
from schemas.errors import ConfigError

BERLIN = {
    "country": {"iso_code": "DE"},
    "city": {"names": {"de": "Berlin", "en": "Berlin"}},
    "location": {"time_zone": "Europe/Berlin", "latitude": 52.5},
}

OAKLAND = {
    "country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}, {"iso_code": "ALA"}],
    "location": {"latitude": 37.8044, "longitude": -122.2712},
}  # fmt: skip


def write_places(path: Path) -> Path:
    """A database of a few networks of those that are kept for examples."""
    writer = MMDBWriter(6, "GeoLite2-City", languages=["en"], ipv4_compatible=True)
    writer.insert_network(IPSet(["203.0.113.0/24"]), BERLIN)
    writer.insert_network(IPSet(["2001:db8:1::/48"]), {"registered_country": {"iso_code": "FR"}})
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": "odd", "city": {"names": "odd"}, "location": {"time_zone": 7}})  # fmt: skip
    writer.insert_network(IPSet(["2001:db8:2::/48"]), OAKLAND)
    writer.insert_network(IPSet(["2001:db8:3::/48"]), {"subdivisions": ["odd"], "location": {"latitude": 91, "longitude": True}})  # fmt: skip
    writer.to_db_file(str(path))
    return path


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(write_places(tmp_path_factory.mktemp("places") / "city.mmdb"))


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("203.0.113.9", Place("DE", "Berlin", "Europe/Berlin")),
        ("2001:db8:1::5", Place("FR")),
        ("2001:db8:1:2::/64", Place("FR")),
        ("192.0.2.1", NOWHERE),
        ("2001:db8:2::5", Place("US", region="CA", latitude=37.8044, longitude=-122.2712)),
        ("2001:db8:3::5", NOWHERE),
        ("198.51.100.7", NOWHERE),
        ("/run/socket", NOWHERE),
        ("", NOWHERE),
        (None, NOWHERE),
    ],
)
def test_an_address_is_somewhere(places: Places, address: str | None, wanted: Place) -> None:
    assert places.of(address) == wanted


@given(address=st.text(max_size=100))
def test_any_text_is_looked_up(places: Places, address: str) -> None:
    assert isinstance(places.of(address), Place)


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" + b"\xff" * 50])  # fmt: skip
def test_what_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "places.mmdb"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"places\.mmdb: no database of places"):
        Places(path)
    with pytest.raises(ConfigError, match=r"nowhere\.mmdb: no database of places"):
        Places(tmp_path / "nowhere.mmdb")
