"""Where a decision is looked for in Kafka."""

from types import SimpleNamespace

import pytest

from jobs.learning.trust import Trust
from scripts.audit import explain_decision
from scripts.audit.explain_decision import NEWEST_MAX, DecisionFinder


def test_no_record_is_asked_for_that_retention_has_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {0: NEWEST_MAX + 9, 1: NEWEST_MAX + 9, 2: 5}
    lows = {0: NEWEST_MAX, 1: 3, 2: 0}
    asked: list[object] = []

    def between(*words: object) -> tuple[()]:
        asked.append(words[2:])
        return ()

    consumer = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(explain_decision, "open_consumer_of", lambda _: consumer)
    monkeypatch.setattr(explain_decision, "end_offsets", lambda *_: ends)
    monkeypatch.setattr(explain_decision, "first_offsets", lambda *_: lows.items())
    monkeypatch.setattr(explain_decision, "_between", between)
    assert list(DecisionFinder("", "", Trust())._records("decisions", None)) == []
    assert asked == [({0: NEWEST_MAX, 1: 9, 2: 0}, ends)]
