"""What a replay is before it runs: its plan, its pace, what is kept of it, what it refuses."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from jobs.config import Config, config_from
from jobs.flink.rate_limit import Pace
from jobs.fold.replay import DRIFT_MS_MIN, TOGETHER, Plan, drift_ms, read_plan
from jobs.job_settings import job_settings
from jobs.run_job import EXIT_STOPPED
from log import bounds
from log.bounds import replay_range
from log.offsets import ReplayRange
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from scripts.replay import replay_begin
from scripts.replay.replay import Worker
from scripts.replay.replay_begin import (
    Instead,
    Wish,
    asked,
    begin,
    check_prefix,
    check_space,
    check_twin,
    differs,
    fixed,
    forget_state,
)
from scripts.replay.replay_job import Job
from scripts.replay.replay_meter import Meter
from scripts.replay.replay_run import Asked, Manner, Progress, Run, RunFolder
from tests.builders import NOON

WEEK_MS = 7 * DAY_MS


def config(home: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(home)} | settings)


def wanted(config: Config, **changes: Any) -> Asked:
    return msgspec.structs.replace(asked(config, Wish(), Instead()), **changes)


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
        asked(config(tmp_path), Wish(NOON, NOON), Instead())


def test_a_what_if_does_not_go_live(tmp_path: Path) -> None:
    whatif = Instead(policy=Control("policy", "default", "v", 0))
    assert asked(config(tmp_path), Wish(None, NOON), whatif).policy == "v"
    with pytest.raises(ConfigError, match="publish this one first"):
        asked(config(tmp_path), Wish(None, NOON, then_live=True), whatif)


@pytest.mark.parametrize("prefix", ["", ".", "..", "a/b", "a b", "ä.", "../x"])
def test_a_prefix_that_is_none_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError, match="letters, digits"):
        check_prefix(config(tmp_path), prefix)


def test_the_live_prefix_is_refused(tmp_path: Path) -> None:
    check_prefix(config(tmp_path, KAIROS_TOPIC_PREFIX="live."), "other.")
    with pytest.raises(ConfigError, match="that of the live topics"):
        check_prefix(config(tmp_path, KAIROS_TOPIC_PREFIX="live."), "live.")


@pytest.mark.parametrize("prefix", ["shop", "shop.", ".shop", "shop.."])
def test_the_live_prefix_is_refused_with_other_dots(tmp_path: Path, prefix: str) -> None:
    for live in ("shop", "shop."):
        with pytest.raises(ConfigError, match="that of the live topics"):
            check_prefix(config(tmp_path, KAIROS_TOPIC_PREFIX=live), prefix)


def test_a_replay_that_differs_by_dots_is_refused_and_its_state_left_alone(tmp_path: Path) -> None:
    home = config(tmp_path)
    RunFolder(home, "may.").write(make_run(home))
    (RunFolder(home, "june").path).mkdir()
    for prefix in ("may.", "june.", "mays"):
        check_twin(home, prefix)
    with pytest.raises(ConfigError, match=r"that of the replay may\. but for dots"):
        check_twin(home, "may")
    state = [tmp_path / kind / "replay.may" for kind in ("checkpoints", "savepoints")]
    for folder in state:
        folder.mkdir(parents=True)
    forget_state(home, "may")
    assert all(folder.is_dir() for folder in state)
    forget_state(home, "may.")
    assert not any(folder.exists() for folder in state)


def test_a_disk_that_cannot_hold_it_is_refused(tmp_path: Path) -> None:
    check_space(config(tmp_path), 1)
    with pytest.raises(ConfigError, match="free some space, or replay a shorter time"):
        check_space(config(tmp_path), 10**15)
    check_space(config(tmp_path, KAIROS_KAFKA="far:9092"), 10**15)


def test_what_differs_from_an_earlier_command_is_named(tmp_path: Path) -> None:
    before = make_run(config(tmp_path), asked=wanted(config(tmp_path), model="m1"))
    assert differs(before, wanted(config(tmp_path), model="m1", from_ms=3)) == ""
    assert differs(before, wanted(config(tmp_path), seed="s")) == " with model m1, seed kairos"


def test_what_decisions_depend_on_is_as_it_was_whatever_the_shell_says(tmp_path: Path) -> None:
    before = config(tmp_path, KAIROS_TOPIC_PREFIX="shop.", KAIROS_SEED="s")
    other = config(
        tmp_path, KAIROS_SEED="t", KAIROS_LATENESS_MS="1", KAIROS_FORMAT="json", KAIROS_KAFKA="k:1"
    )
    found = fixed(other, wanted(before))
    assert wanted(found) == wanted(before)
    assert found == before._replace(kafka="k:1")


class GrowingTopic:
    """In the place of Kafka: a topic of two partitions to which a record comes before each answer."""

    def __init__(self) -> None:
        self.times: dict[int, list[int]] = {0: [NOON], 1: []}
        self.newest_was_asked = 0

    def grow(self) -> None:
        mine = self.times[0]
        mine.append(mine[-1] + 1_000)

    def newest_ms(self, *_: Any) -> int:
        self.newest_was_asked += 1
        self.grow()
        return self.times[0][-1]

    def ends(self, *_: Any) -> dict[int, int]:
        self.grow()
        return {at: len(mine) for at, mine in self.times.items()}

    def offsets_at(self, _: Any, __: str, ms: int, ends: dict[int, int]) -> dict[int, int]:
        self.grow()
        return {
            at: next((n for n, one in enumerate(mine) if one >= ms), ends[at])
            for at, mine in self.times.items()
        }


@pytest.fixture
def growing(monkeypatch: pytest.MonkeyPatch) -> GrowingTopic:
    topic = GrowingTopic()
    consumer = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(bounds, "open_consumer_of", lambda _: consumer)
    monkeypatch.setattr(bounds, "_newest_ms", topic.newest_ms)
    monkeypatch.setattr(bounds, "end_offsets", topic.ends)
    monkeypatch.setattr(bounds, "_offsets_at", topic.offsets_at)
    monkeypatch.setattr(bounds, "first_offsets", lambda *_: [(0, 0), (1, 0)])
    return topic


def test_a_log_that_grows_all_the_time_is_replayed_to_the_newest_record_of_now(
    growing: GrowingTopic,
) -> None:
    found = replay_range("", "events")
    assert found == ReplayRange({0: 0, 1: 0}, {0: 2, 1: 0}, NOON + 1_000)
    times = growing.times[0][found.starts[0] : found.ends[0]]
    assert max(times) == found.end_ms, "no record of the range is later than its end"


def test_the_newest_record_is_not_asked_for_where_the_end_is_given(growing: GrowingTopic) -> None:
    found = replay_range("", "events", NOON + 1_000, NOON + 2_000)
    assert found == ReplayRange({0: 1, 1: 0}, {0: 2, 1: 0}, NOON + 2_000)
    assert growing.newest_was_asked == 0


def test_a_what_if_of_an_empty_range_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    whatif = Instead(policy=Control("policy", "default", "v", 0))
    home, folder = config(tmp_path), RunFolder(config(tmp_path), "p.")
    for name in ("partition_count", "check_free"):
        monkeypatch.setattr(replay_begin, name, lambda *_: None)
    monkeypatch.setattr(replay_begin, "write_controls", lambda *words: written.append(words))
    for count, refusal in ((0, "holds no record of that time"), (10**15, "free some space")):
        found = ReplayRange({0: 0}, {0: count}, NOON)
        monkeypatch.setattr("jobs.fold.replay.replay_range", lambda *_, found=found: found)
        with pytest.raises(ConfigError, match=refusal):
            begin("", home, folder, asked(home, Wish(None, NOON), whatif), whatif, Manner())
    assert (written, folder.read()) == ([], None)


@pytest.mark.parametrize("stopped_with", ["file:///s", None])
def test_a_job_that_was_stopped_on_its_cluster_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_with: str | None
) -> None:
    plan = Plan("p.", ReplayRange({0: 0}, {0: 9}, NOON), {})
    home = config(tmp_path, KAIROS_FLINK="far:8081")
    run = make_run(home, plan=plan)
    worker = Worker(home, "", None, RunFolder(home, "p."), run, lambda _: None, lambda _: None)
    rest = SimpleNamespace(
        address="far:8081", stopped_with={"new": stopped_with, "old": "file:///old"}.get,
        jobs=lambda: [SimpleNamespace(name="replay.p", job_id=one) for one in ("new", "old")],
    )  # fmt: skip

    @contextmanager
    def running(_: Job) -> Iterator[Any]:
        yield SimpleNamespace(exit_code=lambda: 0)

    monkeypatch.setattr(worker, "_running", running)
    monkeypatch.setattr(worker, "_job", lambda is_live: Job("replay.p", rest, ()))  # type: ignore[arg-type]
    if stopped_with is None:
        assert worker._work_off()
        assert run.progress.taken == 9
        return
    with pytest.raises(ConfigError, match="was stopped on far:8081 before it came to the end"):
        worker._work_off()
    assert (run.savepoint, run.state) == ("file:///s", "preparing")


def test_a_job_that_a_signal_has_ended_is_not_done(tmp_path: Path) -> None:
    home = config(tmp_path)
    worker = Worker(
        home, "", None, RunFolder(home, "p."), make_run(home), lambda _: None, lambda _: None
    )
    ended: Any = SimpleNamespace(exit_code=lambda: EXIT_STOPPED)
    with pytest.raises(ConfigError, match="asked to end before its range did"):
        worker._check(ended)
