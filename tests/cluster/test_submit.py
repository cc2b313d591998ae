"""What a cluster is asked before a job goes there, and what its answers mean: a cluster made up of answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jobs.config import config_from
from jobs.flink import upgrade
from jobs.flink.rest import FlinkJob, FlinkRest
from jobs.flink.submit import (
    Order,
    Submission,
    SubmitFailed,
    check_cluster,
    check_embedded,
    check_slots,
    check_state,
    lacking_jars,
    meaning_of,
)
from jobs.flink.traces import last_cause
from jobs.job_settings import job_settings
from schemas.errors import ConfigError
from scripts.ops.cluster import check_shadow

GOOD = {
    "/config": {"flink-version": "2.3.9"},
    "/jobmanager/environment": {"classpath": ["/lib/flink-python-2.3.0.jar", "/lib/a.jar"]},
    "/overview": {"slots-available": 1, "slots-total": 3},
    "/jobs/overview": {"jobs": []},
}


class Answers(BaseHTTPRequestHandler):
    """Answers what the server was told to, or that it does not know."""

    def do_GET(self) -> None:
        found = self.server.answers.get(self.path)  # type: ignore[attr-defined]
        self.send_response(200 if found is not None else 404)
        self.end_headers()
        self.wfile.write(json.dumps(found or {"errors": ["Caused by: not there"]}).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[tuple[dict[str, Any], FlinkRest]]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.answers = dict(GOOD)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.answers, FlinkRest(f"127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_cluster_of_this_minor_version_with_the_jar_is_taken(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    check_cluster(answers[1])


def test_another_version_of_flink_is_refused(answers: tuple[dict[str, Any], FlinkRest]) -> None:
    given, rest = answers
    given["/config"] = {"flink-version": "1.20.1"}
    with pytest.raises(ConfigError, match=r"Flink 1.20.1 runs at .* this is for 2\.3"):
        check_cluster(rest)


def test_a_cluster_without_the_python_jar_is_refused(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    given, rest = answers
    given["/jobmanager/environment"] = {"classpath": ["/lib/flink-dist-2.3.0.jar"]}
    with pytest.raises(ConfigError, match=r"lacks flink-python-2\.3\.0\.jar: put it from"):
        check_cluster(rest)


def test_only_jars_that_the_cluster_lacks_are_shipped(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    jars = (Path("/x/a.jar"), Path("/x/b.jar"))
    assert lacking_jars(answers[1], jars) == (Path("/x/b.jar"),)


def test_too_few_free_slots_are_refused_with_how_many_task_managers_it_takes(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    check_slots(answers[1], 1)
    with pytest.raises(ConfigError, match="takes 2 slots, and 1 of 3 are free") as refused:
        check_slots(answers[1], 2)
    assert "kairos cluster up --task-managers 4" in str(refused.value)


def test_a_refusal_of_flinks_is_named_with_its_cause(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    with pytest.raises(ConfigError, match="refuses: not there"):
        answers[1].ask("/nothing")
    assert answers[1].failures("nothing") == []


def test_who_is_no_flink_is_no_cluster() -> None:
    assert not FlinkRest("127.0.0.1:1").answers()


def test_state_must_be_there_and_its_folder_writable(tmp_path: Path) -> None:
    savepoint = tmp_path / "savepoint-1"
    savepoint.mkdir()
    checkpoints = (tmp_path / "checkpoints").as_uri()
    with pytest.raises(ConfigError, match="it has no file _metadata"):
        check_state(savepoint.as_uri(), checkpoints)
    (savepoint / "_metadata").touch()
    check_state(savepoint.as_uri(), checkpoints)
    assert list((tmp_path / "checkpoints").iterdir()) == [], "the probe is gone"
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigError, match="free some space, make it writable, or set"):
        check_state(None, (file / "checkpoints").as_uri())
    check_state("s3://bucket/savepoint", "s3://bucket/checkpoints")


def test_an_embedded_job_is_no_hindrance_where_none_runs(tmp_path: Path) -> None:
    check_embedded(tmp_path, "decide")


@pytest.mark.parametrize(
    ("trace", "wanted"),
    [
        (
            "a.B: Failed to rollback. Cannot map checkpoint/savepoint state for operator 1",
            "the state of another job",
        ),
        ("x.NoResourceAvailableException: Could not acquire", "not enough free slots"),
        ("java.lang.IllegalStateException: Auto generated UIDs have been disabled", "has no uid"),
        (
            "a.B: outer\n\tat a.c\nCaused by: pemja.core.PythonException: <class 'ModuleNotFoundError'>: No module named 'msgspec'",
            "the task managers lack a Python package",
        ),
        ("java.io.IOException: No space left on device", "free some disk space"),
    ],
)
def test_causes_that_are_known_are_said_in_words(trace: str, wanted: str) -> None:
    assert wanted in meaning_of(trace)
    assert last_cause(trace).split(":")[0] in meaning_of(trace) or "PythonException" in trace


def test_an_unknown_cause_is_said_as_it_is() -> None:
    assert meaning_of("a.B: outer\n\tat x\nCaused by: c.D: inner\n\t... 3 more") == "c.D: inner"
    assert meaning_of("") == "unknown"


@pytest.mark.parametrize("prefix", ["", ".", "shop", "shop.", ".shop"])
def test_a_shadow_whose_job_would_have_the_live_name_is_refused(
    tmp_path: Path, prefix: str
) -> None:
    live = {"KAIROS_HOME": str(tmp_path), "KAIROS_TOPIC_PREFIX": "shop.", "KAIROS_FLINK": "far:1"}
    with pytest.raises(ConfigError, match="needs a prefix of its own"):
        check_shadow(config_from(live), prefix)


def test_a_savepoint_that_stopped_a_job_is_told_from_one_of_a_job_that_went_on(
    answers: tuple[dict[str, Any], FlinkRest],
) -> None:
    given, rest = answers
    made = {"external_path": "file:/s/savepoint-1", "checkpoint_type": "SYNC_SAVEPOINT"}
    for savepoint, wanted in (
        (made, "file:///s/savepoint-1"), (made | {"checkpoint_type": "SAVEPOINT"}, None), (None, None),
    ):  # fmt: skip
        given["/jobs/j/checkpoints"] = {"latest": {"savepoint": savepoint}}
        assert rest.stopped_with("j") == wanted


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_upgrade_that_fails_after_the_stop_names_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    def fail(*_: Any) -> None:
        raise ConfigError("waited 120 s for the old task managers in vain")

    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_FLINK": "far:8081"})
    settings = job_settings("decide", config, "kafka:1", {})
    submission = Submission(config, settings, Order(True, True, False, False), lambda _: None)
    job = FlinkJob("j", "decide", "RUNNING", 1, 1, 0)
    submission._going = upgrade.Replacement(job, "file:///s", ("new",), frozenset(), True, False)
    gone = upgrade.Replaced("file:///s/savepoint-1", 0.0, frozenset())
    given_up: list[object] = []
    monkeypatch.setattr(upgrade, "give_up", lambda *words: given_up.append(words))
    monkeypatch.setattr(upgrade, "stop", (lambda *_: gone) if is_stopped else fail)
    monkeypatch.setattr(upgrade, "make_way", fail)
    with pytest.raises((SubmitFailed, ConfigError), match="waited 120 s") as refused:
        submission.submit(None)
    submission.leave()
    way_back = "`kairos decide --cluster far:8081 --from-savepoint file:///s/savepoint-1`"
    assert (way_back in str(refused.value)) is is_stopped
    assert bool(given_up) is not is_stopped, "its successor's task managers stay"
