"""`verify skew`: no difference where there is none, and every planted one found, named and counted."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from jobs.audit.logged import Scope
from jobs.audit.skew import Skew, skew_of
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import DEAD_LETTER, DECISION, EVENT, TRACE
from schemas.decisions import DecisionTrace, LeftOut
from schemas.errors import ConfigError
from schemas.knowledge import KnowledgeRecord
from schemas.limits import EPOCH_MS, EPOCHS_KEPT
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, KNOWLEDGE, TRACES
from scripts.audit.skew_view import show_skew, skew_json
from scripts.audit.verify import Audit, scope_of, verify
from tests.jobs.live_job import SEED, LiveJob, Range, Topics, encoded
from tests.logs import shopping_log
from tests.scripts.audit.copies import Copy, edited
from udfs.explain.fit_records import leave_out
from udfs.explain.vectors import matrix_of
from udfs.facts import features
from udfs.facts.fact import Column
from udfs.facts.features import FEATURE_SPACE
from udfs.facts.view import View
from udfs.knowledge.knowledge import Knowledge, Known

RULES = FoldRules(EVENT.decode, SEED)
EVENTS_MADE = 160
LAG_MS = EPOCHS_KEPT * EPOCH_MS // 2
replace = msgspec.structs.replace


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


class LaggingJob(LiveJob):
    """Decides in the order of time, by what this knowledge has of the epochs."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._seen = knowledge
        super().__init__(shopping_log(EVENTS_MADE, hours=0.15), 0)

    def _publish(self) -> None:
        self._knowledge = self._seen
        super()._publish()

    def _run(self, arriving: list[LogRecord]) -> None:
        learner = Recorded()
        for one in Fold(self._knowledge, RULES, learner).run(Range(arriving)):
            for decision, trace in one.decisions:
                time_ms = decision.event_time_ms
                self._write(DECISIONS, time_ms, decision.person, DECISION.encode(decision))
                self._write(TRACES, time_ms, decision.decision_id, TRACE.encode(trace))
            for letter in one.dead_letters:
                self._write(DEAD_LETTERS, 0, "", DEAD_LETTER.encode(letter), 0)
        for record in learner.records:
            self._write(KNOWLEDGE, record.effective_from_ms, "", encoded(record), 0)


@pytest.fixture(scope="module")
def lived() -> Topics:
    return LaggingJob(LaggingKnowledge()).topics


@pytest.fixture(scope="module")
def traces(lived: Topics) -> list[DecisionTrace]:
    return traces_of(lived)


def traces_of(lived: Topics) -> list[DecisionTrace]:
    return [TRACE.decode(one.value) for one in lived[TRACES]]


def audit(lived: Topics, /, limit: int | None = None, **changed: list[LogRecord]) -> Audit:
    return verify(Copy(lived | changed), Scope(), limit)


def all_of(traces: list[DecisionTrace]) -> Skew:
    """What is found where nothing differs."""
    return Skew(len(traces), sum(len(one.candidates) for one in traces))


def first(lived: Topics, count: int, edit: Callable[[Any], dict[str, Any]]) -> list[LogRecord]:
    """The traces, with the first ones edited."""
    return edited(lived[TRACES][:count], TRACE, edit) + lived[TRACES][count:]


def change(monkeypatch: pytest.MonkeyPatch, name: str, by: Callable[[Column], Column]) -> None:
    """Plants a change in the code of one feature."""
    real = features.COLUMNS[name]

    def changed(view: View) -> Column:
        return by(real(view))

    monkeypatch.setitem(features.COLUMNS, name, changed)


def test_what_the_job_logged_is_computed_again_bit_by_bit(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    found = audit(lived)
    assert (found.is_whole, found.skew.is_none) == (True, True)
    assert found.skew == all_of(traces)
    assert len(traces) > 40
    assert len({one.versions.knowledge for one in traces}) > 20


def test_a_job_behind_in_knowledge_is_followed_only_by_the_epochs_that_it_names(
    traces: list[DecisionTrace],
) -> None:
    newest = {one.decision_id: one for one in traces_of(LaggingJob(Knowledge()).topics)}
    skew = Skew()
    for trace in traces:
        skew.add(skew_of(trace, newest[trace.decision_id], trace.versions.knowledge))
    assert skew.differing or skew.other_candidates, "else the epochs of this test say nothing"


def test_a_job_that_lagged_further_than_epochs_are_kept_is_followed_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LaggingKnowledge, "lag_ms", 4 * EPOCHS_KEPT * EPOCH_MS)
    far = LaggingJob(LaggingKnowledge(8 * EPOCHS_KEPT)).topics
    assert audit(far).skew == all_of(traces_of(far))
    assert capsys.readouterr().err.count("once more, keeping so many") == 1


def test_knowledge_of_later_than_its_time_is_seen_where_a_decision_names_it() -> None:
    live = LiveJob(shopping_log(160, hours=0.2), 300).topics
    found = audit(live)
    assert found.knowledge_ahead > 0
    assert found.skew == all_of(traces_of(live))


def test_planted_changes_in_two_features_are_found_named_and_counted(
    lived: Topics, traces: list[DecisionTrace], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("touch_age", "slate_price_rank")
    for name in names:
        change(monkeypatch, name, lambda value: value + 0.5)
    skew = audit(lived).skew
    known = [
        ~np.isnan(matrix_of(one)[:, [FEATURE_SPACE.places[name] for name in names]])
        for one in traces
    ]
    counts = sum(one.sum(axis=0) for one in known)
    assert not skew.is_none
    assert [skew.features[name].count for name in names] == list(counts)
    assert skew.features.keys() == set(names)
    assert skew.differing == sum(int(one.any(axis=1).sum()) for one in known) > 0
    example = skew.features[names[0]].example
    assert example.replayed == pytest.approx((example.logged or 0.0) + 0.5, rel=1e-6)
    trace = next(one for one in traces if one.decision_id == example.decision_id)
    assert example.item_id in {one.item_id for one in trace.candidates}


def test_a_value_that_goes_missing_is_a_difference_and_is_shown(
    traces: list[DecisionTrace], capsys: pytest.CaptureFixture[str]
) -> None:
    trace = next(one for one in traces if one.candidates)
    matrix = np.array(matrix_of(trace))
    matrix[0, 7] = 0.25
    before = replace(trace, features=matrix.tobytes())
    matrix[0, 7] = np.nan
    after = replace(trace, features=matrix.tobytes())
    skew = skew_of(before, after, trace.versions.knowledge)
    name = FEATURE_SPACE.names[7]
    assert skew_json(skew)["features"] == {
        name: {
            "count": 1,
            "example": {
                "decision_id": trace.decision_id,
                "item_id": trace.candidates[0].item_id,
                "logged": 0.25,
                "replayed": None,
            },
        }
    }
    show_skew(skew)
    said = capsys.readouterr().out
    assert "1 differ;" in said
    assert name in said
    assert "missing" in said


def test_what_cannot_be_compared_is_counted_apart(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    def other(one: DecisionTrace) -> dict[str, Any]:
        if one.decision_id in {trace.decision_id for trace in traces[:3]}:
            return {"feature_set": "other"}
        return msgspec.structs.asdict(leave_out(one, LeftOut(max(1, len(one.features)), 1, 0)))

    skew = audit(lived, traces=first(lived, 5, other)).skew
    assert (skew.other_sets, skew.left_out, skew.compared) == ({"other": 3}, 2, len(traces) - 5)
    assert skew.is_none
    assert not Skew(other_sets={"other": 5}, left_out=2).is_none, "nothing compared proves nothing"


def test_a_decision_that_the_log_does_not_give_is_missing(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    record = lived[TRACES][0]
    foreign = TRACE.encode(replace(traces[0], decision_id="f" * 32))
    more = record._replace(key="f" * 32, value=foreign, offset=10_000)
    gone = [one for one in lived[EVENTS] if traces[-1].event_id.encode() not in one.value]
    skew = audit(lived, traces=[*lived[TRACES], more]).skew
    assert (skew.compared, skew.missing, skew.is_none) == (len(traces), 1, False)
    assert audit(lived, events=gone).skew.missing == 1


def test_of_a_decision_written_twice_the_newest_counts(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    newer = TRACE.encode(replace(traces[0], sequence=traces[0].sequence + 1))
    again = lived[TRACES][0]._replace(value=newer, offset=10_000)
    skew = audit(lived, traces=[*lived[TRACES], again]).skew
    assert (skew.reordered, skew.compared) == (1, len(traces) - 1)


def test_a_sample_is_of_the_least_ids_whatever_the_order_and_of_what_can_be_compared(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    ids = sorted(one.decision_id for one in traces)
    old = edited(
        lived[TRACES], TRACE, lambda one: {"feature_set": "x"} if one.decision_id == ids[0] else {}
    )
    skew = audit(lived, limit=10, traces=old[::-1]).skew
    assert (skew.compared, skew.other_sets, skew.is_none) == (10, {}, True)
    mine = [one for one in traces if one.decision_id in ids[1:11]]
    assert skew == all_of(mine)
    assert audit(lived, limit=10_000, traces=old).skew.other_sets == {"x": 1}


def test_times_that_hold_nothing_are_refused(lived: Topics) -> None:
    with pytest.raises(ConfigError, match="nothing lies between"):
        scope_of(2, 2)
    with pytest.raises(ConfigError, match="no decision of this time"):
        verify(Copy(lived), scope_of(1, 2), 5)


def test_knowledge_that_is_not_in_the_log_says_nothing_of_skew(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    mine = traces[len(traces) // 2].decision_id

    def later(one: Any) -> dict[str, Any]:
        if one.decision_id != mine:
            return {}
        return {"versions": replace(one.versions, knowledge=one.versions.knowledge + 10_000)}

    found = audit(
        lived,
        decisions=edited(lived[DECISIONS], DECISION, later),
        traces=edited(lived[TRACES], TRACE, later),
    )
    assert found.differing == {"unknown_epoch": 1}
    assert (found.skew.late, found.skew.compared) == (1, len(traces) - 1)
    assert found.skew.is_none


def test_one_decision_says_why_it_cannot_be_compared(traces: list[DecisionTrace]) -> None:
    trace, skew = traces[-1], Skew()
    epoch = trace.versions.knowledge
    skew.add(skew_of(replace(trace, sequence=trace.sequence + 1), trace, epoch))
    skew.add(skew_of(trace, trace, epoch - 1))
    for other in ({"policy": "x"}, {"catalogue": 1}):
        versions = replace(trace.versions, **other)
        skew.add(skew_of(replace(trace, versions=versions), trace, epoch))
    assert skew == Skew(reordered=1, late=1, other_knowledge=2)
    skew.add(skew_of(replace(trace, candidates=trace.candidates[::-1]), trace, epoch))
    assert (skew.other_candidates, skew.compared, skew.is_none) == (1, 1, False)
    example = skew_json(skew)["candidates_example"]
    assert example["decision_id"] == trace.decision_id
    assert example["logged"] != example["replayed"]


def test_bits_are_compared_but_missing_is_missing(traces: list[DecisionTrace]) -> None:
    trace = next(one for one in traces if one.candidates)
    matrix = np.array(matrix_of(trace))
    matrix[0, :2] = [0.0, np.nan]
    before = replace(trace, features=matrix.tobytes())
    matrix[0, 0] = -0.0
    matrix.view("<u4")[0, 1] = 0xFFC00001  # another NaN
    after = replace(trace, features=matrix.tobytes())
    skew = skew_of(before, after, trace.versions.knowledge)
    assert {name: one.count for name, one in skew.features.items()} == {FEATURE_SPACE.names[0]: 1}


def test_features_that_are_no_vectors_are_a_difference(
    lived: Topics, traces: list[DecisionTrace]
) -> None:
    found = audit(lived, traces=first(lived, 1, lambda one: {"features": one.features[:-3]}))
    assert (found.skew.other_candidates, found.skew.is_none) == (1, False)
    assert found.skew.compared == len(traces)
    assert found.unexplained == 1
