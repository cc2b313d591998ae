"""What an event may cost, in work and not in time: calls, columns, bytes and records. Generous bounds, to be argued about."""

from collections.abc import Iterator
from statistics import median

import pytest

from jobs.config import config_from
from schemas.codec import DECISION, TRACE
from schemas.records import LogRecord
from scripts.bench.budget import PARTS
from scripts.bench.setting import CANDIDATES, bench_knowledge, records
from scripts.bench.stopwatch import Stopwatch, watched_parts
from scripts.bench.throughput import Loop, taught
from tests.jobs.live_job import encoded
from udfs.facts import features
from udfs.items.orders import COLD_START

EVENTS = 900
ITEMS = 200
CONFIG = config_from({})


class Work:
    """What was done to the events of a shop, in the loop that does what the operators do."""

    def __init__(self, log: list[LogRecord]) -> None:
        knowledge = bench_knowledge(ITEMS)
        self.learnt = [encoded(record) for record in taught(log, CONFIG)]
        for lesson in taught(log[: EVENTS // 2], CONFIG):
            knowledge.learn(lesson)
        self.stopwatch, loop = Stopwatch(), Loop(knowledge, CONFIG)
        with watched_parts(self.stopwatch, PARTS):
            for record in log:
                loop.take(record)
        self.decisions = loop.decisions

    def calls(self, part: str) -> int:
        """How often a part of an event was done."""
        return self.stopwatch.calls[part]


@pytest.fixture(scope="module")
def written() -> dict[str, list[bytes]]:
    return {"decisions": [], "traces": []}


@pytest.fixture(scope="module")
def work(written: dict[str, list[bytes]]) -> Iterator[Work]:
    with pytest.MonkeyPatch.context() as patch:
        for codec, name in ((DECISION, "decisions"), (TRACE, "traces")):
            patch.setattr(codec, "encode", keeping(codec.encode, written[name]))
        computed = Stopwatch()
        patch.setattr(
            features, "COLUMNS", {name: computed.watch("columns", one) for name, one in features.COLUMNS.items()}
        )  # fmt: skip
        found = Work(records(EVENTS, ITEMS))
        found.stopwatch.calls["columns"] = computed.calls["columns"]
        yield found


def keeping(encode, kept: list[bytes]):  # type: ignore[no-untyped-def]
    def encoding(value: object) -> bytes:
        kept.append(encode(value))
        return kept[-1]

    return encoding


def test_an_event_is_decoded_masked_and_taken_by_each_step_once(work: Work) -> None:
    assert work.calls("event, decoding") == work.calls("session step") == EVENTS
    assert work.calls("event, masking") == EVENTS
    news = work.calls("person step")
    assert EVENTS <= news <= 1.1 * EVENTS
    assert work.calls("state and news, both ways") <= 2 * EVENTS + 4 * news


def test_a_decision_does_each_of_its_parts_once(work: Work) -> None:
    assert work.decisions > EVENTS / 5
    for part in ("session links", "retrieval", "columns", "slate", "trace"):
        assert work.calls(f"decision: {part}") == work.decisions, part
    assert work.calls("decision, encoding") == work.calls("trace, encoding") == work.decisions


def test_columns_are_made_where_they_are_read(work: Work) -> None:
    kept_all = 0.05 * len(features.FEATURES)  # of the share of decisions whose whole matrix is kept
    assert work.calls("columns") <= work.decisions * (len(COLD_START.names) + kept_all)


def test_bytes_out(work: Work, written: dict[str, list[bytes]]) -> None:
    whole = [one for one in written["traces"] if len(TRACE.decode(one).candidates) == CANDIDATES]
    assert median(map(len, whole)) <= 1_500
    assert median(map(len, written["decisions"])) <= 800


def test_what_an_event_teaches(work: Work) -> None:
    assert len(work.learnt) <= 5 * EVENTS
    assert sum(map(len, work.learnt)) <= 5_000 * EVENTS


def test_what_was_watched_is_as_it_was(work: Work) -> None:
    assert "decode" not in vars(DECISION)
    assert all(getattr(owner, name).__name__ != "watched" for _, owner, name in PARTS)
