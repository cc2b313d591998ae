"""Where addresses of machines (IPv4, IPv6) stand in a text: they say whose it is nearly as well as an e-mail address does."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

FOUR: Final = re.compile(r"(?<![\w.:])(?<![A-Za-z]/)\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
"""Behind a name and a slash it is a version, as user agents write it: `Chrome/129.0.0.0`."""
SIX: Final = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])(?!\.\d)"
)
SHORTEST: Final = 6
"""Characters of an address of IPv6: `::` and the like name nobody."""


def addresses_in(text: str) -> Iterator[tuple[int, int]]:
    """Where each stands, in their order."""
    spans = [found.span() for found in FOUR.finditer(text) if _is_four(found[0])]
    if "::" in text or text.count(":") >= 7:
        spans += [found.span() for found in SIX.finditer(text) if _is_six(found[0])]
    done = 0
    for begin, end in sorted(spans):
        if begin >= done:
            yield begin, end
            done = end


def _is_four(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_six(text: str) -> bool:
    if len(text) < SHORTEST:
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
