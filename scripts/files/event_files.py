"""Files of events in any format that Kairos reads, by the format's name."""

from pathlib import Path
from typing import Any, Literal

from schemas.formats.field_names import Notices
from scripts.console import say

Format = Literal["kairos", "snowplow", "trivago"]


def events_of(
    file: Path,
    file_format: Format,
    app_id: list[str] | None,
    at_ms: int | None = None,
    notices: Notices | None = None,
    *,
    is_strict: bool = False,
) -> Any:
    """A file's events, and what is none as Bad; with `at_ms`, now, without those that the engine would refuse.

    `notices` take what there is to say of names of JSON; if it `is_strict`, what nobody would read is Bad.
    """
    from scripts.files import import_events, import_snowplow, import_trivago

    if file_format == "kairos":
        return import_events.read_json_lines(file, at_ms, notices, is_strict=is_strict)
    if file_format == "trivago":
        rows = import_trivago.read_trivago(file)
        none = [import_events.Bad(file.name, one.number, one.raw, one.error) for one in rows.bad]
        events: list[Any] = [*none, *rows.events]
    else:
        found = import_snowplow.read_snowplow(file, app_id or None)
        say(str(found))
        bad = [import_events.Bad(one.name, one.line, one.raw, one.error) for one in found.bad]
        events = [*bad, *found.events]
    return events if at_ms is None else import_events.checked(events, file.name, at_ms)
