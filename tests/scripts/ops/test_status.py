"""What `status` says: one line for each cause, and code 0 only where everything is up."""

from pathlib import Path

import pytest

from jobs.config import config_from
from scripts.ops import status as module
from scripts.ops.status import SERVICES, ServiceStatus, causes, ended_in_words, is_whole, status

UP = ServiceStatus(state="up", address="there:1")
STOPPED = ServiceStatus(state="down", address=None, cause="it was stopped", since_ms=1_000)
FAILING = ServiceStatus(state="failing", address=None, cause="no use", since_ms=2_000)


def test_one_line_for_each_cause_with_whom_it_holds_down() -> None:
    assert causes({"kafka": UP}) == []
    assert causes({"kafka": STOPPED, "api": FAILING, "store": STOPPED}) == [
        "kafka, store: down since 1970-01-01 00:00:01Z: it was stopped",
        "api: failing since 1970-01-01 00:00:02Z: no use",
    ]
    assert causes({"kafka": STOPPED, "store": STOPPED})[1:] == ["`kairos up` starts it"]


@pytest.mark.parametrize(("restarts", "said"), [(1, "1 time, last"), (7, "7 times, last")])
def test_how_often_something_ended_is_counted(restarts: int, said: str) -> None:
    one = ServiceStatus(state="up", address=None, restarts=restarts, ended_ms=0, reason="no use")
    assert ended_in_words(one).startswith(f"{said} at 1970-01-01 00:00:00Z: no use")


def test_only_what_is_all_up_is_whole() -> None:
    assert is_whole({"kafka": UP, "api": UP})
    assert not is_whole({"kafka": UP, "api": STOPPED})
    assert not is_whole({"kafka": UP, "api": FAILING})


def test_a_job_of_a_cluster_that_does_not_run_says_how_to_submit_it(tmp_path: Path) -> None:
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_FLINK": "127.0.0.1:1"})
    found = status(config)
    assert [found[name].get("cause") for name in ("flink", "learn", "kafka")] == [
        "the job does not run there: `kairos decide --cluster 127.0.0.1:1` submits it",
        "the job does not run there: `kairos learn --cluster 127.0.0.1:1` submits it",
        "nothing was ever started here",
    ]


def test_watching_shows_it_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("scripts.ops.status.time.sleep", pause)
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    for is_json in (True, False):
        paused.clear()
        with pytest.raises(KeyboardInterrupt):
            module.watch(config, is_json=is_json)
        assert paused == [module.WATCH_S, module.WATCH_S]
        shown = capsys.readouterr().out
        assert shown.count('{"state": "down"' if is_json else "starts it") == (
            2 * len(SERVICES) if is_json else 2
        )
