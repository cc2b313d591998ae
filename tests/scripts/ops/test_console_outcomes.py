"""Experiments and business on the console: read in the background, told in words, and what cannot be read is a sentence."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from channels.console.routes import STATIC
from jobs.config import PROJECT, config_from
from models.experiments.difference import Interval
from models.experiments.sequential import FIRST_LOOK
from models.experiments.verdict import Verdict, what_to_do
from schemas.alerts import Alert
from schemas.codec import ALERT, OUTCOME
from schemas.errors import ConfigError
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL, Arm, Experiment
from schemas.limits import DAY_MS
from schemas.outcomes import Outcome
from schemas.policy import Holdout, Policy
from schemas.records import LogRecord
from schemas.topics import OUTCOMES
from scripts.experiments.outcome_source import Found
from scripts.experiments.show_experiment import in_words as printed
from scripts.experiments.show_experiment import ledger_of, shown_of
from scripts.ops import console_outcomes, outcomes_child
from scripts.ops.console_outcomes import ConsoleOutcomes
from scripts.ops.counting import NotCounted, place_of
from scripts.ops.outcomes_child import (
    ALERTS_MAX,
    OUTCOMES_MAX,
    Told,
    Wanted,
    alerts_of,
    read,
    told_of,
)
from scripts.ops.refreshed import FRESH_S, REST, Refreshed
from scripts.outcomes.alert_topic import Held, held_in
from scripts.outcomes.uplift import DAYS_MAX, Lift, sentence
from tests.builders import NOON
from tests.e2e.homes import wait_for
from tests.examples.write import ALERTED
from tests.models.experiments.outcomes import EXPERIMENT, visits
from tests.scripts.outcomes.test_alerts import NOW_MS as ALERT_MS
from tests.scripts.outcomes.test_alerts import Receiver, receiver
from tests.scripts.outcomes.test_alerts import outcomes as outcomes_with_alert
from udfs.knowledge.erasures import Erasures
from udfs.outcomes.kpi_hours import KpiHours

__all__ = ["receiver"]

POLICY = Policy(holdout=Holdout(share=0.5), experiments=(EXPERIMENT,))
SEEN_MS = NOON + 21 * DAY_MS


def outcomes(lift: float = 2.0) -> list[Outcome]:
    """Visits of two arms, whose people with personal recommendations are those of the second."""
    told = visits(1_500, {"popular": 0.0, "session": lift})
    side = {one.person: PERSONAL if one.arm["ranker"] == "session" else HELD_OUT for one in told if one.arm}  # fmt: skip
    return [replace(one, arm=one.arm | {HOLDOUT: side[one.person]}) for one in told]


@pytest.fixture(scope="module")
def told() -> Told:
    """As it comes from the process."""
    found = told_of(outcomes(), POLICY, SEEN_MS)
    return msgspec.json.decode(msgspec.json.encode(found), type=Told)


def test_a_verdict_is_that_of_kairos_experiment_show(told: Told) -> None:
    found = Found(EXPERIMENT, POLICY)
    ledger = ledger_of(found)
    for one in outcomes():
        ledger.add(one)
    lines = [one.strip() for one in printed(shown_of(found, ledger, SEEN_MS))]
    (shown, holdout) = told.experiments
    assert (shown["name"], shown["state"], holdout["name"]) == ("ranker", "runs", HOLDOUT)
    (verdict,) = shown["verdicts"]
    assert (verdict["word"], verdict["arm"]) == ("keep", "session")
    assert f"{verdict['word'].upper()}: session" in lines
    assert verdict["do"] in lines
    assert verdict["reasons"] == [line.replace("revenue_per_visit", "revenue per visit") for line in lines[-4:-1] if "better" in line or "bounce" in line]  # fmt: skip
    assert shown["seen"] == lines[0]
    assert [row[:2] for row in shown["rows"]] == [["revenue per visit", "session"], ["bounce (guardrail)", "session"]]  # fmt: skip
    assert len(shown["heads"]) == len(shown["rows"][0])


def test_what_personalisation_earns_stands_apart(told: Told) -> None:
    (line,) = told.incremental
    assert line.startswith("Personalisation earns +")
    assert "EUR a person against the holdout (95 %: +" in line
    (unsure,) = told_of(outcomes(0.0), POLICY, SEEN_MS).incremental
    assert unsure.startswith("It is not sure yet what personalisation earns, if anything: ")


def test_what_has_to_be_done_is_one_sentence_of_each_word() -> None:
    arms = (Arm("a"), Arm("b"))
    said = {
        (word, name): what_to_do(Verdict(word, "b", ()), Experiment(name, arms))
        for word in ("keep", "stop", "not yet", "do not trust") for name in ("x", HOLDOUT)
    }  # fmt: skip
    assert said["keep", "x"] == "Make b the policy: everybody gets it."
    assert said["stop", "x"] == "Take b out: everybody gets a."
    assert said["keep", HOLDOUT].startswith("Personalisation earns more")
    assert said["stop", HOLDOUT].startswith("Personalisation does not earn more")
    assert said["not yet", "x"] == said["not yet", HOLDOUT]
    assert said["do not trust", "x"].startswith("Find the fault first")


def test_business_is_of_the_newest_days_alone() -> None:
    found = told_of(outcomes(), POLICY, NOON + (DAYS_MAX + 10) * DAY_MS)
    assert len(found.scopes[0]["days"]) == 11
    assert found.outcomes == len(outcomes()), "experiments read all"


class Log:
    """Outcomes in a topic, each told twice, of which the newest are asked for."""

    def __init__(self, told: list[Outcome]) -> None:
        self.values = [OUTCOME.encode(one) for one in told for _ in range(2)] + [b"nothing of ours"]

    def keep_newest(self, count: int) -> bool:
        return count >= len(self.values)

    def __iter__(self) -> Iterator[LogRecord]:
        return (LogRecord(OUTCOMES, 0, at, NOON, "", one) for at, one in enumerate(self.values))


def test_what_was_told_twice_or_is_no_outcome_counts_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes_child, "LogRange", lambda *_: Log(outcomes()[:100]))
    monkeypatch.setattr(outcomes_child, "list_of_erased", lambda *_: Erasures())
    Topic(monkeypatch)
    found = read(Wanted(place_of("nowhere:1", ""), POLICY))
    assert (found.outcomes, found.is_whole, found.fault) == (100, True, "")
    monkeypatch.setattr(outcomes_child, "OUTCOMES_MAX", 10)
    assert not read(Wanted(place_of("nowhere:1", ""), POLICY)).is_whole


def test_a_log_that_cannot_be_read_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> Log:
        raise ConfigError("Kafka does not answer")

    monkeypatch.setattr(outcomes_child, "LogRange", away)
    assert read(Wanted(place_of("nowhere:1", ""), POLICY)) == Told(fault="Kafka does not answer")


def test_the_page_tells_the_bounds() -> None:
    page = " ".join((PROJECT / "docs" / "console.md").read_text().split())
    assert f"the newest {OUTCOMES_MAX:,} outcomes are read" in page
    assert f"the last {DAYS_MAX} days" in page
    assert f"nothing is said of fewer than {FIRST_LOOK} people on a side" in page
    assert (FRESH_S, REST) == (60, 10)
    assert "a minute old (ten times as old as reading took, where that is more)" in page
    assert sentence("revenue_per_visit", Lift(0.04, Interval(0.01, 0.07), is_sure=True))[:-1] in page  # fmt: skip
    assert f"the newest {ALERTS_MAX} [alerts]" in page
    script = (STATIC / "outcomes.js").read_text()
    assert f"the last {DAYS_MAX} days" in script


class Topic:
    """Topic `alerts`, in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.values, self.fault = [b"nothing of ours"], ""
        monkeypatch.setattr(outcomes_child, "write_new", self.write_new)
        monkeypatch.setattr(outcomes_child, "held", self.held)

    def held(self, *_: object) -> Held:
        return held_in(self.values)

    def write_new(self, _kafka: str, _prefix: str, found: list[Alert]) -> list[Alert]:
        if self.fault:
            raise ConfigError(self.fault)
        new = [one for one in found if one.alert_id not in self.held().alerts]
        self.values += [ALERT.encode(one) for one in new]
        return new


def hours_of_alerts() -> KpiHours:
    hours = KpiHours("EUR")
    for one in outcomes_with_alert(cart=0):
        hours.add(one)
    return hours


def test_each_hour_is_judged_once_kept_posted_and_shown_from_the_topic(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    topic, place = Topic(monkeypatch), place_of("nowhere:1", "")
    config = config_from({"KAIROS_ALERT_WEBHOOK": receiver.url})
    early = alerts_of(place, config, hours_of_alerts(), ALERT_MS - 1)
    assert (early.shown, early.foreign, early.fault) == ([], 1, ""), "it is not settled yet"
    first, again = (alerts_of(place, config, hours_of_alerts(), ALERT_MS) for _ in range(2))
    assert first == again
    (shown,) = first.shown
    assert (shown["kpi"], shown["is_bad"], shown["cause"]["value"]) == ("shown", True, "cart")
    assert "0 where 40 were expected" in shown["says"]
    assert [len(body["alerts"]) for _, body in receiver.taken] == [1]
    topic.values += [ALERT.encode(replace(ALERTED, alert_id=str(at), hour_ms=at)) for at in range(60)]  # fmt: skip
    many = alerts_of(place, config, None, ALERT_MS).shown
    assert len(many) == ALERTS_MAX
    assert [one["hour_ms"] for one in many] == sorted((one["hour_ms"] for one in many), reverse=True)  # fmt: skip
    assert many[0] == shown, "a restart shows what the topic holds"


def test_where_alerts_cannot_be_looked_for_it_is_said_and_the_others_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic, place = Topic(monkeypatch), place_of("nowhere:1", "")
    topic.values.append(ALERT.encode(ALERTED))
    part = alerts_of(place, config_from({}), None, ALERT_MS)
    assert "kairos kpi --alerts does" in part.fault
    assert len(part.shown) == 1
    topic.fault = "no right to write"
    assert alerts_of(place, config_from({}), hours_of_alerts(), ALERT_MS).fault == topic.fault
    bad = config_from({"KAIROS_ALERT_WEBHOOK": "example.com"})
    topic.fault = ""
    assert "KAIROS_ALERT_WEBHOOK" in alerts_of(place, bad, hours_of_alerts(), ALERT_MS).fault


class Child:
    """The process: what it was asked and what it tells, once it may."""

    def __init__(self, told: Told) -> None:
        self.told, self.asked, self.may = told, 0, Event()

    def __call__(self, *_: Any) -> Told:
        self.asked += 1
        assert self.may.wait(30)
        return self.told


@pytest.fixture
def child(told: Told, monkeypatch: pytest.MonkeyPatch) -> Child:
    found = Child(told)
    monkeypatch.setattr(console_outcomes, "ask", found)
    monkeypatch.setattr(ConsoleOutcomes, "_live_policy", lambda _: POLICY)
    return found


@pytest.fixture
def desk(tmp_path: Path) -> ConsoleOutcomes:
    return ConsoleOutcomes(config_from({"KAIROS_HOME": str(tmp_path)}), "nowhere:1")


def test_who_looks_waits_for_nothing_and_it_is_read_once(
    desk: ConsoleOutcomes, child: Child
) -> None:
    for _ in range(3):
        before = desk.experiments()
        assert (before["experiments"], before["counted_ms"], before["is_counting"]) == ([], 0, True)
        assert desk.business("all", "") is not None
    child.may.set()
    wait_for(lambda: not desk.experiments()["is_counting"])
    after = desk.experiments()
    assert [one["name"] for one in after["experiments"]] == ["ranker", HOLDOUT]
    assert (after["outcomes"], after["is_whole"], after["fault"]) == (len(outcomes()), True, "")
    assert child.asked == 1


def test_business_is_of_what_was_chosen(desk: ConsoleOutcomes, child: Child) -> None:
    child.may.set()
    desk.experiments()
    wait_for(lambda: not desk.experiments()["is_counting"])
    shown = desk.business("placement", "home")
    assert shown is not None
    assert (shown["scope"]["value"], shown["is_held_out"]) == ("home", True)
    assert {"by": "action", "value": "recommend_items"} in shown["scopes"]
    assert desk.business("segment", "nobody is in it") is None


def test_what_cannot_be_read_is_said_and_tried_again(desk: ConsoleOutcomes, child: Child) -> None:
    child.told = Told(fault="Kafka does not answer")
    child.may.set()
    desk.experiments()
    wait_for(lambda: not desk.experiments()["is_counting"])
    assert desk.experiments()["fault"] == "Kafka does not answer"
    assert desk.business("all", "") is not None


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_it_is_counted_anew_when_it_is_old_and_the_rarer_the_longer_it_takes() -> None:
    clock, counted = Clock(), []
    answers: list[Any] = ["a", NotCounted("it takes longer than 5 s"), ConfigError("no"), KeyError("x"), "b"]  # fmt: skip

    def count(_: str) -> str:
        counted.append(clock.now_s)
        if len(counted) == 1:
            clock.now_s += 20.0
        answer = answers[len(counted) - 1]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    newest = Refreshed(count, clock)

    def ask() -> tuple[str | None, str]:
        newest("v1")
        wait_for(lambda: not newest("v1").is_counting)
        return newest("v1").found, newest("v1").fault

    assert ask() == ("a", "")
    clock.now_s += 20.0 * REST - 1
    assert ask() == ("a", "")
    assert len(counted) == 1
    clock.now_s += 1
    assert ask() == ("a", "it takes longer than 5 s")
    clock.now_s += FRESH_S
    assert ask() == ("a", "no")
    clock.now_s += FRESH_S
    assert ask() == ("a", "counting has failed: the log of the API says why")
    clock.now_s += FRESH_S
    assert ask() == ("b", "")
    assert len(counted) == len(answers)


def test_of_another_policy_it_is_counted_at_once_and_the_old_is_shown_meanwhile() -> None:
    may = Event()

    def count(version: str) -> str:
        assert version == "v1" or may.wait(30)
        return version

    newest: Refreshed[str, str] = Refreshed(count, Clock())
    newest("v1")
    wait_for(lambda: newest("v1").found)
    assert newest("v2")[:1] == ("v1",)
    assert newest("v2").is_counting
    may.set()
    wait_for(lambda: not newest("v2").is_counting)
    assert newest("v2").found == "v2"
