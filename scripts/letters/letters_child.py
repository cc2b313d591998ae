"""The child process that counts, mends and sends dead letters for the console; it reads beside the API's process.

Asked (JSON) comes by stdin; Told goes to stdout.
"""

from typing import Any, Final, Literal

from msgspec import Struct

from channels.api.audit_log import Actor
from channels.console.letter_bodies import LetterEdits
from jobs.config import config_from
from jobs.mapping_file import mapping_of
from schemas.errors import ConfigError
from scripts.letters.find_letters import Wanted
from scripts.letters.letters_of_log import Letters, in_words, mended_told, reading_of
from scripts.letters.mend_letter import edits_from
from scripts.ops.counting import Place, answer

SHOWN_MAX: Final = 20
"""Letters whose differences a page shows, the newest."""


Act = Literal["count", "try", "send"]


class Asked(Struct, frozen=True):
    """What is to be done with which letters of a Kafka, and who asks."""

    place: Place
    act: Act
    given: LetterEdits
    actor: Actor


class Told(Struct, frozen=True):
    """What the page shows, or why there is nothing to show."""

    shown: dict[str, Any] = {}
    fault: str = ""


def told(asked: Asked) -> Told:
    """Does it."""
    try:
        return Told(_done(asked))
    except ConfigError as error:
        return Told(fault=str(error))


def _done(asked: Asked) -> dict[str, Any]:
    given, config = asked.given, config_from()
    letters = Letters(config, asked.place.brokers)
    wanted = Wanted([given.reason] * bool(given.reason), [given.topic] * bool(given.topic))
    if asked.act == "count":
        return {"kinds": [one._asdict() for one in letters.kinds(wanted)]}
    edits = edits_from(given.renames, given.values, given.drops)
    rules = mapping_of(given.mapping, "the mapping") if given.mapping.strip() else None
    reading = reading_of(config, None, rules)
    if asked.act == "try":
        tried = letters.tried(wanted, edits, reading, SHOWN_MAX)
        shown = [mended_told(one) for one in reversed(tried.shown)]
        return {"letters": tried.letters, "events": tried.events, "invalid": tried.invalid, "shown": shown}  # fmt: skip
    sent = letters.send(asked.actor, wanted, edits, reading)
    return sent._asdict() | {"sentence": in_words(sent)}


if __name__ == "__main__":
    answer(Asked, told)
