"""A home whose Kafka is a list."""

from pathlib import Path

import pytest

from jobs.config import Config, config_from
from schemas.dead_letters import DeadLetter
from schemas.erasures import erasure_record
from scripts.letters import letters_here, letters_of_log
from tests.builders import NOON
from tests.scripts.letters.builders import KEY, Home, Topic
from udfs.knowledge.erasures import Erasures


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_from({"KAIROS_HOME": str(tmp_path / "home")})


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    """Gives commands a log in memory, of which nobody or somebody was erased."""

    def make(*letters: DeadLetter, erased: str | None = None) -> Topic:
        topic, found = Topic(*letters), Erasures(KEY)
        if erased is not None:
            found.add(erasure_record(KEY, "person", erased, NOON))
        monkeypatch.setattr(letters_here, "running_kafka", lambda _: "kafka")
        monkeypatch.setattr(letters_of_log, "Log", lambda *_: topic)
        monkeypatch.setattr(letters_of_log, "Writing", lambda *_, **__: topic.door)
        monkeypatch.setattr(letters_of_log, "list_of_erased", lambda *_: found)
        return topic

    return make
