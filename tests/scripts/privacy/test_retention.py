"""`kairos retention`: how long everything is kept, as it is set and as Kafka has it."""

import json
from pathlib import Path

import pytest

from jobs.config import config_from
from schemas.errors import NotUp
from schemas.limits import DAY_MS
from schemas.topics import TABLE
from scripts.privacy import retention as module
from scripts.privacy.retention import kept, show_retention


def test_every_topic_folder_and_class_says_how_long_and_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_from({
        "KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": "x.", "KAIROS_RETENTION_DAYS": "traces=7",
    })  # fmt: skip
    monkeypatch.setattr(
        module, "retention_ms_of", lambda *_: {"x.traces": 90 * DAY_MS, "x.events": None}
    )
    found = {one.what: one for one in kept(config, "kafka")}
    assert {f"topic x.{one.name}" for one in TABLE} <= set(found)
    traces = found["topic x.traces"]
    assert (traces.days, traces.held_days) == (7, 90.0), "not yet as it is set"
    assert "KAIROS_RETENTION_DAYS=traces=DAYS" in traces.set_by
    assert "for ever" in found["topic x.control"].set_by
    assert {one.kind for one in found.values()} == {"topic", "folder", "class"}
    assert all(one.set_by for one in found.values())


def test_without_kafka_it_tells_what_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(_: object) -> str:
        raise NotUp("down")

    monkeypatch.setattr(module, "running_kafka", down)
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    show_retention(config, is_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert next(one for one in rows if one["what"] == "topic decisions")["days"] == 400
    show_retention(config, is_json=False)
    assert "for ever" in capsys.readouterr().out.replace("\n", " ")
