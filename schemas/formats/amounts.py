"""Amounts as people write them: `1,299.00`, `1.299,00`, `19,99 EUR`; what could be two of these is refused, not guessed. Pure."""

import re
from math import isfinite
from typing import Final, Literal, NamedTuple

from schemas.errors import InvalidEvent

Style = Literal["1,299.00", "1.299,00"]
SHOWN_MAX: Final = 50
LENGTH_MAX: Final = 100


class Writing(NamedTuple):
    """How amounts are written: what stands between thousands, and before the fraction."""

    group: str
    point: str
    written: re.Pattern[str]


STYLES: Final[dict[Style, Writing]] = {
    "1,299.00": Writing(",", ".", re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)),
    "1.299,00": Writing(".", ",", re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)),
}
"""`19.99` is none of the second: what else could be meant is not guessed."""
SYMBOLS: Final = {"€": "EUR", "£": "GBP", "$": None, "¥": None}
"""What several currencies share says none."""
AMOUNT: Final = re.compile(
    r"(?P<before>[A-Za-z]{3}\b|[€£$¥])?\s*(?P<number>[+-]?[\d.,'\u2019\s]*\d)\s*(?P<after>[A-Za-z]{3}\b|[€£$¥])?",
    re.ASCII,
)
BLANK_GROUPS: Final = re.compile(r"[+-]?\d{1,3}(?:[\s'\u2019]\d{3})+(?:[.,]\d+)?")
BLANKS: Final = re.compile(r"[\s'\u2019]")
AMBIGUOUS: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
"""A thousand and more, or a fraction of three digits."""
EXPONENT: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}", re.ASCII)


class Amount(NamedTuple):
    """A number, and the currency that stood beside it, as its code."""

    number: float
    currency: str | None = None


def amount(text: str, style: Style | None = None) -> Amount:
    """What the text says; without a `style` in the one way of both in which it can be read. Raises InvalidEvent."""
    plain = text.strip().replace("\u00a0", " ").replace("\u202f", " ")
    if len(plain) > LENGTH_MAX:
        raise _none(text)
    if EXPONENT.fullmatch(plain):
        return Amount(_finite(float(plain), text))
    found = AMOUNT.fullmatch(plain)
    if found is None or (found["before"] and found["after"]):
        raise _none(text)
    sign = found["before"] or found["after"]
    return Amount(_number(found["number"], style, text), _currency(sign))


def _currency(sign: str | None) -> str | None:
    return None if sign is None else SYMBOLS.get(sign, sign.upper())


def _number(written: str, style: Style | None, text: str) -> float:
    if BLANKS.search(written):
        if not BLANK_GROUPS.fullmatch(written):
            raise _none(text)
        # blanks part the thousands, so the one mark there may be stands before the fraction
        return _finite(float(BLANKS.sub("", written).replace(",", ".")), text)
    if style is None and AMBIGUOUS.fullmatch(written):
        whole = written.replace(",", "").replace(".", "")
        raise InvalidEvent(
            "invalid_value",
            f"{text[:SHOWN_MAX]!r} may be {whole} or {written.replace(',', '.')}: say which by --number 1,299.00 or --number 1.299,00",
        )
    for one in STYLES if style is None else (style,):
        group, point, pattern = STYLES[one]
        if pattern.fullmatch(written):
            return _finite(float(written.replace(group, "").replace(point, ".")), text)
    if style is not None:
        raise InvalidEvent("invalid_value", f"{text[:SHOWN_MAX]!r} is not written as {style}")
    raise _none(text)


def _finite(number: float, text: str) -> float:
    if not isfinite(number):
        raise InvalidEvent("not_finite", text[:SHOWN_MAX])
    return number


def _none(text: str) -> InvalidEvent:
    return InvalidEvent("invalid_value", f"{text[:SHOWN_MAX]!r} is no amount")
