"""Addresses of machines in what could not be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mask_addresses import addresses_in
from schemas.mask_event import masked
from schemas.mask_text import mask_bytes
from tests.builders import make_event


@pytest.mark.parametrize(
    "address",
    ["203.0.113.9", "2001:db8:1::5", "::ffff:203.0.113.9", "fe80::1", "2001:0db8:0000:0000:0000:ff00:0042:8329"],
)  # fmt: skip
@pytest.mark.parametrize("around", ['{{"ip": "{}"}}', "from {}, port 80", "http://{}/x", "\x16{}\x04"])  # fmt: skip
def test_it_is_hidden(address: str, around: str) -> None:
    if "http" in around and ":" in address:
        around = "http://[{}]/x"
    raw = around.format(address).encode()
    assert mask_bytes(raw) == around.format("*" * len(address)).encode()


@pytest.mark.parametrize(
    "text",
    ["12:30:45", "1.2.3", "1.2.3.4.5", "v1.2.3.4", "Chrome/129.0.0.0", "300.1.1.1", "a::b", "::", "std::map", "aa:bb:cc:dd:ee:ff", "2031-01-01T12:00:00.000Z"],
)  # fmt: skip
def test_what_is_none_stays(text: str) -> None:
    assert not list(addresses_in(f"a {text} b"))


@given(st.text(alphabet="0123456789abcdef:./ ", max_size=100))
def test_any_text_is_looked_through(text: str) -> None:
    spans = list(addresses_in(text))
    assert all(0 <= begin < end <= len(text) for begin, end in spans)
    assert len(mask_bytes(text.encode())) == len(text.encode())


def test_a_property_that_is_called_so_is_hidden_and_a_version_is_not() -> None:
    event = masked(make_event(properties={"ip": "203.0.113.9", "app_version": "1.2.3.4"}))
    assert event.properties == {"ip": "[ip]", "app_version": "1.2.3.4"}
    assert masked(event) is event
