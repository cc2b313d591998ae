"""Whose request it is, by address: the peer's, or what a proxy that we know says. Any bytes may come in headers."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

HOPS_MAX: Final = 16
"""So many addresses of a chain are looked at, from its end."""
CHAIN_BYTES_MAX: Final = 4_096
IPV6_PREFIX: Final = 64
"""Whoever has one address of such a network has all of them."""
FOR: Final = re.compile(
    r'(?:^|;)\s*for\s*=\s*(?:"([^"\\]{1,100})"|([^;,\s"]{1,100}))', re.IGNORECASE
)
WITH_PORT: Final = re.compile(r"(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?\Z")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Headers = Iterable[tuple[bytes, bytes]]


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks of a list with commas (`10.0.0.0/8,::1`); raises ValueError."""
    return tuple(ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip())


def whose(peer: str, headers: Headers, proxies: Sequence[Network]) -> str:
    """The name under which the request is counted.

    Where the peer is a proxy of ours, the last address of its chain that is no proxy. Where `Forwarded` and
    `X-Forwarded-For` disagree one of them is the visitor's own invention, and the proxy's address counts.
    """
    if not is_within(peer, proxies):
        return name_of(peer)
    found = list(headers)
    said = {
        name: _last_foreign(hops, proxies)
        for name, hops in (
            (b"x-forwarded-for", _chain(found, b"x-forwarded-for")),
            (b"forwarded", _forwarded(_chain(found, b"forwarded"))),
        )
        if hops
    }
    whose = set(said.values())
    (only,) = whose if len(whose) == 1 else (None,)
    return name_of(only) if only else name_of(peer)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address is of one of these networks: of a proxy of ours, for one, which is believed what it says of addresses."""
    if not networks:
        return False
    parsed = _parsed(address)
    return parsed is not None and any(parsed in one for one in networks)


@lru_cache(4_096)
def name_of(text: str) -> str:
    """An address of IPv4 as it is, of IPv6 its network; what is none (a socket's path), as it is."""
    address = _parsed(text)
    if address is None:
        return text[:100]
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def _parsed(text: str) -> Address | None:
    """The address; one of IPv4 that is written as one of IPv6 is the former."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _chain(headers: Headers, wanted: bytes) -> list[str]:
    """The hops that a header names, in all its lines, the last ones of too many."""
    values = [value for name, value in headers if name.lower() == wanted]
    text = b",".join(values)[-CHAIN_BYTES_MAX:].decode("latin-1")
    return [one.strip() for one in text.split(",")][-HOPS_MAX:] if values else []


def _forwarded(hops: Sequence[str]) -> list[str]:
    found = (FOR.search(one) for one in hops)
    return [(one[1] or one[2]) if one else "" for one in found]


def _last_foreign(hops: Sequence[str], proxies: Sequence[Network]) -> str | None:
    """From the end, the first address that is no proxy's; None where what stands there is no address."""
    last = None
    for hop in reversed(hops):
        matched = WITH_PORT.match(hop)
        text = (matched[1] or matched[2]) if matched else hop
        if _parsed(text) is None:
            return None
        last = text
        if not is_within(text, proxies):
            break
    return last
