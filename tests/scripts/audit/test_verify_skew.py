"""`verify skew`: no difference where there is none, and every planted one found, named and counted."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from jobs.audit.taught import Taught, looking_back
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning.examples import matrix_of
from schemas.codec import EVENT
from schemas.decisions import DecisionTrace, LeftOut
from schemas.knowledge import EpochEnd, KnowledgeRecord
from schemas.limits import EPOCH_MS, EPOCHS_KEPT
from schemas.policy import DEFAULT_POLICY
from schemas.records import LogRecord
from scripts.audit.skew_view import skew_json
from scripts.audit.verify_skew import (
    Logged,
    Skew,
    compare,
    compare_log,
)
from tests.builders import make_catalogue
from tests.logs import shopping_log
from udfs.explain.fit_records import leave_out
from udfs.facts import features
from udfs.facts.fact import Column
from udfs.facts.features import FEATURE_INDEX, FEATURE_SPACE
from udfs.facts.view import View
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.policy.compile_policy import compile_policy

RULES = FoldRules(EVENT.decode, "kairos")
EVENTS = 700
LAG_MS = EPOCHS_KEPT * EPOCH_MS // 2


class Lived(NamedTuple):
    """A log, what the stream learnt from it, and the traces of a job whose knowledge lagged behind."""

    log: list[LogRecord]
    taught: list[KnowledgeRecord]
    traces: list[DecisionTrace]


class Recorded(Learner):
    """A learner that also keeps what it hands out."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[KnowledgeRecord] = []

    def close(self, now_ms: int) -> Iterator[KnowledgeRecord]:
        for record in super().close(now_ms):
            self.records.append(record)
            yield record


class LaggingKnowledge(Knowledge):
    """Now and then it has not yet got the newest epochs, as a job where they come late."""

    lag_ms = LAG_MS

    def at(self, time_ms: int, epoch_ms: int | None = None) -> Known:
        known = super().at(time_ms, epoch_ms)
        if known.epoch % 3:
            return known
        older = self.statistics.epoch_at((epoch_ms or time_ms) - self.lag_ms)
        return known._replace(epoch=older)


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live(filled(LaggingKnowledge()))


def live(knowledge: Knowledge) -> Lived:
    """What a job with this knowledge logs."""
    log = [
        LogRecord("events", 0, at, line.timestamp_ms, line.key, line.value)
        for at, line in enumerate(shopping_log(EVENTS, hours=0.4))
    ]
    learner = Recorded()
    fold = Fold(knowledge, RULES, learner)
    traces = [trace for one in fold.run(log) for _, trace in one.decisions]
    return Lived(log, learner.records, traces)


def filled(knowledge: Knowledge) -> Knowledge:
    """The default policy and a catalogue."""
    knowledge.add_policy("default-1", 0, 0, compile_policy(DEFAULT_POLICY))
    for position, item in enumerate(make_catalogue()):
        knowledge.add_item(item, position)
    return knowledge


def logged(traces: list[DecisionTrace]) -> Logged:
    found = Logged(BytesIO())
    for trace in traces:
        found.add(trace)
    return found


def verify(lived: Lived, traces: list[DecisionTrace] | None = None) -> Skew:
    kept = logged(lived.traces if traces is None else traces)

    def teach(epochs_kept: int) -> Taught:
        return Taught(filled(Knowledge(epochs_kept)), lived.taught)

    def run(taught: Taught) -> Skew:
        return compare_log(lived.log, taught, RULES, kept)

    return looking_back(teach, run, lambda _: None)


def change(monkeypatch: pytest.MonkeyPatch, name: str, by: Callable[[Column], Column]) -> None:
    """Plants a change in the code of one feature."""
    real = features.COLUMNS[name]

    def changed(view: View) -> Column:
        return by(real(view))

    monkeypatch.setitem(features.COLUMNS, name, changed)


def test_what_the_job_logged_is_computed_again_bit_by_bit(lived: Lived) -> None:
    skew = verify(lived)
    assert skew.is_none, skew
    assert skew.compared == len(lived.traces) > 100
    assert skew.vectors == sum(len(one.candidates) for one in lived.traces)
    assert skew == Skew(compared=skew.compared, vectors=skew.vectors)
    assert len({one.versions.knowledge for one in lived.traces}) > 50


def test_a_job_behind_in_knowledge_is_followed_only_by_the_epochs_that_it_names(
    lived: Lived,
) -> None:
    knowledge, learner = filled(Knowledge()), Learner()
    newest = {
        trace.decision_id: trace
        for one in Fold(knowledge, RULES, learner).run(lived.log)
        for _, trace in one.decisions
    }
    skew = Skew()
    for trace in lived.traces:
        compare(skew, trace, newest[trace.decision_id], is_late=False)
    assert skew.differing or skew.other_candidates, "else the epochs of this test say nothing"


def test_a_job_that_lagged_further_than_epochs_are_kept_is_followed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LaggingKnowledge, "lag_ms", 4 * EPOCHS_KEPT * EPOCH_MS)
    far = live(filled(LaggingKnowledge(8 * EPOCHS_KEPT)))
    once = Taught(filled(Knowledge()), far.taught)
    skew = compare_log(far.log, once, RULES, logged(far.traces))
    assert not skew.is_none, "else the epochs of this test say nothing"
    assert once.back > EPOCHS_KEPT
    assert verify(far) == Skew(compared=len(far.traces), vectors=skew_vectors(far))


def skew_vectors(lived: Lived) -> int:
    return sum(len(one.candidates) for one in lived.traces)


@pytest.mark.parametrize("name", ["session_pace", "touch_age", "item_interest", "slate_price_rank"])
def test_a_planted_change_in_one_feature_is_found_named_and_counted(
    lived: Lived, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change(monkeypatch, name, lambda value: value + 0.5)
    skew = verify(lived)
    columns = [matrix_of(one)[:, FEATURE_INDEX[name]] for one in lived.traces]
    known = sum(int((~np.isnan(column)).sum()) for column in columns)
    assert not skew.is_none
    assert set(skew.features) == {name}
    assert skew.features[name].count == skew.differing == known > 0
    example = skew.features[name].example
    assert example.replayed == pytest.approx((example.logged or 0.0) + 0.5, rel=1e-6)
    trace = next(one for one in lived.traces if one.decision_id == example.decision_id)
    assert example.item_id in {one.item_id for one in trace.candidates}


def test_a_value_that_goes_missing_is_a_difference(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, "item_age", lambda _: np.nan)
    skew = verify(lived)
    assert set(skew.features) == {"item_age"}
    assert skew.features["item_age"].example.replayed is None
    found = skew_json(skew)["features"]["item_age"]["example"]
    assert (found["replayed"], found["decision_id"]) == (
        None,
        skew.features["item_age"].example.decision_id,
    )


def test_another_feature_set_is_counted_apart_and_named(lived: Lived) -> None:
    old = [msgspec.structs.replace(one, feature_set="other") for one in lived.traces[:5]]
    skew = verify(lived, old + lived.traces[5:])
    assert skew.other_sets == {"other": 5}
    assert skew.compared == len(lived.traces) - 5
    assert skew.is_none
    assert not verify(lived, old).is_none, "nothing compared is nothing proved"


def test_a_decision_that_the_log_does_not_give_is_missing(lived: Lived) -> None:
    foreign = msgspec.structs.replace(lived.traces[0], decision_id="f" * 32)
    skew = verify(lived, [*lived.traces, foreign])
    assert (skew.compared, skew.missing, skew.is_none) == (len(lived.traces), 1, False)


def test_a_sample_is_the_same_whatever_the_order(lived: Lived) -> None:
    one, other = logged(lived.traces), logged(lived.traces[::-1])
    one.sample(10)
    other.sample(10)
    ids = sorted(trace.decision_id for trace in lived.traces)[:10]
    assert [found.decision_id for key in ids if (found := one.take(key))] == ids
    assert len(other) == 10
    assert other.take(ids[-1]) is not None
    assert other.take(ids[-1]) is None, "once"


def test_of_a_decision_written_twice_the_newest_counts(lived: Lived) -> None:
    first = lived.traces[0]
    kept = logged([first, msgspec.structs.replace(first, sequence=first.sequence + 1)])
    assert len(kept) == 1
    again = kept.take(first.decision_id)
    assert again is not None
    assert again.sequence == first.sequence + 1


def test_what_a_replay_cannot_see_is_counted_apart(lived: Lived) -> None:
    trace, skew = lived.traces[-1], Skew()
    replace = msgspec.structs.replace
    compare(skew, replace(trace, sequence=trace.sequence + 1), trace, is_late=False)
    compare(skew, trace, trace, is_late=True)
    for other in ({"policy": "x"}, {"catalogue": 1}):
        versions = replace(trace.versions, **other)
        compare(skew, replace(trace, versions=versions), trace, is_late=False)
    assert skew == Skew(reordered=1, late=1, other_knowledge=2)
    fewer = replace(trace, candidates=trace.candidates[::-1])
    compare(skew, fewer, trace, is_late=False)
    assert (skew.other_candidates, skew.compared, skew.is_none) == (1, 1, False)
    example = skew_json(skew)["candidates_example"]
    assert example["decision_id"] == trace.decision_id
    assert example["logged"] != example["replayed"]


def test_an_epoch_that_was_not_yet_in_force_makes_a_decision_late(lived: Lived) -> None:
    last = max(one.epoch for one in lived.taught if isinstance(one, EpochEnd))
    first = lived.traces[0]
    versions = msgspec.structs.replace(first.versions, knowledge=last)
    skew = verify(lived, [msgspec.structs.replace(first, versions=versions), *lived.traces[1:]])
    assert (skew.late, skew.differing, skew.missing) == (1, 0, 0)


def test_bits_are_compared_but_missing_is_missing(lived: Lived) -> None:
    trace = lived.traces[0]
    matrix = np.array(matrix_of(trace))
    matrix[0, :2] = [0.0, np.nan]
    before = msgspec.structs.replace(trace, features=matrix.tobytes())
    matrix[0, 0] = -0.0
    matrix.view("<u4")[0, 1] = 0xFFC00001  # another NaN
    after = msgspec.structs.replace(trace, features=matrix.tobytes())
    skew = Skew()
    compare(skew, before, after, is_late=False)
    assert {name: one.count for name, one in skew.features.items()} == {FEATURE_SPACE.names[0]: 1}


def test_traces_that_were_too_large_say_nothing_of_skew_and_are_counted_apart(lived: Lived) -> None:
    cut = [leave_out(one, LeftOut(max(1, len(one.features)), 1, 0)) for one in lived.traces[:5]]
    skew = verify(lived, [*cut, *lived.traces[5:]])
    assert skew.left_out == 5
    assert skew.compared == len(lived.traces) - 5
    assert skew.is_none


def test_late_items_that_live_could_not_know_say_nothing_of_skew(lived: Lived) -> None:
    trace = next(one for one in lived.traces if len(one.candidates) > 2)
    name = trace.candidates[0].item_id
    matrix = np.array(matrix_of(trace))
    without = msgspec.structs.replace(
        trace, candidates=trace.candidates[1:], features=matrix[1:].tobytes()
    )
    matrix[0, 0] += 1
    other = msgspec.structs.replace(trace, features=matrix.tobytes())
    skew = Skew()
    for logged in (without, other):
        compare(skew, logged, trace, is_late=False, late_items={name})
    assert (skew.other_knowledge, skew.compared) == (2, 0)
    compare(skew, without, trace, is_late=False, late_items={"another"})
    matrix[1, 0] += 1
    more = msgspec.structs.replace(trace, features=matrix.tobytes())
    compare(skew, more, trace, is_late=False, late_items={name})
    assert (skew.other_candidates, skew.differing) == (1, 2)
