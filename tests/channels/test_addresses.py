"""Whose request it is: the peer's address, or what a proxy that is named says; hostile headers name nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.api.addresses import name_of, networks_of, whose

PROXIES = networks_of("10.0.0.0/8, 2001:db8:aaaa::/48")
PROXY = "10.1.2.3"
VISITOR = "203.0.113.7"


def asked(*headers: tuple[str, str], peer: str = PROXY) -> str:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return whose(peer, raw, PROXIES)


def test_without_a_proxy_that_is_named_headers_count_for_nothing() -> None:
    said = [(b"x-forwarded-for", b"1.2.3.4"), (b"forwarded", b"for=1.2.3.4")]
    assert whose(VISITOR, said, ()) == VISITOR
    assert asked(("x-forwarded-for", "1.2.3.4"), peer=VISITOR) == VISITOR


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-for", VISITOR),
        ("x-forwarded-for", f"6.6.6.6, {VISITOR}"),
        ("x-forwarded-for", f"6.6.6.6, {VISITOR}, 10.9.9.9, [2001:db8:aaaa::1]:443"),
        ("x-forwarded-for", f"{VISITOR}:4711"),
        ("x-forwarded-for", f"::ffff:{VISITOR}"),
        ("forwarded", f"for={VISITOR};proto=https"),
        ("forwarded", f'for="6.6.6.6", proto=http;For="{VISITOR}:80";by=10.1.1.1'),
    ],
)
def test_behind_a_proxy_the_last_address_that_is_no_proxy_counts(name: str, value: str) -> None:
    assert asked((name, value)) == VISITOR


def test_lines_of_a_header_are_one_chain() -> None:
    assert asked(("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", VISITOR)) == VISITOR


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("x-forwarded-for", ""),),
        (("x-forwarded-for", "unknown"),),
        (("x-forwarded-for", f"{VISITOR}, nonsense"),),
        (("forwarded", "for=_hidden"),),
        (("forwarded", "by=1.2.3.4"),),
        (("x-forwarded-for", VISITOR), ("forwarded", "for=6.6.6.6")),
    ],
)
def test_where_it_is_not_clear_who_it_is_the_proxy_counts(
    headers: tuple[tuple[str, str], ...],
) -> None:
    assert asked(*headers) == PROXY


def test_of_ipv6_a_whole_network_is_one() -> None:
    assert name_of("2001:db8:1:2:3:4:5:6") == name_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert name_of("2001:db8:1:3::1") != name_of("2001:db8:1:2::1")
    assert name_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert name_of("fe80::1%eth0") == "fe80::/64"


@given(st.sampled_from([b"x-forwarded-for", b"forwarded"]), st.binary(max_size=300))
def test_any_bytes_name_somebody(name: bytes, value: bytes) -> None:
    assert whose(PROXY, [(name, value)], PROXIES)


@given(
    st.lists(st.sampled_from(["1.1.1.1", "x", '"', "for=", ";", "[", "]", ":1", "%"]), max_size=40)
)
def test_what_a_visitor_puts_before_the_proxys_word_changes_nothing(parts: list[str]) -> None:
    made_up = "".join(parts).replace(",", "")
    assert asked(("x-forwarded-for", f"{made_up}, {VISITOR}")) == VISITOR
