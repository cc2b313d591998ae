"""Amounts as people write them are read in the one way there is, or refused."""

import pytest

from schemas.errors import InvalidEvent
from schemas.formats.amounts import Style, amount

READ: list[tuple[str, float, str | None]] = [
    ("19.99", 19.99, None), ("19,99", 19.99, None), ("1.299,00", 1299.0, None), ("1,299.00", 1299.0, None),
    ("1 299,00", 1299.0, None), ("1\u00a0299,00 €", 1299.0, "EUR"), ("1'299.50", 1299.5, None), ("19.99 EUR", 19.99, "EUR"),
    ("usd 19.99", 19.99, "USD"), ("£19", 19.0, "GBP"), ("$1,299.50", 1299.5, None), ("0.123", 0.123, None),
    ("1234.567", 1234.567, None), ("1.299.000", 1299000.0, None), (" 7 ", 7.0, None), ("1e3", 1000.0, None), ("-5", -5.0, None),
]  # fmt: skip
REFUSED = [
    "1,299", "1.299", "12.000 EUR", "", "abc", "12,34,567", "1e400", "--5", "5-", "1.2.3", "USD", "12 EUR USD", "1 2",
    "\u0663", "1..2", "9" * 400, "NaN", "Infinity", "EUR 5 EUR", " " * 1_000_000 + "x",
]  # fmt: skip


@pytest.mark.parametrize(("text", "number", "currency"), READ)
def test_an_amount_is_read_in_the_one_way_there_is(
    text: str, number: float, currency: str | None
) -> None:
    assert amount(text) == (number, currency)


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_could_be_two_amounts_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        amount(text)
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("style", "number"), [("1,299.00", 1299.0), ("1.299,00", 1.299)], ids=["thousand", "fraction"]
)
def test_who_says_how_they_write_amounts_has_them_all_read(style: Style, number: float) -> None:
    assert amount("1,299", style).number == number
    with pytest.raises(InvalidEvent, match="is not written as"):
        amount("19.99" if style == "1.299,00" else "19,99", style)
