"""`kairos retention set`: what can be set and what cannot, what is kept of it, and when it has to wait. The broker is a dict here."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import pytest

from channels.api.audit_log import AuditLog
from jobs.config import Config, config_from
from jobs.kept_days import FILE, days_of, note_days
from log.topic_settings import Difference
from schemas.errors import ConfigError, NotUp
from schemas.limits import DAY_MS
from schemas.topics import RETENTION_MS, TABLE, TopicSpec, topics
from scripts.exit_codes import DONE, FAILED
from scripts.privacy import set_retention as module
from scripts.privacy.places import PLACES
from scripts.privacy.retention import kept
from scripts.privacy.set_retention import ONLY, set_retention

SETTABLE: Final = [one.name for one in TABLE if not one.why_for_ever]


class Broker:
    """The settings of the topics that are there; those of `waits` may not be shortened yet."""

    def __init__(self) -> None:
        self.held = {one.name: dict(one.settings) for one in topics("x.")}
        self.waits: set[str] = set()

    def retention(self, _: str, names: Collection[str]) -> dict[str, int | None]:
        held = {name: self.held[name][RETENTION_MS] for name in names if name in self.held}
        return {name: None if one == "-1" else int(one) for name, one in held.items()}

    def differences(self, _: str, specs: Sequence[TopicSpec]) -> list[Difference]:
        return [
            Difference(one.name, name, self.held[one.name][name], value)
            for one in specs
            for name, value in one.settings.items()
            if self.held[one.name][name] != value
        ]

    def bring_to(
        self, kafka: str, specs: Sequence[TopicSpec], _: int, only: Collection[str]
    ) -> list[Difference]:
        done = [
            one
            for one in self.differences(kafka, specs)
            if one.setting in only and one.topic not in self.waits
        ]
        for one in done:
            self.held[one.topic][one.setting] = one.wanted
        return done


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    found = Broker()
    monkeypatch.setattr(module, "running_kafka", lambda _: "kafka")
    monkeypatch.setattr(module, "retention_ms_of", found.retention)
    monkeypatch.setattr(module, "differences", found.differences)
    monkeypatch.setattr(module, "bring_to", found.bring_to)
    return found


def config_of(tmp_path: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(tmp_path / "home"), "KAIROS_TOPIC_PREFIX": "x."} | settings)  # fmt: skip


@pytest.mark.parametrize("topic", SETTABLE)
def test_a_topics_days_are_set_in_kafka_and_for_every_start(
    topic: str, broker: Broker, tmp_path: Path
) -> None:
    config = config_of(tmp_path)
    assert set_retention(config, topic, "30", is_json=False) == DONE
    assert broker.held[f"x.{topic}"][RETENTION_MS] == str(30 * DAY_MS)
    assert days_of(config) == {topic: 30}
    assert broker.differences("", topics("x.", days_of(config))) == [], "`up` has nothing to change"
    shown = {one.place: one for one in kept(config, None)}[topic]
    assert (shown.days, shown.set_by) == (30, f"`kairos retention set {topic} DAYS`")
    assert set_retention(config, f"topic x.{topic}", "ever", is_json=False) == DONE
    assert broker.held[f"x.{topic}"][RETENTION_MS] == "-1"
    assert days_of(config) == {topic: None}


def test_what_names_its_records_is_kept_as_long(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_retention(config_of(tmp_path), "decisions", "30", is_json=True) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["topic"], told["days"], told["was_days"]) == ("x.decisions", 30, 400)
    assert {one["topic"] for one in told["changed"]} == {"x.knowledge", "x.decisions"}
    assert broker.held["x.knowledge"]["min.compaction.lag.ms"] == str(98 * DAY_MS)


def test_who_set_it_stands_in_the_audit_log(broker: Broker, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    set_retention(config, "traces", "7", is_json=False)
    done, begun = AuditLog(config.home / "audit.jsonl").newest(10)
    assert (begun.what, begun.outcome, done.outcome) == ("retention set", "begun", "done")
    assert done.details == {"topic": "x.traces", "days": "7 days", "was": "90 days"}
    assert done.who


@pytest.mark.parametrize(
    ("place", "days", "why"),
    [
        ("items", "30", "a replay needs every version"),
        ("control", "30", "a replay needs every policy"),
        ("knowledge", "30", "compacted"),
        ("savepoints", "30", "until you delete them"),
        ("profile of a person", "30", "PERSON_EXPIRY_MS"),
        ("nowhere", "30", "shows no such place"),
        ("decisions", "0", "a whole number of days"),
        ("decisions", "soon", "a whole number of days"),
        ("decisions", "7,traces=7", "one number of days"),
    ],
)
def test_what_cannot_be_set_is_refused_and_it_is_said_what_can(
    broker: Broker, tmp_path: Path, place: str, days: str, why: str
) -> None:
    config, before = config_of(tmp_path), json.dumps(broker.held)
    with pytest.raises(ConfigError, match=why) as refused:
        set_retention(config, place, days, is_json=False)
    assert days != "30" or "events, decisions, traces, dead_letters" in str(refused.value)
    assert json.dumps(broker.held) == before
    assert not config.home.exists(), "nothing is noted"


def test_every_place_that_is_no_topic_is_refused(broker: Broker, tmp_path: Path) -> None:
    for place in PLACES:
        with pytest.raises(ConfigError, match="no days can be set"):
            set_retention(config_of(tmp_path), place, "30", is_json=False)


def test_where_the_setting_says_it_the_command_does_not(broker: Broker, tmp_path: Path) -> None:
    config = config_of(tmp_path, KAIROS_RETENTION_DAYS="traces=7")
    with pytest.raises(ConfigError, match="KAIROS_RETENTION_DAYS says how long traces is kept"):
        set_retention(config, "traces", "30", is_json=False)
    assert set_retention(config, "decisions", "30", is_json=False) == DONE
    assert days_of(config) == {"traces": 7, "decisions": 30}
    note_days(config, "traces", 60)
    assert days_of(config)["traces"] == 7, "the setting comes before the note"


def test_what_would_lose_what_has_just_come_waits_for_the_next_start(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(tmp_path)
    broker.waits = {"x.decisions"}
    assert set_retention(config, "decisions", "30", is_json=False) == FAILED
    assert "x.decisions has to wait" in capsys.readouterr().err.replace("\n", " ")
    assert days_of(config) == {"decisions": 30}
    (done, _) = AuditLog(config.home / "audit.jsonl").newest(10)
    assert done.details["waits"] == "x.decisions"


def test_of_events_it_is_said_that_their_own_times_count(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_retention(config_of(tmp_path), "events", "30", is_json=False)
    assert "the time of each event" in capsys.readouterr().err.replace("\n", " ")


def test_nothing_else_of_a_topic_is_touched(broker: Broker, tmp_path: Path) -> None:
    broker.held["x.decisions"]["message.timestamp.type"] = "CreateTime"
    set_retention(config_of(tmp_path), "decisions", "30", is_json=False)
    assert broker.held["x.decisions"]["message.timestamp.type"] == "CreateTime"
    assert {RETENTION_MS} < {*ONLY}


def test_a_topic_that_is_not_there_and_a_note_that_cannot_be_read_are_told(
    broker: Broker, tmp_path: Path
) -> None:
    del broker.held["x.traces"]
    config = config_of(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no topic x\.traces"):
        set_retention(config, "traces", "7", is_json=False)
    config.home.mkdir()
    (config.home / FILE).write_text("traces=soon")
    with pytest.raises(ConfigError, match="does not say how long topics are kept"):
        days_of(config)


def test_without_kafka_nothing_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: Config) -> str:
        raise NotUp("down")

    monkeypatch.setattr(module, "running_kafka", down)
    config = config_of(tmp_path)
    with pytest.raises(NotUp):
        set_retention(config, "decisions", "30", is_json=False)
    assert days_of(config) == {}
