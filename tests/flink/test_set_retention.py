"""`kairos retention set` on a real broker: what it says of a topic afterwards, and that a start changes nothing of it."""

import time
from pathlib import Path

import pytest

from jobs.config import config_from
from jobs.kept_days import days_of
from log.kafka import create_topics
from log.topic_settings import differences, retention_ms_of, settings_of
from schemas.limits import DAY_MS
from schemas.topics import DECISIONS, KNOWLEDGE, topics
from scripts.exit_codes import DONE
from scripts.privacy import set_retention as module
from scripts.privacy.set_retention import set_retention

pytestmark = pytest.mark.flink


def test_a_retention_is_set_and_a_start_finds_it_so(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "running_kafka", lambda _: kafka)
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": "days."})
    create_topics(kafka, topics("days."))
    assert set_retention(config, DECISIONS, "30", is_json=False) == DONE
    while differences(kafka, topics("days.", days_of(config))):  # the broker says so a moment later
        time.sleep(0.1)
    name = f"days.{DECISIONS}"
    assert retention_ms_of(kafka, [name]) == {name: 30 * DAY_MS}
    knowledge = settings_of(kafka, [f"days.{KNOWLEDGE}"])[f"days.{KNOWLEDGE}"]
    assert knowledge["min.compaction.lag.ms"] == str(98 * DAY_MS)
