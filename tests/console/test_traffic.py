"""What the console counts in memory: right, bounded, and only of the last minutes."""

import pytest

from channels.console import traffic as module
from channels.console.traffic import (
    BUCKET_MS,
    DECISIONS_KEPT_MAX,
    KEPT_MS,
    LETTERS_KEPT_MAX,
    OF_PERSON_MAX,
    OTHER,
    Traffic,
    percentiles,
)
from schemas.codec import DECISION
from schemas.dead_letters import DeadLetter
from scripts.ops.engine_counts import Sample, rate, rates
from tests.channels.decisions import make_decision

NOW_MS = 1_800_000_000_000
LETTER = DeadLetter("malformed", "why", b"\xff", "events", 0, 7, None)


def take(
    traffic: Traffic,
    sequence: int,
    at_ms: int = NOW_MS,
    latency_ms: int | None = None,
    **changes: object,
) -> str:
    """Adds a decision; its id."""
    decision = make_decision(sequence, **changes)
    traffic.add_decision(decision, DECISION.encode(decision), at_ms, at_ms, latency_ms)
    return decision.decision_id


def test_decisions_are_counted_by_all_that_is_asked_for() -> None:
    traffic = Traffic()
    take(traffic, 1, action_id="a", placement="home", arm={"test": "b"}, latency_ms=7)
    take(traffic, 2, action_id="a", placement="cart", is_holdout=True, latency_ms=9)
    take(traffic, 3, action_id="c", placement="cart", at_ms=NOW_MS - BUCKET_MS)
    take(traffic, 4, kind="void")
    found = traffic.counted(NOW_MS)
    assert (found["decisions"], found["holdout"]) == (3, 1)
    assert found["actions"] == {"a": 2, "c": 1}
    assert found["placements"] == {"cart": 2, "home": 1}
    assert found["arms"] == [{"experiment": "test", "arm": "b", "decisions": 1}]
    assert [one["decisions"] for one in found["versions"]] == [3]
    assert found["latency_ms"] == {"p50": 9, "p90": 9, "p99": 9, "samples": 2}
    assert [one["decisions"] for one in found["buckets"]][-2:] == [1, 2]
    assert len(found["buckets"]) == KEPT_MS // BUCKET_MS


def test_what_is_older_than_the_last_minutes_does_not_count() -> None:
    traffic = Traffic()
    take(traffic, 1, at_ms=NOW_MS)
    take(traffic, 2, at_ms=NOW_MS - KEPT_MS)
    assert traffic.counted(NOW_MS)["decisions"] == 1
    take(traffic, 3, at_ms=NOW_MS + KEPT_MS)
    assert traffic.counted(NOW_MS + KEPT_MS)["decisions"] == 1
    assert traffic.counted(NOW_MS + 3 * KEPT_MS)["decisions"] == 0
    assert len(traffic._buckets) == 1


def test_the_newest_decisions_are_found_by_id_and_person() -> None:
    traffic = Traffic()
    ids = [take(traffic, n, person="anna") for n in range(1, 4)]
    take(traffic, 9, person="bert")
    assert [one.decision.decision_id for one in traffic.decisions_of("anna")] == ids[::-1]
    found = traffic.decision(ids[1])
    assert found is not None
    assert found.decision.person == "anna"
    assert traffic.decision("none") is None
    assert traffic.decisions_of("nobody") == []
    take(traffic, 1, person="anna")  # a repeat
    assert len(traffic.decisions_of("anna")) == 3


def test_everything_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DECISIONS_KEPT_MAX", 50)
    monkeypatch.setattr(module, "COUNTED_MAX", 10)
    traffic = Traffic()
    for n in range(1, 201):
        take(traffic, n, person=f"p{n}", action_id=f"a{n}", latency_ms=n)
    assert (len(traffic._recent), len(traffic._of_person)) == (50, 50)
    actions = traffic.counted(NOW_MS)["actions"]
    assert len(actions) == 11
    assert actions[OTHER] == 190
    for n in range(201, 400):
        take(traffic, n, person="anna")
    assert len(traffic.decisions_of("anna")) <= OF_PERSON_MAX < DECISIONS_KEPT_MAX
    for _ in range(LETTERS_KEPT_MAX + 5):
        traffic.add_letter(LETTER, NOW_MS)
    assert len(traffic.letters()) == LETTERS_KEPT_MAX
    assert traffic.counted(NOW_MS)["letters"] == {"malformed": LETTERS_KEPT_MAX + 5}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([5], {"p50": 5, "p90": 5, "p99": 5, "samples": 1}),
        (range(100), {"p50": 50, "p90": 90, "p99": 99, "samples": 100}),
        ([3, 1, 2], {"p50": 2, "p90": 3, "p99": 3, "samples": 3}),
    ],
)
def test_percentiles_are_of_the_nearest_rank(values: list[int], expected: object) -> None:
    assert percentiles(values) == expected


def counts(events: int, decisions: int) -> dict[str, int]:
    return {"events": events, "decisions": decisions}


def test_rates_are_differences_and_unknown_where_the_engine_was_away_or_began_anew() -> None:
    samples = [
        Sample(0, counts(0, 0)), Sample(5_000, counts(50, 10)), Sample(10_000, None),
        Sample(15_000, counts(60, 10)), Sample(20_000, counts(5, 0)),
    ]  # fmt: skip
    assert [one["events_per_s"] for one in rates(samples)] == [10.0, None, None, None]
    assert [one["decisions_per_s"] for one in rates(samples)] == [2.0, None, None, None]


def test_the_rate_is_that_of_the_last_minute() -> None:
    samples = [Sample(at_s * 1_000, counts(at_s * at_s, 0)) for at_s in range(0, 121, 5)]
    assert rate(samples, 120_000)["events_per_s"] == (120**2 - 60**2) / 60
    assert rate(samples[:1], 0)["events_per_s"] is None
    assert rate([], 0)["events_per_s"] is None
