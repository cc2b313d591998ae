"""What is published for a time to come decides from then on and not before, ends, and is taken back before it begins."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.model_roots import Roots
from jobs.learning.trust import Trust
from jobs.publish import AHEAD_MS
from schemas.codec import CONTROL, EVENT
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import HOUR_MS
from schemas.policy import Placement, Policy
from schemas.records import LogRecord
from schemas.signed_control import OPEN
from scripts.change import Change
from scripts.policy import schedule
from scripts.policy.policy_versions import (
    Draft,
    PolicyVersion,
    history_json,
    in_force,
    previous,
    versions_in,
)
from scripts.policy.schedule import publish, scheduled_json, taking_back
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge

NOW = NOON
HOURS = range(-1, 10)


def policy(size: int) -> Policy:
    return Policy(
        placements=(Placement("home", ("page_viewed",), size=size),), time_zone="Europe/Berlin"
    )


class Topic:
    """`control` as a publisher writes it and everybody reads it."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def control(self, control: Control) -> None:
        value, offset = CONTROL.encode(control), len(self.records)
        self.records.append(LogRecord("control", 0, offset, NOW, "", value))

    def flush(self) -> None:
        pass

    @property
    def versions(self) -> list[PolicyVersion]:
        return versions_in(self.records, OPEN)

    def put(self, name: str, from_h: float, until_h: float | None = None, **more: Any) -> Change:
        """Publishes the policy of this name from so many hours after NOW on."""
        until_ms = None if until_h is None else _at(until_h)
        draft = Draft(name, "default", policy(ord(name)), until_ms=until_ms, **more)
        return publish(self, self.versions, draft, _at(from_h))  # type: ignore[arg-type]

    def take_back(self, name: str | None = None, from_h: float | None = None) -> Change:
        from_ms = None if from_h is None else _at(from_h)
        back = taking_back(self.versions, name, from_ms, NOW)
        return publish(self, self.versions, back.draft, back.from_ms)  # type: ignore[arg-type]

    def decided(self) -> str:
        """By which policy each hour is decided, by the fold over a log of visits."""
        feed = KnowledgeFeed(Knowledge(), lambda _: None, Trust(Roots(("/",))))
        for one in self.records:
            feed.apply(one.value, one.offset, one.timestamp_ms)
        log = [
            make_record(
                make_event(event_id=f"e{hour}", session_id=f"s{hour}", event_time_ms=_at(hour)), at
            )
            for at, hour in enumerate(HOURS)
        ]
        folded = list(Fold(feed.knowledge, FoldRules(EVENT.decode, "seed")).run(log))
        made = {
            one.event_time_ms: one.versions.policy for each in folded for one, _ in each.decisions
        }
        return "".join(made.get(_at(hour), "-") for hour in HOURS)

    def held(self) -> str:
        """The same, as the publisher knows it."""
        found = [in_force(self.versions, _at(hour)) for hour in HOURS]
        return "".join(one.version if one else "-" for one in found)


def _at(hours: float) -> int:
    return NOW + round(hours * HOUR_MS)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A has been in force for ever, as far as anybody knows."""
    monkeypatch.setattr(schedule, "now_ms", lambda: NOW)
    topic = Topic()
    topic.put("A", -3)
    return topic


def plan(topic: Topic) -> list[tuple[str, int]]:
    rows = scheduled_json(topic.versions, NOW)
    return [(one["version"], (one["effective_from_ms"] - NOW) // HOUR_MS) for one in rows]


def check(topic: Topic, decided: str) -> None:
    assert (topic.decided(), topic.held()) == (decided, decided)


def test_what_is_scheduled_decides_from_its_time_on_and_not_before(topic: Topic) -> None:
    change = topic.put("B", 4)
    assert (change.replaces, change.ended_by) == ("A", None)
    check(topic, "AAAAABBBBBB")
    assert plan(topic) == [("B", 4)]
    assert scheduled_json(topic.versions, NOW)[0]["local"].endswith("Europe/Berlin")
    assert scheduled_json(topic.versions, _at(4)) == [], "it has begun"


def test_what_is_before_takes_over_at_the_end(topic: Topic) -> None:
    change = topic.put("B", 4, 7)
    assert (change.ended_by, change.ended_ms) == ("A", _at(7))
    check(topic, "AAAAABBBAAA")
    assert plan(topic) == [("B", 4), ("A", 7)]


def test_what_is_taken_back_never_decides(topic: Topic) -> None:
    topic.put("B", 4, 7)
    change = topic.take_back("B")
    assert (change.version, change.replaces) == ("A", "B")
    check(topic, "A" * 11)
    assert plan(topic) == []
    states = [(one["version"], one["state"]) for one in history_json(topic.versions, NOW)]
    assert ("B", "taken back") in states
    with pytest.raises(ConfigError, match="nothing is announced: `kairos policy scheduled`"):
        topic.take_back()
    with pytest.raises(ConfigError, match="nothing to roll back to"):
        previous(topic.versions, _at(5))


def test_the_end_alone_is_taken_back(topic: Topic) -> None:
    topic.put("B", 4, 7)
    topic.take_back("A")
    check(topic, "AAAAABBBBBB")


def test_what_is_published_before_is_not_undone_by_what_was_taken_back_or_ends(
    topic: Topic,
) -> None:
    """Else the record that took B back would bring A back, hours after C took its place."""
    topic.put("B", 4)
    topic.take_back()
    change = topic.put("C", 2)
    assert (change.replaces, change.ended_by) == ("A", None)
    check(topic, "AAACCCCCCCC")
    topic.put("D", 5, 7)
    check(topic, "AAACCCDDCCC")
    topic.put("E", 3)
    check(topic, "AAACEEDDEEE")
    assert plan(topic) == [("C", 2), ("E", 3), ("D", 5), ("E", 7)]
    topic.take_back("E", 3)
    check(topic, "AAACCCDDCCC")


def test_what_is_published_within_ends_with_it(topic: Topic) -> None:
    topic.put("B", 2, 7)
    change = topic.put("C", 4)
    assert (change.replaces, change.ended_by, change.ended_ms) == ("B", "A", _at(7))
    check(topic, "AAABBCCCAAA")


def test_two_ends_of_one_time_are_one(topic: Topic) -> None:
    topic.put("B", 7)
    assert topic.put("C", 4, 7).ended_by == "B"
    check(topic, "AAAAACCCBBB")


def test_an_end_that_cannot_be_is_told(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    topic.put("B", 4)
    with pytest.raises(ConfigError, match=r"it would end .* before it begins"):
        topic.put("C", 4, 3)
    with pytest.raises(ConfigError, match=r"B is announced for .*, before the end"):
        topic.put("C", 3, 5)
    with pytest.raises(ConfigError, match="is past: an end lies ahead"):
        topic.put("C", -2, -1)
    with pytest.raises(ConfigError, match="it cannot end: no policy is in force before it"):
        Topic().put("C", 1, 2)
    assert len(topic.records) == 2, "nothing was written"


def test_what_cannot_be_taken_back_is_told(topic: Topic) -> None:
    topic.put("B", 4)
    topic.put("B", 6)
    topic.put("C", 5)
    for name, from_h, said in (
        (None, None, "3 are announced .*: say which by its version, or --effective-from"),
        ("B", None, "2 are announced"),
        ("A", None, "no version 'A' is announced:"),
        ("B", 5.0, "no version 'B' is announced for"),
    ):
        with pytest.raises(ConfigError, match=said):
            topic.take_back(name, from_h)
    topic.take_back("B", 6)
    assert plan(topic) == [("B", 4), ("C", 5)]
    with pytest.raises(ConfigError, match=r"B begins at once: `kairos policy rollback`"):
        taking_back(topic.versions, "B", None, _at(4) - AHEAD_MS + 1)
    first = Topic()
    first.put("A", 1)
    with pytest.raises(ConfigError, match="A is the first policy, so nothing would be in force"):
        first.take_back()
