"""Dead letters on the console: counted, mended and sent again as `kairos dead-letters` does, in a process beside the API's."""

from typing import Final

from channels.api.audit_log import Actor
from channels.console.facts import Shown
from channels.console.letter_bodies import LetterEdits
from jobs.config import Config
from schemas.errors import ConfigError
from scripts.letters.letters_child import Act, Asked, Told
from scripts.ops.console_offers import ConsoleOffers
from scripts.ops.counting import NotCounted, ask, command_of, place_of
from scripts.ops.kept_answer import Kept
from scripts.ops.local_audit import read_log_of

NOBODY: Final = Actor("", "", "")
"""Counts show nothing of anybody, so nobody is noted."""


class ConsoleLetters(ConsoleOffers):
    """What could not be used, of one Kafka."""

    def __init__(self, config: Config, kafka: str) -> None:
        super().__init__(config, kafka)
        self._looks = read_log_of(config)
        self._kinds = Kept(lambda: self._told("count", LetterEdits(), NOBODY))

    def letter_kinds(self) -> Shown:
        """How many dead letters there are by reason and topic, over all of the log."""
        return self._kinds()

    def repair_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        """What edits would make of dead letters, field by field; who looked stands in the audit log."""
        shown = self._told("try", given, actor)
        self._looks.looked(actor, "read dead letters", (), {"reason": given.reason or "all"})
        return shown

    def replay_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        """Sends dead letters through the front door, mended, each once."""
        shown = self._told("send", given, actor)
        self._kinds.forget()
        return shown

    def _told(self, act: Act, given: LetterEdits, actor: Actor) -> Shown:
        asked = Asked(place_of(self._kafka, self._prefix), act, given, actor)
        try:
            told = ask(command_of("scripts.letters.letters_child"), asked, Told)
        except NotCounted as error:
            raise ConfigError(f"{error}: `kairos dead-letters` takes its time") from error
        if told.fault:
            raise ConfigError(told.fault)
        return told.shown
