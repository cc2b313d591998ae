"""Refused knowledge says why: one line each in the job's log, bounded in length and number.

An operator runs inside the JVM, whose bridge hands what Python logs to Flink's own log. Only the thread of the
operator may do that: any other one knows no Java.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from schemas.control import Control

LINES_MAX: Final = 60
EVERY_S: Final = 60.0
"""At most so many lines within this time; what is beyond is told by its number."""
TEXT_CHARS_MAX: Final = 300
NAME_CHARS_MAX: Final = 100

logger = logging.getLogger(__name__)


class RefusedKnowledge:
    """The lines of one reader; the same reason for the same record is told once a minute."""

    def __init__(self, place: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._place = f"{place}: " if place else ""
        self._clock = clock
        self._begun_s = clock()
        self._said: set[str] = set()
        self._left_out = 0

    def report(self, reason: str, control: Control | None = None, position: int = -1) -> None:
        """Writes why a record is left out."""
        if self._clock() > self._begun_s + EVERY_S:
            self._begin_again()
        line = f"{self._place}a record of knowledge is refused: {_named(control, position)}{_safe(reason, TEXT_CHARS_MAX)}"
        if line in self._said:
            return
        if len(self._said) >= LINES_MAX:
            self._left_out += 1
            return
        self._said.add(line)
        logger.warning("%s", line)

    def _begin_again(self) -> None:
        if self._left_out:
            logger.warning(
                "%s%d more records of knowledge were refused", self._place, self._left_out
            )
        self._begun_s, self._left_out = self._clock(), 0
        self._said.clear()


def _named(control: Control | None, position: int) -> str:
    if control is None:
        return f"at {position}: " if position >= 0 else ""
    kind, name, version = (
        _safe(text, NAME_CHARS_MAX) for text in (control.kind, control.name, control.version)
    )
    return f"{kind} {name} version {version} at {position}: "


def _safe(text: str, chars_max: int) -> str:
    """One line that no terminal obeys."""
    cut = text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in cut
    )
