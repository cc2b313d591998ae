"""What a replay is before it runs: its plan, its pace, what is kept of it, what it refuses."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.config import Config, config_from
from jobs.job_settings import ReplayRange, job_settings
from jobs.pace import Pace
from jobs.replay import DRIFT_MS_MIN, TOGETHER, Plan, drift_ms, read_plan
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from scripts.replay_begin import Instead, asked, check_prefix, check_space, differs
from scripts.replay_meter import Meter
from scripts.replay_run import Asked, Manner, Progress, Run, RunFolder
from tests.builders import NOON

WEEK_MS = 7 * DAY_MS


def config(home: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(home)} | settings)


def wanted(config: Config, **changes: Any) -> Asked:
    return msgspec.structs.replace(asked(config, None, None, Instead(), False), **changes)


def make_run(config: Config, **changes: Any) -> Run:
    return msgspec.structs.replace(Run("p.", wanted(config), Manner()), **changes)


@pytest.mark.parametrize(
    ("records", "expected_ms"),
    [
        (TOGETHER, None),
        (2 * TOGETHER, WEEK_MS // 2),
        (100 * TOGETHER, WEEK_MS // 100),
        (10**9, DRIFT_MS_MIN),
    ],
)
def test_partitions_are_read_some_thousand_records_apart(
    records: int, expected_ms: int | None
) -> None:
    found = ReplayRange({0: 0, 1: 5}, {0: records, 1: 5}, NOON + WEEK_MS)
    assert found.count == records
    assert drift_ms(found, NOON) == expected_ms


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    range_ = ReplayRange({0: 3}, {0: 9}, NOON, ("control",), 500, 60_000, True, 2)
    plan = Plan("p.", range_, {"items": {0: 4}})
    plan.write(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


def test_a_plan_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for text in ("", "{}", '{"prefix": 1}'):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(ConfigError, match="is no plan of a replay"):
            read_plan(tmp_path / "plan.json")
    with pytest.raises(ConfigError, match="is no plan of a replay"):
        read_plan(tmp_path / "none.json")


def test_only_the_topics_of_its_own_are_read_under_the_prefix(tmp_path: Path) -> None:
    log = config(tmp_path, KAIROS_TOPIC_PREFIX="live.")
    whatif = ReplayRange({}, {}, NOON, own=("control",))
    settings = job_settings("decide", log, "kafka:1", {}, "p.", whatif)
    assert settings.session_topics == ("p.control", "live.items")
    assert (settings.events_topic, settings.learnt_topic) == ("live.events", "live.knowledge")
    assert (settings.name, settings.end_ms) == ("replay.p", NOON)


def test_a_pace_is_kept() -> None:
    pace, begun_s = Pace(200.0), time.monotonic()
    for _ in range(21):
        pace.wait()
    assert time.monotonic() - begun_s >= 0.05, "20 records take 0.1 s, less what may be made up for"


def test_a_pace_is_shared_by_the_instances(tmp_path: Path) -> None:
    for rate, has_pace in ((None, False), (100, True)):
        found = ReplayRange({}, {}, NOON, rate=rate)
        settings = job_settings("decide", config(tmp_path), "kafka:1", {}, "p.", found)
        assert (Pace.of(settings) is not None) is has_pace


def test_progress_goes_on_from_what_was_done_before_and_never_past_the_end() -> None:
    meter = Meter(Progress(taken=100, total=1_000, reached_ms=NOON), 1_000, NOON + 9)
    assert meter.progress == Progress(100, 1_000, 0.0, None, NOON)
    meter.see(0, None)
    assert not meter.has_come_to_the_end
    meter.see(450, NOON + 5)
    now = meter.progress
    assert (now.taken, now.reached_ms) == (550, NOON + 5)
    assert not meter.has_come_to_the_end
    assert now.per_s > 0.0
    assert now.left_s == pytest.approx(450 / now.per_s)
    meter.see(0, None)
    assert meter.progress == now, "the job is gone"
    meter.see(2_000, None)
    assert (meter.progress.taken, meter.progress.left_s) == (1_000, 0.0)
    assert meter.done().reached_ms == NOON + 9


def test_a_job_whose_input_has_ended_has_come_to_the_end_and_not_to_the_end_of_time() -> None:
    meter = Meter(Progress(taken=10, total=10, reached_ms=NOON + 9), 10, NOON + 9)
    assert not meter.has_come_to_the_end, "that was before"
    meter.see(10, 2**63 - 1)
    assert meter.has_come_to_the_end
    assert meter.progress.reached_ms == NOON + 9


def test_a_run_is_kept_and_forgotten(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path), "p.")
    assert folder.read() is None
    run = make_run(config(tmp_path), savepoint="file:/s", progress=Progress(3, 4))
    folder.write(run)
    assert folder.read() == run
    folder.remove()
    assert folder.read() is None


def test_a_broken_run_names_its_remedy(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path), "p.")
    folder.write(make_run(config(tmp_path)))
    (folder.path / "run.json").write_text("{")
    with pytest.raises(ConfigError, match="kairos replay drop"):
        folder.read()
    assert folder.read_if_whole() is None


def test_one_process_at_a_time_works_on_a_replay(tmp_path: Path) -> None:
    folder, other = (RunFolder(config(tmp_path), "p.") for _ in range(2))
    assert folder.worker() is None
    with folder.held():
        assert other.worker() is not None
        with pytest.raises(ConfigError, match=r"the prefix p\. is in use: pid \d+"), other.held():
            pass
    assert other.worker() is None


def test_a_pause_is_asked_for_and_taken_back(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path), "p.")
    folder.write(make_run(config(tmp_path)))
    folder.pause()
    assert folder.is_paused
    folder.go_on()
    folder.go_on()
    assert not folder.is_paused


def test_an_end_before_the_beginning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exchange the two"):
        asked(config(tmp_path), NOON, NOON, Instead(), False)


def test_a_what_if_does_not_go_live(tmp_path: Path) -> None:
    whatif = Instead(policy=Control("policy", "default", "v", 0))
    assert asked(config(tmp_path), None, NOON, whatif, False).policy == "v"
    with pytest.raises(ConfigError, match="publish this one first"):
        asked(config(tmp_path), None, NOON, whatif, True)


@pytest.mark.parametrize("prefix", ["", ".", "..", "a/b", "a b", "ä.", "../x"])
def test_a_prefix_that_is_none_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError, match="letters, digits"):
        check_prefix(config(tmp_path), prefix)


def test_the_live_prefix_is_refused(tmp_path: Path) -> None:
    check_prefix(config(tmp_path, KAIROS_TOPIC_PREFIX="live."), "other.")
    with pytest.raises(ConfigError, match="that of the live topics"):
        check_prefix(config(tmp_path, KAIROS_TOPIC_PREFIX="live."), "live.")


def test_a_disk_that_cannot_hold_it_is_refused(tmp_path: Path) -> None:
    check_space(config(tmp_path), 1)
    with pytest.raises(ConfigError, match="free some space, or replay a shorter time"):
        check_space(config(tmp_path), 10**15)
    check_space(config(tmp_path, KAIROS_KAFKA="far:9092"), 10**15)


def test_what_differs_from_an_earlier_command_is_named(tmp_path: Path) -> None:
    before = make_run(config(tmp_path), asked=wanted(config(tmp_path), model="m1"))
    assert differs(before, wanted(config(tmp_path), model="m1", from_ms=3)) == ""
    assert differs(before, wanted(config(tmp_path), seed="s")) == " with model m1, seed kairos"
