"""Which items a query finds: by the words that they say at the moment, in other forms of these words, and with slips of the finger.

Of every version that is known the index holds which words it has; what an item says is looked up in the version in force, so what is found
depends on nothing that came later, and a replay finds the same.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from heapq import nsmallest
from itertools import islice
from sys import intern
from typing import Final

import Stemmer
from msgspec import Struct

from schemas.items import Item
from schemas.words import words_of
from udfs.by_identity import by_identity

WORDS_OF_QUERY_MAX: Final = 8
GUESSED_MAX: Final = 3
"""Words of a query that nothing has, and that are compared with all words there are."""
WORDS_OF_ITEM_MAX: Final = 96
CACHED: Final = 65_536
FOUND_MAX: Final = 300
LOOKED_AT_MAX: Final = 5_000
"""Items that are looked at for a form of a word, in the order of their ids."""
SLIPS: Final = ((4, 0), (7, 1))
"""Words of at most so many letters may differ in so many; longer ones in SLIPS_MOST: added, left out, another one, two changed about."""
SLIPS_MOST: Final = 2
SLIPPED: Final = 0.6
FORMED: Final = 0.9
NAME, KIND, SAID, TEXT = 1.0, 0.7, 0.5, 0.3
"""What a word is worth by where it stands: in the name; in category, brand and tags; in attributes; in the text."""
ENOUGH: Final = 0.5
"""So much of the words an item has to have."""
STEMMERS: Final = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "eu": "basque",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Snowball's, by the first part of a language's tag; words of other languages are found as they are written."""

ItemAt = Callable[[str], Item | None]
"""An item as it is at the moment."""


class Stems(Struct):
    """Words by their stems in one language, and of how many words of the index that is known."""

    words: dict[str, list[str]] = {}
    known: int = 0


class SearchIndex:
    """Words, and the ids of the items that have had them, in their order. Nothing is held until somebody searches."""

    def __init__(self) -> None:
        self._holders: dict[str, list[str]] = {}
        self._stems: dict[str, Stems] = {}
        self._is_built = False

    def build(self, versions: Callable[[], Iterable[Item]]) -> None:
        """Takes all versions of all items, once."""
        if not self._is_built:
            self._is_built = True
            for item in versions():
                self.add(item)

    def add(self, item: Item) -> None:
        """One version of an item more, where it is built already."""
        for word in worth_of(item) if self._is_built else ():
            holders = self._holders.setdefault(word, [])
            at = bisect_left(holders, item.item_id)
            if at == len(holders) or holders[at] != item.item_id:
                holders.insert(at, item.item_id)

    def find(self, query: str, language: str, item_at: ItemAt) -> dict[str, float]:
        """Of each item that is found how well it answers, above 0 to 1; the best first, of equal ones by their ids."""
        asked = words_of(query, WORDS_OF_QUERY_MAX)
        worth: dict[str, float] = {}
        met: dict[str, int] = {}
        guesses = 0
        for word in asked:
            held = self._meant(word, language, item_at)
            if not held and guesses < GUESSED_MAX:
                guesses += 1
                held = self._guessed(word, item_at)
            for item_id, one in held.items():
                worth[item_id] = worth.get(item_id, 0.0) + one
                met[item_id] = met.get(item_id, 0) + 1
        enough = ENOUGH * len(asked)
        found = ((-one / len(asked), item_id) for item_id, one in worth.items() if met[item_id] >= enough)  # fmt: skip
        return {item_id: -one for one, item_id in nsmallest(FOUND_MAX, found)}

    def _meant(self, word: str, language: str, item_at: ItemAt) -> dict[str, float]:
        """What a word of a query is worth for each item that has it, as it is written or in another form."""
        found: dict[str, float] = {}
        for form, degree in self._forms(word, language):
            _note(found, self._held(form, item_at), degree)
        return found

    def _guessed(self, word: str, item_at: ItemAt) -> dict[str, float]:
        """The same of the nearest words that anything has at the moment, of several as near all."""
        found: dict[str, float] = {}
        nearest = len(word)
        for form, slips in self._near(word):
            if slips > nearest:
                break
            held = self._held(form, item_at)
            if held:
                nearest = slips
                _note(found, held, SLIPPED)
        return found

    def _forms(self, word: str, language: str) -> Iterator[tuple[str, float]]:
        if word in self._holders:
            yield word, 1.0
        yield from ((one, FORMED) for one in self._same_stem(word, language) if one != word)

    def _same_stem(self, word: str, language: str) -> Iterable[str]:
        stemmer = stemmer_of(language)
        if stemmer is None:
            return ()
        stems = self._stems.setdefault(language, Stems())
        # words stay in the order in which they came: those behind the known ones are new
        for one in islice(self._holders, stems.known, None):
            stems.words.setdefault(intern(stemmer.stemWord(one)), []).append(one)
        stems.known = len(self._holders)
        return sorted(stems.words.get(stemmer.stemWord(word), ()))

    def _near(self, word: str) -> Iterator[tuple[str, int]]:
        """Words that differ in a few letters, the nearest first."""
        most = next((slips for length, slips in SLIPS if len(word) <= length), SLIPS_MOST)
        if not most:
            return
        # loaded with the first word that nothing has: a twentieth of a second that most processes need not spend
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        near = extract(
            word, list(self._holders), scorer=OSA.distance, score_cutoff=most, limit=None
        )
        yield from ((one, int(slips)) for slips, one in sorted((slips, one) for one, slips, _ in near))  # fmt: skip

    def _held(self, word: str, item_at: ItemAt) -> dict[str, float]:
        """What the word is worth for the items that have it at the moment."""
        found: dict[str, float] = {}
        for item_id in self._holders.get(word, ()):
            item = item_at(item_id)
            worth = worth_of(item).get(word) if item is not None else None
            if worth is not None:
                found[item_id] = worth
                if len(found) == LOOKED_AT_MAX:
                    break
        return found


def _note(found: dict[str, float], held: Mapping[str, float], degree: float) -> None:
    for item_id, worth in held.items():
        found[item_id] = max(found.get(item_id, 0.0), worth * degree)


@by_identity(CACHED)
def worth_of(item: Item) -> Mapping[str, float]:
    """What each word of an item is worth, by where it stands."""
    found: dict[str, float] = {}
    places = (
        (NAME, item.name or ""), (KIND, " ".join((item.category or "", item.brand or "", *item.tags))),
        (SAID, " ".join(item.attributes.values())), (TEXT, item.text or ""),
    )  # fmt: skip
    for worth, text in places:
        for word in words_of(text, WORDS_OF_ITEM_MAX - len(found)):
            found.setdefault(intern(word), worth)
    return found


@lru_cache(maxsize=64)
def stemmer_of(language: str) -> "Stemmer.Stemmer | None":
    """Snowball's stemmer of a language; None where there is none."""
    name = STEMMERS.get(language.lower().replace("_", "-").partition("-")[0])
    return Stemmer.Stemmer(name) if name is not None else None
