"""What `status` says: one line for each cause, and code 0 only where everything is up."""

from pathlib import Path

import pytest

from jobs.config import PROJECT, config_from
from jobs.stack.status import Status
from scripts.ops import status as module
from scripts.ops.home_note import write_note
from scripts.ops.status import (
    SERVICES,
    ServiceStatus,
    assumed,
    causes,
    ended_in_words,
    is_whole,
    show_addresses,
    status,
)

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


@pytest.mark.parametrize(
    ("granted", "words"), [([], "nothing"), (["analytics", "email"], "analytics, email")]
)
def test_what_the_jobs_assume_of_consent_is_said_once(
    granted: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ServiceStatus(state="up", address="there:1", assumed_consent=granted)
    line = f"where nothing is said of consent, {words} is granted (KAIROS_CONSENT)"
    assert assumed({"flink": job, "learn": job, "api": UP}) == [line]
    assert assumed({"flink": UP}) == []
    show_addresses({"flink": job})
    assert line in capsys.readouterr().out


def test_what_counts_for_nothing_is_among_what_is_looked_at_first() -> None:
    assert {"events_without_role", "events_ignored", "amounts_without_rate", "dead_letters"} <= {
        *module.COUNTED
    }


def test_a_job_that_is_up_says_what_its_engine_noted_and_one_of_before_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this shell has set: it is the engine's that holds."""
    monkeypatch.setattr(module, "_does_its_work", lambda *_: True)
    monkeypatch.setattr(module, "read_counts", lambda *_: dict.fromkeys(module.COUNTED, 0))
    monkeypatch.setattr(module, "statuses", lambda _: {"flink": Status("up", "there:1", 1)})
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_CONSENT": "email"})
    assert "assumed_consent" not in status(config)["flink"]
    write_note(tmp_path, consent="analytics")
    assert status(config)["flink"]["assumed_consent"] == ["analytics"]


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


@pytest.mark.parametrize(
    ("events", "dead", "said"),
    [(1_000, 9, None), (0, 9, None), (990, 10, None), (989, 11, "1.1% of 1,000"), (0, 10, "100.0% of 10"), (10**6, 10**4, None)],
)  # fmt: skip
def test_a_share_of_dead_letters_above_the_limit_is_an_alarm(
    events: int, dead: int, said: str | None
) -> None:
    found = module.alarms_of({"events": events, "dead_letters": dead})
    assert len(found) == (said is not None)
    assert said is None or (said in found[0] and "`kairos dead-letters list`" in found[0])


def test_the_rule_of_the_board_has_the_same_limit() -> None:
    rules = (PROJECT / "docker" / "prometheus-rules.yaml").read_text()
    rule = rules[rules.index("alert: KairosDeadLetters") :].partition("for:")[0]
    assert rule.count(f"> {module.DEAD_SHARE_MAX}") == 2


def test_an_alarm_is_shown_and_told_as_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "read_counts", lambda *_: dict.fromkeys(module.COUNTED, 0) | {"events": 50, "dead_letters": 50})  # fmt: skip
    monkeypatch.setattr(module, "_does_its_work", lambda *_: True)
    monkeypatch.setattr(module, "statuses", lambda _: {"flink": Status("up", "there:1", 1)})
    found = module.status(config_from({"KAIROS_HOME": str(tmp_path)}))
    assert "50.0% of 100" in found["flink"]["alarms"][0]
    module.show_status(found)
    assert "flink: alarm: 50.0% of 100 records" in capsys.readouterr().out
