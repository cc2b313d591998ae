"""Evaluation: the split, the truths, and that nothing of the future is in what is scored."""

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.learning.evaluate import Evaluated, evaluate, rank_of
from jobs.learning.evaluation_split import Setting, Split, split_log
from jobs.learning.weighing import LEARNT
from models.scorer import ColumnScorer, Matrix, Scorer
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.policy import Placement
from schemas.records import LogRecord
from tests.builders import NOON
from tests.jobs.learning.asked import at, request
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge

SPLIT_MS = NOON + HOUR_MS


def log_of(events: Sequence[Event]) -> list[LogRecord]:
    ordered = sorted(events, key=lambda event: event.event_time_ms)
    return [
        LogRecord("file", 0, n, one.event_time_ms, one.session_id, msgspec.json.encode(one))
        for n, one in enumerate(ordered)
    ]


def split_of(events: Sequence[Event], placement: str, split_ms: int = SPLIT_MS) -> Split:
    return split_log(log_of(events), Setting(placement, split_ms, 20, "seed"))


def truths(found: Split) -> dict[str, str]:
    return {event_id: answer.item_id for (_, event_id), answer in found.test.items()}


class Recorder:
    """Learns nothing; ranks as the caller did and keeps the matrices that it saw."""

    version = "recorder"
    names = FEATURE_SPACE.names

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def score(self, features: Matrix) -> Matrix:
        self.seen.append(features.tobytes())
        return -np.nan_to_num(features[:, FEATURE_SPACE.places["caller_position"]])

    def propensity(self, scores: Matrix) -> None:
        return None


def evaluated(
    events: Sequence[Event], placement: str, scorer: Scorer | None, folder: Path,
    split_ms: int = SPLIT_MS,
) -> Evaluated:  # fmt: skip
    setting = Setting(placement, split_ms, 20, "seed")
    log = log_of(events)
    split = split_log(log, setting)
    return evaluate(
        log, Knowledge(), setting, split, folder / "examples.parquet", lambda *_: scorer
    )


# --- the split and the truths -----------------------------------------------------------------

BEFORE = [request(0, "r0", "a", "b", session_id="old"),
          at(9, "ranking_clicked", "a", request_id="r0", session_id="old")]  # fmt: skip


def test_the_truth_of_a_rerank_is_what_was_clicked_in_it() -> None:
    events = [
        *BEFORE,
        request(3600, "r1", "a", "b", "c"), request(3601, "r2", "b", "c"),
        at(3605, "product_viewed", "b"),
        at(3610, "ranking_clicked", "c", request_id="r1"),
        at(3611, "ranking_clicked", "a", request_id="r1"),
        at(3620, "ranking_clicked", "b", request_id="r2", session_id="another"),
        at(3630, "ranking_clicked", "b", request_id="r9"),
        at(3640, "ranking_clicked", "b"),
    ]  # fmt: skip
    found = split_of(events, "rerank")
    assert truths(found) == {"r1": "c"}
    assert [one.item_id for one in found.train.values()] == ["a"]
    assert (found.events, found.item_count) == (10, 3)


def test_the_truth_of_a_view_is_the_next_view_of_its_session() -> None:
    events = [
        at(0, "product_viewed", "z", session_id="old"),
        at(3600, "product_viewed", "a", event_id="1"),
        at(3601, "product_viewed", "x", event_id="other", session_id="s2"),
        at(3602, "product_added_to_cart", "y"),
        at(3603, "product_viewed", "b", event_id="2"),
        at(3603 + 7200, "product_viewed", "b", event_id="3"),  # hours later: one session_id
        at(3604 + 7200, "page_viewed"),
    ]
    assert truths(split_of(events, "next_item")) == {"1": "b", "2": "b"}


@pytest.mark.parametrize(("offset_ms", "is_test"), [(-1, False), (0, True), (1, True)])
def test_a_session_is_of_the_side_on_which_it_begins(offset_ms: int, is_test: bool) -> None:
    start_s = (SPLIT_MS + offset_ms - NOON) / 1000
    events = [
        at(0, "product_viewed", "z", session_id="old"),
        at(start_s, "page_viewed", session_id="one"),
        at(3700, "product_viewed", "a", session_id="one", event_id="1"),
        at(3701, "product_viewed", "b", session_id="one", event_id="2"),
        at(3800, "product_viewed", "a", session_id="new", event_id="3"),
        at(3801, "product_viewed", "b", session_id="new", event_id="4"),
    ]
    found = split_of(events, "next_item")
    assert ("one", "1") in found.test or not is_test
    assert ("new", "3") in found.test
    assert not found.train  # what a training session does after the split teaches nothing


def test_an_answer_that_is_not_known_at_the_split_teaches_nothing() -> None:
    events = [
        at(10, "product_viewed", "a", session_id="old", event_id="1"),
        at(20, "product_viewed", "b", session_id="old", event_id="2"),
        at(3600, "product_viewed", "c", session_id="old", event_id="3"),
        at(3700, "product_viewed", "a", event_id="4"),
        at(3701, "product_viewed", "b", event_id="5"),
    ]
    found = split_of(events, "next_item")
    assert set(found.train) == {("old", "1")}
    assert found.trainable == 1
    assert set(found.test) == {("s1", "4")}


def test_a_repeated_event_neither_asks_nor_answers() -> None:
    view = at(3600, "product_viewed", "a", event_id="1")
    events = [
        at(0, "page_viewed", session_id="old"), view,
        msgspec.structs.replace(view, event_time_ms=view.event_time_ms + 5),
        at(3610, "product_viewed", "b", event_id="2"),
    ]  # fmt: skip
    assert truths(split_of(events, "next_item")) == {"1": "b"}


@pytest.mark.parametrize(
    ("events", "split_ms", "message"),
    [
        ([], SPLIT_MS, "no event"),
        (BEFORE, SPLIT_MS, "lies outside"),
        (BEFORE, NOON, "lies outside"),
        ([*BEFORE, at(3700, "page_viewed")], SPLIT_MS, "no decision to score"),
    ],
)
def test_what_cannot_be_evaluated_is_said(events: list[Event], split_ms: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_of(events, "rerank", split_ms)


# --- figures ----------------------------------------------------------------------------------


def test_every_test_decision_is_scored_once_and_by_hand(tmp_path: Path) -> None:
    events = [
        *BEFORE,
        request(3600, "r1", "a", "b", "c"),
        at(3605, "ranking_clicked", "b", request_id="r1"),
        request(3606, "r2", "a", "b"),
        at(3607, "ranking_clicked", "not shown", request_id="r2"),
        request(3700, "r3", "f", session_id="s2"),
        at(3701, "ranking_clicked", "f", request_id="r3", session_id="s2"),
        request(3800, "r4", "d", "e", session_id="s3"),
        at(3801, "ranking_clicked", "d", request_id="r4", session_id="s3"),
        request(3900, "r5", "a", "b"),
    ]
    found = evaluated(events, "rerank", Recorder(), tmp_path)
    assert {one.event_id: one.rank for one in found.outcomes} == {
        "r1": 2,
        "r2": 0,
        "r3": 1,
        "r4": 1,
    }
    assert (found.version, len(found.ms), found.found, found.candidates) == ("recorder", 4, 3, 8)
    expected = {
        "hr@20": 3 / 4,
        "mrr@20": 2.5 / 4,
        "mrr": 2.5 / 4,
        "mrr_last": 2 / 3,
        "ndcg@20": (2 + 1 / np.log2(3)) / 4,
        "coverage@20": 6 / 7,
    }
    listed = {"novelty@20", "diversity@20", "changed@20", "moved@20"}  # fmt: skip
    for ranks in (found.ranks, found.baselines["caller_position"]):
        figures = ranks.figures(split_of(events, "rerank").item_count)
        assert {name: figures[name] for name in figures.keys() - listed} == pytest.approx(expected)
        assert figures.keys() >= listed


def test_decisions_of_people_who_do_not_agree_to_analytics_are_not_scored(tmp_path: Path) -> None:
    def scored(*purposes: str) -> set[str]:
        theirs = {"session_id": "s3", "anonymous_id": "a9"}
        asks = request(3800, "r4", "d", "e", **theirs)
        events = [
            *BEFORE,
            request(3600, "r1", "a", "b", "c"),
            at(3605, "ranking_clicked", "b", request_id="r1"),
            msgspec.structs.replace(asks, consent=purposes),
            at(3801, "ranking_clicked", "d", request_id="r4", **theirs),
        ]
        found = evaluated(events, "rerank", Recorder(), tmp_path)
        return {one.event_id for one in found.outcomes}

    assert scored("analytics") == {"r1", "r4"}
    assert scored("personalisation") == {"r1"}


def test_without_anything_to_learn_the_cold_start_is_evaluated(tmp_path: Path) -> None:
    events = [
        at(0, "page_viewed", session_id="old"),
        request(3600, "r1", "a", "b", "c"), at(3605, "ranking_clicked", "a", request_id="r1"),
    ]  # fmt: skip
    found = evaluated(events, "rerank", Recorder(), tmp_path)
    assert (found.examples, found.train_seconds, found.version) == (0, 0.0, "last_touched")
    assert [one.rank for one in found.outcomes] == [1]


@pytest.mark.parametrize(("items", "rank"), [(["a", "b"], 2), (["a"], 0), ([], 0)])
def test_rank_of(items: list[str], rank: int) -> None:
    assert rank_of("b", items) == rank


# --- nothing of the future --------------------------------------------------------------------


def clicking_log(seed: int = 1, sessions: int = 60) -> list[Event]:
    """Each session asks once for a ranking of its own five items and clicks on one of them.

    Nothing else ever happens to these items: whoever counts a click before its own decision knows
    the answer, and whoever does not knows nothing.
    """
    chance = random.Random(seed)
    events = []
    for n in range(sessions):
        session, begun_s = f"s{n}", 120.0 * n
        items = [f"{session}-{place}" for place in range(5)]
        events += [
            request(begun_s, f"r{n}", *items, session_id=session, anonymous_id=session),
            at(begun_s + 0.001, "ranking_clicked", chance.choice(items), request_id=f"r{n}",
               session_id=session, anonymous_id=session, event_id=f"c{n}"),
        ]  # fmt: skip
    return events


def test_popularity_does_not_know_the_click_it_is_asked_for(tmp_path: Path) -> None:
    """With the click counted, popularity has an MRR of 1; without it all are equal, and the
    caller's order decides: the mean of 1 / (place + 1) over places drawn evenly.
    """
    events = clicking_log(sessions=200)
    split_ms = NOON + 120 * SECOND_MS * 20
    found = evaluated(events, "rerank", None, tmp_path, split_ms)
    expected = np.mean([1 / (place + 1) for place in range(5)])
    for name in ("popularity", "last_touched", "caller_position"):
        assert found.baselines[name].figures(1)["mrr"] == pytest.approx(expected, abs=0.09)
    # ties are in the caller's order, so all of them are the very same lists
    assert found.baselines["popularity"].figures(1) == found.baselines["caller_position"].figures(1)


def test_popularity_knows_the_clicks_of_before(tmp_path: Path) -> None:
    """The same item is clicked again and again: after the first time it comes first."""
    events = []
    for n in range(20):
        session = f"s{n}"
        events += [
            request(300.0 * n, f"r{n}", "a", "b", "c", session_id=session, anonymous_id=session),
            at(300.0 * n + 1, "ranking_clicked", "c", request_id=f"r{n}", session_id=session,
               anonymous_id=session, event_id=f"c{n}"),
        ]  # fmt: skip
    found = evaluated(events, "rerank", None, tmp_path, NOON + 300 * SECOND_MS)
    assert found.baselines["popularity"].figures(3)["mrr"] == 1.0
    assert found.baselines["caller_position"].figures(3)["mrr"] == pytest.approx(1 / 3)


def touching_log(seed: int, count: int) -> list[Event]:
    """Sessions that look at a few of 30 items, ask for rankings and click."""
    chance = random.Random(seed)
    events: list[Event] = []
    for n in range(count):
        session, now_s = f"s{n}", chance.uniform(0, 4 * 3600)
        for step in range(chance.randint(2, 8)):
            now_s += chance.uniform(1, 90)
            event_id = f"{session}-{step}"
            same = {"session_id": session, "anonymous_id": f"a{n % 40}"}
            items = [f"i{one}" for one in chance.sample(range(30), 6)]
            if chance.random() < 0.5:
                events.append(at(now_s, "product_viewed", items[0], event_id=event_id, **same))
                continue
            events.append(request(now_s, event_id, *items, **same))
            clicked = chance.choice(items)
            events.append(
                at(now_s + 1, "ranking_clicked", clicked, request_id=event_id,
                   event_id=event_id + "-click", **same)
            )  # fmt: skip
    return events


def features_until(events: Sequence[Event], until_ms: int, folder: Path) -> list[bytes]:
    """What the scorer saw of the decisions up to a time, in their order."""
    recorder = Recorder()
    # all test sessions: the split is before the first event of any but the oldest
    found = evaluated(events, "rerank", recorder, folder, NOON + 20 * MINUTE_MS)
    times = {one.event_id: one.event_time_ms for one in events}
    scored = sum(times[one.event_id] <= until_ms for one in found.outcomes)
    return recorder.seen[:scored]


@pytest.mark.long
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), hours=st.floats(1.0, 3.0))
def test_another_future_leaves_the_features_as_they_are(
    seed: int, hours: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Events after a decision's time get other items; up to then each vector stays, byte by byte."""
    folder = tmp_path_factory.mktemp("examples")
    events = sorted(touching_log(seed, 80), key=lambda one: one.event_time_ms)
    until_ms = NOON + int(hours * HOUR_MS)
    chance = random.Random(seed + 1)
    changed = [
        one
        if one.event_time_ms <= until_ms
        else msgspec.structs.replace(
            one, item_ids=tuple(f"i{chance.randrange(30)}" for _ in one.item_ids)
        )
        for one in events
    ]
    before = features_until(events, until_ms, folder)
    assume(len(before) > 5)
    assert features_until(changed, until_ms, folder) == before


def test_training_sees_only_what_was_before_the_split(tmp_path: Path) -> None:
    """Whatever happens after the split, the examples are the same."""
    events = touching_log(3, 60)
    split_ms = NOON + 2 * HOUR_MS
    rows = []
    for shuffled in (False, True):
        chance = random.Random(9)
        log = [
            msgspec.structs.replace(
                one, item_ids=tuple(f"i{chance.randrange(30)}" for _ in one.item_ids)
            )
            if shuffled and one.event_time_ms >= split_ms
            else one
            for one in events
        ]
        path = tmp_path / f"{shuffled}"
        path.mkdir()
        learnt: list[bytes] = []

        def learn(
            examples: Path, _: object, __: object, kept: list[bytes] = learnt
        ) -> Scorer | None:
            kept.append(examples.read_bytes())
            return ColumnScorer("test", "item_interest")

        setting = Setting("rerank", split_ms, 20, "seed")
        split = split_log(log_of(log), setting)
        evaluate(log_of(log), Knowledge(), setting, split, path / "examples.parquet", learn)
        rows += learnt
    assert len(rows) == 2
    assert rows[0] == rows[1]


# --- places -----------------------------------------------------------------------------------


def of_shuffling(share: float, folder: Path) -> Evaluated:
    """Of a placement that shuffles a share of its lists, each told of as it was shown; two of them are scored."""
    folder.mkdir()
    asked = ("ranking_requested",)
    setting = Setting("own", SPLIT_MS, 20, "seed", Placement("own", asked, shuffle=share), looking=LEARNT)  # fmt: skip
    exposed = [
        at(n, "decision_exposed", "a", "b", session_id=f"old{n}", event_id=f"d{n}", decision_id=f"d{n}", properties={"placement": "own"})
        for n in range(10, 20)
    ]  # fmt: skip
    scored = [
        one
        for n in range(6)
        for one in (
            request(3600 + 60 * n, f"r{n}", *"abcdef", session_id=f"s{n}"),
            at(3630 + 60 * n, "ranking_clicked", "d", request_id=f"r{n}", session_id=f"s{n}"),
        )
    ]
    log = log_of([*BEFORE, *exposed, *scored])
    split = split_log(log, setting)
    return evaluate(log, Knowledge(), setting, split, folder / "e.parquet", lambda *_: Recorder())


def test_a_placement_that_shuffles_is_scored_in_the_order_of_its_ranker(tmp_path: Path) -> None:
    plain, shuffled = (of_shuffling(share, tmp_path / f"{share}") for share in (0.0, 1.0))
    assert [one.rank for one in plain.outcomes] == [4] * 6
    assert shuffled.outcomes == plain.outcomes


def test_what_such_a_placement_shuffled_is_learnt_from(tmp_path: Path) -> None:
    """The list that its caller handed in was not; nothing after the split is known yet."""
    lists = []
    for share in (0.0, 1.0):
        examination = of_shuffling(share, tmp_path / f"{share}").examination
        assert examination is not None
        (curve,) = examination.curves
        lists.append(curve.lists)
    assert lists == [0, 10]
