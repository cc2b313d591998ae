"""Topic `alerts`: each alert once, whoever writes; what is none of ours is passed over and counted; over a real Kafka each command writes what is new."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from jobs.config import config_from
from jobs.publish import now_ms
from schemas.alerts import Alert
from schemas.codec import ALERT, OUTCOME
from schemas.limits import HOUR_MS
from schemas.policy import DEFAULT_CONTROL, Policy
from scripts.cli import app
from scripts.ops.counting import place_of
from scripts.ops.outcomes_child import Wanted, read
from scripts.outcomes.alert_topic import held, held_in, write_new
from scripts.outcomes.alerts import find_alerts, run, tell_new
from scripts.outcomes.kpi_here import alerts_here
from tests.examples.write import ALERTED, CONVERTED
from tests.scripts.outcomes.test_alerts import LAST, NOW_MS, Receiver, outcomes, receiver

__all__ = ["receiver"]


def test_what_the_topic_holds_is_each_alert_once_and_nothing_foreign() -> None:
    other = replace(ALERTED, alert_id="other")
    values = [ALERT.encode(ALERTED), b"nothing of ours", ALERT.encode(other), OUTCOME.encode(CONVERTED), ALERT.encode(ALERTED)]  # fmt: skip
    found = held_in(values)
    assert found.alerts == {ALERTED.alert_id: ALERTED, "other": other}
    assert found.foreign == 2


def test_an_alert_names_nobody() -> None:
    (one,), _ = find_alerts(outcomes(cart=0), "EUR", NOW_MS)
    data = ALERT.encode(one)
    assert ALERT.decode(data) == one
    for name in (CONVERTED.session_id, CONVERTED.person, CONVERTED.decision_id, CONVERTED.event_id):
        assert name.encode() not in data


def test_only_what_is_new_of_the_newest_hour_is_posted(receiver: Receiver) -> None:
    kept: list[Alert] = []

    def keep(found: list[Alert]) -> list[Alert]:
        new = [one for one in found if one not in kept]
        kept.extend(new)
        return new

    for _ in range(2):
        assert run(outcomes(cart=0), "EUR", NOW_MS, receiver.url, is_json=True, keep=keep) == 1
    assert len(receiver.taken) == len(kept) == 1
    tell_new(kept, LAST + 1, receiver.url)
    assert len(receiver.taken) == 1, "of an hour ago"


def test_of_files_nothing_is_written_and_no_engine_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("files are nobody's deployment")

    monkeypatch.setattr("scripts.outcomes.kpi_here.running_kafka", asked)
    monkeypatch.setattr("scripts.outcomes.kpi_here.write_new", asked)
    found = [*outcomes(cart=0), replace(CONVERTED, outcome_ms=NOW_MS)]
    monkeypatch.setattr("scripts.outcomes.kpi_here.outcomes_of", lambda *_: (found, "EUR"))
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    assert alerts_here(config, [tmp_path / "events.jsonl"], None, None, is_json=True) == 1


@pytest.mark.long
@pytest.mark.e2e
def test_the_command_writes_new_alerts_to_the_topic_of_what_runs_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    from jobs.publish import Log
    from log.kafka import create_topics
    from schemas.topics import ALERTS, OUTCOMES, topics
    from tests.broker import running_broker

    shift_ms = (now_ms() // HOUR_MS - 3 - LAST) * HOUR_MS
    with running_broker(tmp_path / "kafka") as address:
        for name, text in {"KAFKA": address, "TOPIC_PREFIX": "t-", "HOME": str(tmp_path / "home"), "ALERT_WEBHOOK": receiver.url}.items():  # fmt: skip
            monkeypatch.setenv(f"KAIROS_{name}", text)
        create_topics(address, topics("t-"))
        log = Log(address, "t-")
        for at, one in enumerate(outcomes(cart=0)):
            told = replace(one, outcome_id=f"o{at}", outcome_ms=one.outcome_ms + shift_ms)
            log.raw(OUTCOMES, "", OUTCOME.encode(told), told.outcome_ms)
        log.raw(ALERTS, "", b"nothing of ours", now_ms())
        log.control(DEFAULT_CONTROL)
        log.flush()
        said = [CliRunner().invoke(app, ["kpi", "--alerts", "--json"]) for _ in range(2)]
        assert [one.exit_code for one in said] == [0, 0], repr(said[0].exception)
        found = held(address, "t-")
        (alert,) = found.alerts.values()
        assert [json.loads(one.stdout)["alerts"][0]["alert_id"] for one in said] == [alert.alert_id] * 2  # fmt: skip
        assert found.foreign == 1
        assert write_new(address, "t-", [alert]) == []
        other = replace(alert, alert_id="other")
        assert write_new(address, "t-", [alert, other]) == [other]
        console = read(Wanted(place_of(address, "t-"), Policy())).alerts
        assert {one["alert_id"] for one in console.shown} == {alert.alert_id, "other"}
        assert (console.foreign, console.fault) == (1, "")
        assert len(held(address, "t-").alerts) == 2, "the console found the same"
    assert receiver.taken == [], "it is of three hours ago"
