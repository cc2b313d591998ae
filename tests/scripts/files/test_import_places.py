"""`import` looks up where the addresses are that events tell, in the operator's database, and keeps none of them."""

import json
from pathlib import Path

import pytest

from jobs.config import Config
from schemas.events import Context
from scripts.commands.files_cli import import_
from scripts.files import import_files
from scripts.files.event_files import EventFiles
from tests.builders import NOON
from tests.schemas.enrich.test_places import write_places


def test_the_setting_reaches_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[EventFiles] = []

    def run(_: Config, events: EventFiles, *__: object, **___: object) -> int:
        given.append(events)
        return 0

    file = tmp_path / "events.jsonl"
    said = {"event_id": "e", "event_type": "page_viewed", "event_time_ms": NOON, "session_id": "s", "anonymous_id": "a", "context": {"ip": "203.0.113.9"}}  # fmt: skip
    file.write_text(json.dumps(said))
    monkeypatch.setattr(import_files, "run", run)
    monkeypatch.setenv("KAIROS_PLACES", str(write_places(tmp_path / "city.mmdb")))
    assert import_([file]) == 0
    (event,) = given[0].read()
    assert getattr(event, "context", None) == Context(country="DE", city="Berlin", utc_offset_min=60)  # fmt: skip
