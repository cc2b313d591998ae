"""`kairos convert`: a file of another format as JSON Lines; what is none of its events is told, and is not lost in silence."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from schemas.counted import counted
from schemas.errors import UnusableInput
from schemas.events import Event, granted_in_words
from scripts.console import say, show
from scripts.files.event_files import UNSAID, EventFiles, Heard
from scripts.files.event_lines import write_lines
from scripts.files.import_events import Bad
from scripts.files.import_trivago import item_sequences
from scripts.files.input_files import is_usable
from scripts.progress import Watched

ITEMS_OF: Final = {"trivago-items": "trivago"}
"""Formats that are the items of another one."""


class _Good:
    """The events of a source; the others are counted."""

    def __init__(self, source: Iterable[Event | Bad]) -> None:
        self._source = source
        self.invalid, self.first_fault = 0, ""

    def __iter__(self) -> Iterator[Event]:
        for one in self._source:
            if isinstance(one, Bad):
                self.invalid += 1
                self.first_fault = self.first_fault or one.fault
            else:
                yield one


def convert(
    file: Path,
    out: Path,
    file_format: str,
    app_ids: Sequence[str] | None,
    consent: frozenset[str] | None = None,
    mapping: Path | None = None,
) -> None:
    """Writes the events; raises UnusableInput, and leaves `out` as it was, where nothing or less than half is one."""
    base = ITEMS_OF.get(file_format, file_format)
    source = Heard(EventFiles([file], base, app_ids, consent=consent, mapping=mapping).read())
    good = _Good(Watched("converting", source))
    is_device = out.exists() and not out.is_file()
    written = out if is_device else out.with_name(f"{out.name}.part")
    try:
        events = item_sequences(good) if base != file_format else good
        count = write_lines(events, written)
        _check(good, count)
        if not is_device:
            written.replace(out)
    finally:
        if not is_device:
            written.unlink(missing_ok=True)
    if good.invalid:
        say(
            f"{counted(good.invalid, 'row is no event', 'rows are no events')} and left out; the first: {good.first_fault}"
        )
    assumed = "" if consent is None else f"; {granted_in_words(consent)}"
    show(f"{counted(count, 'event')} written to {out}{assumed}")
    if source.is_silent:
        say(UNSAID)


def _check(good: _Good, count: int) -> None:
    if not is_usable(count, good.invalid):
        first = f"; the first: {good.first_fault}" if good.first_fault else ""
        raise UnusableInput(
            f"{good.invalid:,} of {good.invalid + count:,} rows are no events{first}"
            if good.invalid
            else "there is no event in it"
        )
