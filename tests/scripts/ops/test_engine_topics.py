"""Whose topics `kairos up` changes."""

from pathlib import Path

import pytest

from jobs.config import config_from
from log.topic_settings import Difference
from schemas.limits import DAY_MS
from schemas.topics import TopicSpec
from scripts.ops import engine

CHANGE = Difference("may.traces", "retention.ms", "-1", "5")


def started(monkeypatch: pytest.MonkeyPatch, home: Path, **settings: str) -> list[str]:
    """What is said once the topics are there."""
    said: list[str] = []
    environment = {
        "KAIROS_HOME": str(home),
        "KAIROS_TOPIC_PREFIX": "may.",
        "KAIROS_RETENTION_DAYS": "traces=7",
    }
    config = config_from(environment | settings)

    def created(_: str, specs: list[TopicSpec]) -> None:
        kept = {one.name: one.settings["retention.ms"] for one in specs}
        assert (kept["may.traces"], kept["may.events"]) == (str(7 * DAY_MS), "-1")

    monkeypatch.setattr(engine, "create_topics", created)
    monkeypatch.setattr(engine, "bring_to", lambda *_: [CHANGE])
    engine.Engine(config, said.append)._create_topics("")
    return said


def test_topics_of_the_embedded_broker_get_the_settings_of_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert started(monkeypatch, tmp_path) == ["topic may.traces: retention.ms is 5 now, was -1"]


def test_topics_of_another_kafka_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert started(monkeypatch, tmp_path, KAIROS_KAFKA="kafka.example:9092") == []
