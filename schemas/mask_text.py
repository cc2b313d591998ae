"""E-mail addresses, phone numbers and payment cards in free text: each becomes a sign, the rest of the text stays.

Most texts hold none, and pass after one look for a digit or an `@`. The signs hold no word, so nothing downstream takes them for one that was
searched for. What is found, what is left alone and why no library does it: docs/privacy.md.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from schemas.mask_addresses import addresses_in

EMAIL: Final = "[@]"
PHONE: Final = "[☎]"
CARD: Final = "[####]"
ADDRESS: Final = "[ip]"
CARD_DIGITS: Final = range(14, 20)
GROUPS_MAX: Final = 6
"""Of three digits or more, that a card may have."""

Span = tuple[int, int]
Hide = Callable[[str, str], str]
"""What stands for a text (the first) by the sign of its kind (the second)."""

# --- which texts are looked at ------------------------------------------------------------------
_SPACE: Final = r" \n\r\f\v\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What is blank, but for the tab: it stands between columns of a table, which are numbers of their own."""
_BETWEEN: Final = rf"(?:[{_SPACE}./()\-\u2010-\u2015+\uFF0B]|%2[089BDFbdf])"
"""Between two digits of a phone number, also as addresses of pages write it."""
_MORE: Final = rf"(?:{_BETWEEN}{{0,3}}\d)"
_AT: Final = re.compile(r"[@\uFF20]|%(?:25)*+40|\\u0040")
"""Also as addresses of pages and JSON write it."""
_RUN: Final = re.compile(rf"\d{_MORE}{{6,}}+")
_FIRST_LOOK_ASCII: Final = re.compile(r"[0-9@]")
_FIRST_LOOK: Final = re.compile(r"[\d@\uFF20]")

# --- e-mail addresses ---------------------------------------------------------------------------
_DOMAIN: Final = re.compile(r"(?:[\w-]++(?:\.|%2[Ee]))+[^\W\d_][\w-]+")
_BEFORE_NAME: Final = re.compile(r'.*[\s/?=&<>()\[\],;:"\\\0-\x1f]', re.DOTALL)
_ODD_NAMES: Final = frozenset("/?=&")

# --- numbers ------------------------------------------------------------------------------------
_DATE: Final = r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?!\d)"
_ENCODED: Final = r"(?<=%[0-9A-Fa-f][0-9A-Fa-f])"
_PLUS_CHARS_MAX: Final = 5
"""`(%2B(` in front of a number's first digit."""
_GROUPS: Final = re.compile(rf"\d{{3,}}(?:(?:[{_SPACE}.\-\u2010-\u2015+]|%20)\d{{3,}})*+")
_LONG: Final = re.compile(rf"\d(?:[{_SPACE}\-]?\d){{13,}}+")
_DIGITS: Final = re.compile(r"\d+")


def _phone(after_word: str, after_number: str) -> re.Pattern[str]:
    """The beginning of a number: international (8 digits or more), national with its zero (9 or more), or North American in its groups."""
    return re.compile(
        rf"{after_word}(?:[+\uFF0B]|%2[Bb])\(?[1-9]{_MORE}{{7}}"
        rf"|{after_number}\(?+(?!{_DATE})(?:00[1-9]{_MORE}{{9}}|0[1-9]{_MORE}{{7}})"
        rf"|{after_number}(?:1{_BETWEEN}{{1,2}})?\(?[2-9]\d\d{_BETWEEN}{{1,2}}[2-9]\d\d{_BETWEEN}\d{{4}}(?!\d)"
    )


_PHONE: Final = _phone(rf"(?:(?<![^\W\d_])|{_ENCODED})", rf"(?:(?<![\w/#-])(?<!\d[.,])|{_ENCODED})")
"""A number right behind a word, `/`, `#` or `-` belongs to an id or an address of a page, behind `1.` to an amount."""
_PHONE_ANYWHERE: Final = _phone("", "")


def mask_text(text: str) -> str:
    """The text without what names somebody; the same object where it holds nothing of it. Never longer, and masked once for all."""
    if (_FIRST_LOOK_ASCII if text.isascii() else _FIRST_LOOK).search(text) is None:
        return text
    return _masked(text, lambda _, sign: sign)


def mask_bytes(raw: bytes) -> bytes:
    """Bytes of a record that could not be used, likewise, and without addresses of machines, with `*` for each byte, so as many as before; ids are
    not told apart.

    In binary records a number may stand right behind the length of its text. There its beginning is not looked at, and digits as
    many as a card's are hidden whether they are one or not.
    """
    try:
        text, encoding = raw.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = raw.decode("latin-1"), "latin-1"

    def stars(found: str, _: str) -> str:
        return "*" * len(found.encode(encoding))

    is_binary = any(byte in raw for byte in (b"\0", b"\1", b"\2"))
    masked = _masked(text, stars, is_binary=is_binary)
    masked = _joined(masked, addresses_in(masked), ADDRESS, stars)
    return raw if masked is text else masked.encode(encoding)


def is_card(digits: str) -> bool:
    """Whether digits, as many as a card has, are a card's number: a payment network's first ones, and the check digit of Luhn."""
    if len(digits) not in CARD_DIGITS or not _is_of_network(digits):
        return False
    numbers = [int(one) for one in reversed(digits)]
    doubled = (divmod(2 * one, 10) for one in numbers[1::2])
    return (sum(numbers[::2]) + sum(tens + ones for tens, ones in doubled)) % 10 == 0


def _is_of_network(digits: str) -> bool:
    """14 and 15 digits have Diners and American Express only; of 2… only what Mastercard has."""
    first = int(digits[0])
    if first == 2:
        return len(digits) == 16 and 2221 <= int(digits[:4]) <= 2720
    return first == 3 or (4 <= first <= 6 and len(digits) >= 16)


def _masked(text: str, hide: Hide, *, is_binary: bool = False) -> str:
    if "@" in text or "40" in text or not text.isascii():
        text = _joined(text, _emails(text), EMAIL, hide)
    if _RUN.search(text) is None:
        return text
    text = _joined(text, _long_runs(text) if is_binary else _cards(text), CARD, hide)
    return _joined(text, _phones(text, _PHONE_ANYWHERE if is_binary else _PHONE), PHONE, hide)


def _joined(text: str, spans: Iterator[Span], sign: str, hide: Hide) -> str:
    """The text with each span hidden; the same object where there is none."""
    parts, done = [], 0
    for begin, end in spans:
        parts += [text[done:begin], hide(text[begin:end], sign)]
        done = end
    return "".join((*parts, text[done:])) if parts else text


def _emails(text: str) -> Iterator[Span]:
    """Where addresses stand: what is in front of an `@` up to a blank or a sign that ends a name, and a domain with a dot."""
    done = 0
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end()) if at.start() >= done else None
        if domain is None:
            continue
        before = _BEFORE_NAME.match(text, done, at.start())
        begin = before.end() if before else done
        if begin == at.start() and begin > done:
            begin = _begin_of_odd_name(text, done, begin)
        if begin < at.start():
            yield begin, domain.end()
            done = domain.end()


def _begin_of_odd_name(text: str, done: int, end: int) -> int:
    """A name in quotation marks, or one that ends with a sign that addresses of pages are made of; `end` where there is none."""
    last = text[end - 1]
    if last == '"':
        return max(text.rfind('"', done, end - 1), done)
    return end - 1 if last in _ODD_NAMES else end


def _phones(text: str, phone: re.Pattern[str]) -> Iterator[Span]:
    """Where numbers stand: one begins in a run of digits, and is taken to its end."""
    done = 0
    for run in _RUN.finditer(text):
        found = phone.search(text, max(done, run.start() - _PLUS_CHARS_MAX), run.end())
        if found is not None:
            yield found.start(), run.end()
            done = run.end()


def _cards(text: str) -> Iterator[Span]:
    """Where cards stand among digits in groups: one begins and ends with a group, and the longest counts."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() < CARD_DIGITS.start:
            continue
        for long in _GROUPS.finditer(text, run.start(), run.end()):
            groups = [found.span() for found in _DIGITS.finditer(text, *long.span())]
            done = 0
            for first, (begin, _) in enumerate(groups):
                end = (
                    _end_of_card(text, groups[first : first + GROUPS_MAX])
                    if begin >= done
                    else None
                )
                if end is not None:
                    yield begin, end
                    done = end


def _end_of_card(text: str, groups: list[Span]) -> int | None:
    """Where the longest card ends that begins with the first of these groups."""
    digits, found = "", None
    for begin, end in groups:
        digits += text[begin:end]
        if len(digits) >= CARD_DIGITS.stop:
            break
        if len(digits) >= CARD_DIGITS.start and is_card(digits):
            found = end
    return found


def _long_runs(text: str) -> Iterator[Span]:
    return (found.span() for found in _LONG.finditer(text))
