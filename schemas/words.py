"""Words of a text, as they are compared wherever texts are: in a search, and in what is said of items."""

import re
import unicodedata
from itertools import islice
from typing import Final

WORD: Final = re.compile(r"[^\W_]+")
WORD_LENGTH_MAX: Final = 32


def words_of(text: str, most: int) -> list[str]:
    """The first distinct words of a text: small letters, without accents, at most so many; what is longer than WORD_LENGTH_MAX is none."""
    plain = text if text.isascii() else "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))  # fmt: skip
    found = (one for one in WORD.findall(plain.lower()) if len(one) <= WORD_LENGTH_MAX)
    return list(islice(dict.fromkeys(found), max(0, most)))
