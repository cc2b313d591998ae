"""What /metrics tells of the engine: dead letters by reason, restarts and lag, as they were found, and nothing made up."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from channels.api.engine_measures import COUNTS, GAUGES, EngineMeasures, Measured
from channels.api.measures import Measures
from jobs.config import config_from
from jobs.flink.counted import Progress
from jobs.metrics import MEANINGS
from jobs.stack.status import Status
from schemas.errors import NotUp
from scripts.ops import engine_progress as module
from scripts.ops.engine_progress import EngineProgress

MEASURED = [
    Measured("kairos_dead_letters_total", ("too_late",), 3),
    Measured("kairos_job_restarts_total", ("decide",), 2),
    Measured("kairos_lag_records", ("events", "decide"), 70),
]


def test_prometheus_reads_every_value_with_its_labels() -> None:
    measures = Measures()
    measures.also(EngineMeasures(lambda: MEASURED))
    text = measures.text()
    assert 'kairos_dead_letters_total{reason="too_late"} 3.0\n' in text
    assert 'kairos_job_restarts_total{job="decide"} 2.0\n' in text
    assert 'kairos_lag_records{reader="decide",topic="events"} 70.0\n' in text


def test_what_is_not_known_has_no_value() -> None:
    registry = CollectorRegistry()
    registry.register(EngineMeasures(list))
    lines = generate_latest(registry).decode().splitlines()
    assert [one for one in lines if not one.startswith("#")] == []
    assert sum(one.startswith("# HELP") for one in lines) == len(COUNTS) + len(GAUGES)


@pytest.fixture
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineProgress:
    """Of an engine whose learn job does not answer."""
    found = {"flink": Status("up", "decide:1", 1), "learn": Status("up", "learn:1", 2, restarts=4)}
    behind = {"decide": Progress({"events": 70}, 2)}

    def read_progress(rest: object, kind: str) -> Progress:
        if kind not in behind:
            raise NotUp("no Flink answers")
        return behind[kind]

    monkeypatch.setattr(module, "statuses", lambda home: found)
    monkeypatch.setattr(module, "rest_of", lambda config, address: address)
    monkeypatch.setattr(module, "read_progress", read_progress)
    monkeypatch.setattr(module, "read_counts", lambda rest, kind: {"events": 9, "too_late": 3})
    monkeypatch.setattr(module, "store_lag", lambda kafka, prefix, store, topic: 5)
    return EngineProgress(config_from({"KAIROS_HOME": str(tmp_path)}), "kafka:1", None)


def test_restarts_lag_and_dead_letters_are_asked_for_and_what_is_silent_is_left_out(
    progress: EngineProgress,
) -> None:
    assert set(progress.ask()) == {
        Measured("kairos_service_restarts_total", ("flink",), 0),
        Measured("kairos_service_restarts_total", ("learn",), 4),
        Measured("kairos_lag_records", ("decisions", "store"), 5),
        Measured("kairos_lag_records", ("outcomes", "store"), 5),
        Measured("kairos_lag_records", ("events", "decide"), 70),
        Measured("kairos_job_restarts_total", ("decide",), 2),
        Measured("kairos_engine_total", ("events",), 9),
        Measured("kairos_dead_letters_total", ("too_late",), 3),
    }


def test_learn_tells_what_it_counted_of_outcomes_and_no_more(
    progress: EngineProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = dict.fromkeys(MEANINGS, 0) | {"outcomes": 8, "refunds_unknown": 2}
    monkeypatch.setattr(module, "read_progress", lambda rest, kind: Progress({}, 0))
    monkeypatch.setattr(module, "read_counts", lambda rest, kind: counts if kind == "learn" else {})
    learnt = {one.labels[0]: one.value for one in progress.ask() if one.name == "kairos_learn_total"}  # fmt: skip
    assert learnt == {
        "outcomes": 8, "outcomes_late": 0, "outcomes_dropped": 0, "decisions_unknown": 0, "refunds_unknown": 2,
    }  # fmt: skip


def test_the_newest_answer_is_told_without_waiting(progress: EngineProgress) -> None:
    assert progress.newest() == ()
    progress.start()
    while not progress.newest():
        pass
    progress.stop()
    assert set(progress.newest()) == set(progress.ask())
