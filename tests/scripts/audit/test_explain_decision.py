"""Where a decision is looked for in Kafka."""

from types import SimpleNamespace

import pytest

from jobs.learning.trust import Trust
from scripts.audit import explain_decision
from scripts.audit.explain_decision import NEAR_MAX, NEWEST_MAX, DecisionFinder


def test_no_record_is_asked_for_that_retention_has_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {0: NEWEST_MAX + 9, 1: NEWEST_MAX + 9, 2: 5}
    lows = {0: NEWEST_MAX, 1: 3, 2: 0}
    asked: list[object] = []

    def between(*words: object) -> tuple[()]:
        asked.append(words[2:4])
        return ()

    consumer = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(explain_decision, "open_consumer_of", lambda _: consumer)
    monkeypatch.setattr(explain_decision, "end_offsets", lambda *_: ends)
    monkeypatch.setattr(explain_decision, "first_offsets", lambda *_: lows.items())
    monkeypatch.setattr(explain_decision, "_between", between)
    assert list(DecisionFinder("", "", Trust())._records("decisions", None)) == []
    assert asked == [({0: NEWEST_MAX, 1: 9, 2: 0}, ends)]


def test_a_record_is_looked_for_behind_its_time_then_before_it_then_among_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends, lows = {0: 100_000, 1: 7}, {0: 40_000, 1: 0}
    # the second has no record as late as this: all of it lies before
    firsts = [SimpleNamespace(partition=0, offset=42_000), SimpleNamespace(partition=1, offset=-1)]
    consumer = SimpleNamespace(close=lambda: None, offsets_for_times=lambda *_: firsts)
    asked: list[object] = []

    def between(*words: object) -> tuple[()]:
        asked.append(words[2:4])
        return ()

    monkeypatch.setattr(explain_decision, "open_consumer_of", lambda _: consumer)
    monkeypatch.setattr(explain_decision, "end_offsets", lambda *_: ends)
    monkeypatch.setattr(explain_decision, "first_offsets", lambda *_: lows.items())
    monkeypatch.setattr(explain_decision, "_between", between)
    assert list(DecisionFinder("", "", Trust())._records("traces", 5)) == []
    assert asked == [
        ({0: 42_000, 1: 7}, {0: 42_000 + NEAR_MAX, 1: 7}),
        ({0: 40_000, 1: 0}, {0: 42_000, 1: 7}),
        ({0: 100_000 - NEWEST_MAX, 1: 0}, ends),
    ]
