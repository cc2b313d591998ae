"""What names somebody in free text is masked, what does not is left alone, and no text of any kind does more than that."""

import re
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.mask_text import CARD, EMAIL, PHONE, is_card, mask_bytes, mask_text
from udfs.items.match_items import words

MASKED = [
    ("anna@example.com", EMAIL),
    ("red shoes anna.b+shop@mail.example.co.uk.", f"red shoes {EMAIL}."),
    ("/search?q=anna%40example.com&page=2", f"/search?q={EMAIL}&page=2"),
    ("/search?q=anna%2540example.com", f"/search?q={EMAIL}"),
    ('"anna b"@example.com', EMAIL),
    ("a@b@example.com", EMAIL),
    ("<anna@bücher.example>, me", f"<{EMAIL}>, me"),
    ("call +49 171 1234567 please", f"call {PHONE} please"),
    ("+1 (212) 555-0123", PHONE),
    ("0049 (0)171 123 45 67", PHONE),
    ("0171/1234567", PHONE),
    ("(030) 123456", PHONE),
    ("06.12.34.56.78", PHONE),
    ("07911 123456", PHONE),
    ("212-555-0123 or (212) 555-0123", f"{PHONE} or {PHONE}"),
    ("/callback?tel=%2B49%20171%201234567", f"/callback?tel={PHONE}"),
    ("4111 1111 1111 1111", CARD),
    ("4111-1111-1111-1111 123", f"{CARD} 123"),
    ("my card 378282246310005 fails", f"my card {CARD} fails"),
    ("5555555555554444 and 30569309025904", f"{CARD} and {CARD}"),
]
LEFT_ALONE = [
    "", "red shoes", "@", "#deal @home", "5@3.50", "me @ work", "1 2 3",
    "1,234,567.89", "€ 1.234.567,89", "52.520008, 13.404954", "0.123456789",
    "01.02.2024 10:30", "01/02/2024 103000", "2024-01-15 10:30:00", "1700000000000", "20240115103000",
    "/p/0123456789", "/p/shoe-1234567", "sku-0123456789", "order #0123456789", "order 123456", "item 1234567890",
    "4006381333931", "4111 1111 1111 1112", "9111111111111111", "e3b0c442-98fc-1c14-9afb-f4c8996fb924",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    st.text('0123456789+-./ ()@%420\\u"[]#☎a.de=&', max_size=60),
    st.lists(st.sampled_from([text for text, _ in MASKED] + LEFT_ALONE)).map("".join),
)


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_what_names_somebody_is_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_prices_dates_ids_and_order_numbers_stay(text: str) -> None:
    assert mask_text(text) is text
    assert mask_bytes(text.encode()) == text.encode()


@given(st.text(st.characters(exclude_categories=["Nd"], exclude_characters="@\uff20")))
def test_a_text_without_digits_and_at_is_the_same_object(text: str) -> None:
    assert mask_text(text) is text


@given(TEXTS)
@example("0171 1234567(0171) 1234567")
@example("a@b.de+x@y.de+z@y.de")
def test_masking_twice_is_masking_once_and_never_makes_a_text_longer(text: str) -> None:
    masked = mask_text(text)
    assert mask_text(masked) is masked
    assert len(masked) <= len(text)
    assert len(masked.encode(errors="surrogatepass")) <= len(text.encode(errors="surrogatepass"))


@given(st.text(st.characters(exclude_categories=["Nd", "Cs"])), st.emails(), st.text())
def test_no_address_survives(before: str, address: str, after: str) -> None:
    assert address not in mask_text(f"{before} {address} {after}")


@given(st.integers(0, 10**6), st.sampled_from(["", " ", "-", "."]), st.text(max_size=20))
def test_no_card_survives(seed: int, between: str, around: str) -> None:
    digits = made_card(Random(seed))
    grouped = between.join(digits[at : at + 4] for at in range(0, len(digits) - 3, 4))
    card = grouped + digits[len(digits) - len(digits) % 4 :]
    masked = mask_text(f"{around} pay {card} {around}")
    assert card not in masked
    assert digits not in re.sub(r"\D", "", masked) or digits in re.sub(r"\D", "", around)


def made_card(random: Random) -> str:
    """A card's number of a network, with its check digit."""
    head, length = random.choice(
        [("4", 16), ("52", 16), ("2300", 16), ("37", 15), ("36", 14), ("6011", 16), ("62", 19)]
    )
    body = head + "".join(random.choices("0123456789", k=length - len(head) - 1))
    return next(body + last for last in "0123456789" if is_card(body + last))


@given(st.one_of(st.binary(), TEXTS.map(lambda text: text.encode(errors="surrogatepass"))))
def test_raw_bytes_keep_their_number(raw: bytes) -> None:
    assert len(mask_bytes(raw)) == len(raw)


def test_a_number_right_behind_its_length_in_binary_bytes_is_masked() -> None:
    for said in (b"anna@example.com", b"0171 1234567", b"4111111111111111"):
        assert said not in mask_bytes(b"\xc3\x01\x02" + b"4" + said + b"\x00")
        assert said not in mask_bytes(b'{"query": "' + said + b'"}')
    assert mask_bytes(b'{"query": "ann\\u0040example.com"}') == b'{"query": "' + b"*" * 20 + b'"}'


def test_the_signs_are_no_words_so_that_ranking_goes_by_the_rest() -> None:
    masked = mask_text("running shoes anna@example.com 0171 1234567 4111 1111 1111 1111")
    assert words(masked) == words("running shoes")


@pytest.mark.parametrize(
    "piece", ["a", "@", "a@1.", "1 ", "+1", "01 ", "(0", '"a', "333 ", "212 555 012 ", "%25", "%41"]
)
def test_a_hostile_text_takes_no_more_than_its_length(piece: str) -> None:
    """Ends in no time; with a step for each pair of its letters it would take more than this test may."""
    text = piece * (50_000 // len(piece))
    assert len(mask_text(text)) <= len(text)


@pytest.mark.parametrize(
    "row",
    ["2025-11-29 08:00:01.412\t2025-11-29 08:00:00.200", "4111\t1111\t1111\t1111", "0176\t123456789"],
)  # fmt: skip
def test_columns_of_a_table_are_numbers_of_their_own(row: str) -> None:
    assert mask_text(row) == row
    assert mask_bytes(row.encode()) == row.encode()
