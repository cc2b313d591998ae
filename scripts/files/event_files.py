"""Files of events in any format that Kairos reads, by the format's name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from jobs.mapping_file import read_mapping
from schemas.enrich.places import Places
from schemas.errors import ConfigError
from schemas.events import ASSUMED, CONSENT_SOURCE, EVENT_TYPES, PURPOSES, Event
from schemas.formats import FORMATS, OF_OTHERS
from schemas.formats.field_names import Notices, own_name
from schemas.limits import PROPERTIES_PER_EVENT_MAX
from schemas.mappings.mapping_rules import Compiled
from scripts.console import say
from scripts.files.import_events import Bad, checked, read_json_lines, read_records
from scripts.mappings.mapping_file import read_mapped

JSON: Final = "kairos"
JSON_NAMES: Final = (JSON, "json")
"""Of a file both are our JSON; of a topic `kairos` is Avro."""
UNSAID: Final = (
    "nothing in it says what its people agree to (`consent`), so the setting KAIROS_CONSENT holds for them, which is `none` where it is not set: "
    "they have no profile, and nothing is learnt from them; --consent PURPOSES writes into the events what they agreed to"
)


class EventFiles(NamedTuple):
    """Files that are one log. `app_ids`: Snowplow's apps that count, None for all; `is_strict`: what nobody would read is no event.

    `consent`: what is granted where an event says nothing of it; None = that stays unsaid. `mapping`: the file of a mapping by which JSON of others
    is read; beside it neither another format nor `is_strict` says anything. `places`: the database by which addresses in our own JSON become places.
    """

    paths: Sequence[Path]
    format: str = JSON
    app_ids: Sequence[str] | None = None
    is_strict: bool = False
    consent: frozenset[str] | None = None
    mapping: Path | None = None
    places: Path | None = None

    @property
    def is_json(self) -> bool:
        """Whether they are read as they come; other formats are held and put in order."""
        return self.format in JSON_NAMES and self.mapping is None

    def read(
        self, at_ms: int | None = None, notices: Notices | None = None
    ) -> Iterator[Event | Bad]:
        """The events of all files, one after the other, and what is none; with `at_ms`, now, without those that the engine would refuse.

        `notices` take what there is to say of names: of fields of our own JSON, and of events.
        """
        rules = self._rules()
        places = Places(self.places) if self.places is not None else None
        for path in self.paths:
            if rules is not None:
                found: Iterable[Event | Bad] = read_mapped(path, rules, at_ms)
            elif self.is_json:
                found = read_json_lines(
                    path, at_ms, notices, is_strict=self.is_strict, places=places
                )
            elif self.format in OF_OTHERS:
                found = read_records(path, FORMATS[self.format], at_ms)
            else:
                rows = FOREIGN[self.format](path, self.app_ids)
                found = rows if at_ms is None else checked(rows, path.name, at_ms)
            if notices is not None and not self.is_json:
                found = _noting(found, notices)
            yield from found if self.consent is None else assuming(found, self.consent)

    def _rules(self) -> tuple[Compiled, ...] | None:
        if self.mapping is None:
            return None
        if self.format not in JSON_NAMES or self.is_strict:
            raise ConfigError("--mapping says how a file is read: leave --format and --strict out")
        return read_mapping(self.mapping)


def _noting(source: Iterable[Event | Bad], notices: Notices) -> Iterator[Event | Bad]:
    """The same, with a note of each name of an event that is none of ours."""
    for number, one in enumerate(source):
        if isinstance(one, Event) and one.event_type not in EVENT_TYPES:
            notices.add((own_name(one.event_type),), number)
        yield one


class Heard:
    """A source of events, and whether it holds any, none of which says what its person agrees to."""

    def __init__(self, source: Iterable[Event | Bad]) -> None:
        self._source = source
        self.is_silent = False

    def __iter__(self) -> Iterator[Event | Bad]:
        has_said = False
        for one in self._source:
            has_said = has_said or (isinstance(one, Event) and one.consent is not None)
            self.is_silent = not has_said and (self.is_silent or isinstance(one, Event))
            yield one


def assuming(source: Iterable[Event | Bad], granted: frozenset[str]) -> Iterator[Event | Bad]:
    """The same, with what is granted in events that say nothing of it, marked as assumed.

    One that has no room for the mark stays as it is.
    """
    consent = tuple(one for one in PURPOSES if one in granted)
    for one in source:
        if (
            isinstance(one, Bad)
            or one.consent is not None
            or len(one.properties) == PROPERTIES_PER_EVENT_MAX
        ):
            yield one
        else:
            marked = one.properties | {CONSENT_SOURCE: ASSUMED}
            yield replace(one, consent=consent, properties=marked)


def _trivago(path: Path, _: Sequence[str] | None) -> list[Event | Bad]:
    from scripts.files.import_trivago import read_trivago

    rows = read_trivago(path)
    bad = (Bad(path.name, one.number, one.raw, one.error) for one in rows.bad)
    return [*bad, *rows.events]


def _snowplow(path: Path, app_ids: Sequence[str] | None) -> list[Event | Bad]:
    from scripts.files.import_snowplow import read_snowplow

    found = read_snowplow(path, app_ids or None)
    say(str(found))
    bad = (Bad(one.name, one.line, one.raw, one.error) for one in found.bad)
    return [*bad, *found.events]


FOREIGN: Final[dict[str, Callable[[Path, Sequence[str] | None], Iterable[Event | Bad]]]] = {
    "snowplow": _snowplow,
    "trivago": _trivago,
}
"""Formats that only files have: what reads one of them."""
