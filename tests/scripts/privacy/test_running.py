"""What is waited for before somebody is said to be forgotten."""

import pytest

from jobs.config import config_from
from schemas.topics import DECISIONS, OUTCOMES
from scripts.privacy import running


def test_the_store_has_all_once_its_writer_has_taken_decisions_and_outcomes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An outcome that is written after the keys were deleted would bring them back."""
    lags = {DECISIONS: [0, 0, 0], OUTCOMES: [2, 1, 0]}
    monkeypatch.setattr(
        running, "store_lag", lambda kafka, prefix, store, topic: lags[topic].pop(0)
    )
    monkeypatch.setattr(running, "POLL_S", 0.0)
    running.await_store("kafka", config_from({}))
    assert lags == {DECISIONS: [], OUTCOMES: []}
