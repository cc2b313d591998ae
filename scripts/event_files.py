"""Files of events in any format that Kairos reads, by the format's name."""

from pathlib import Path
from typing import Any, Literal

from scripts.console import say

Format = Literal["kairos", "snowplow", "trivago"]


def events_of(
    file: Path, file_format: Format, app_id: list[str] | None, at_ms: int | None = None
) -> Any:
    """A file's events, and what is none as Bad; with `at_ms`, now, without those that the engine would refuse."""
    from scripts import import_events, import_snowplow, import_trivago

    if file_format == "kairos":
        return import_events.read_json_lines(file, at_ms)
    if file_format == "trivago":
        events: list[Any] = list(import_trivago.read_trivago(file))
    else:
        found = import_snowplow.read_snowplow(file, app_id or None)
        say(str(found))
        bad = [import_events.Bad(one.name, one.line, one.raw, one.error) for one in found.bad]
        events = [*bad, *found.events]
    return events if at_ms is None else import_events.checked(events, file.name, at_ms)
