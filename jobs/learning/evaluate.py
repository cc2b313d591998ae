"""Evaluation: one pass over a log in order of time, which trains at one moment and tests after it.

Sessions that begin before that moment train, the later ones test; the statistics go on being
updated by all of them. Every decision of a test session that was answered is scored.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning.answers import REQUESTED, Answer
from jobs.learning.baselines import baselines_of
from jobs.learning.evaluation_split import VIEWED, Setting, Split
from jobs.learning.examples import AnsweredDecisions
from jobs.learning.vectors_on_the_way import VectorsOnTheWay
from jobs.learning.weighing import Weighing
from models.evaluation import Outcome, Ranks, ranked
from models.learning.calibration import expected_calibration_error
from models.learning.examination import Examination, Weighed
from models.learning.example_file import ExampleWriter
from models.list_figures import Looks
from models.scorer import Scorer
from models.vectors import VectorTable
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from schemas.limits import SECOND_MS, SLATE_MAX
from schemas.policy import RECOMMEND_ITEMS, Placement
from schemas.records import LogRecord
from udfs.explain.vectors import matrix_of
from udfs.facts.features import FEATURE_SPACE, columns_of
from udfs.items.choose_slate import Kind, kind_of, likeness
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

POLICY_VERSION: Final = "evaluation"


class Evaluated(NamedTuple):
    """The scored decisions in order of time, and the same for each baseline.

    `ms` is the time from when a decision is asked for to when it is made (retrieval, every feature,
    scores, reasons); `found` are the decisions whose truth was among the candidates. `ece` is the expected
    calibration error of the candidates' propensities, None where the model has none. `refused` decisions are of people who do not
    agree that others learn from them. `by_score`: the same decisions, were their lists by score alone; None where that is what they are.
    `examination` is what training knew of places.
    """

    outcomes: list[Outcome]
    ranks: Ranks
    baselines: dict[str, Ranks]
    ms: list[float]
    candidates: int
    found: int
    decisions_to_learn: int
    examples: int
    train_seconds: float
    is_cold_start: bool
    version: str
    ece: float | None
    refused: int = 0
    by_score: Ranks | None = None
    examination: Examination | None = None


Learn = Callable[[Path, Weighed | None, VectorTable | None], Scorer | None]
"""Trains on a file of examples: what each of them counts, and the vectors of items of then; None where there is nothing to learn."""


def evaluate(
    log: Iterable[LogRecord],
    knowledge: Knowledge,
    setting: Setting,
    split: Split,
    examples: Path,
    learn: Learn,
) -> Evaluated:
    """Folds the log that was split. `examples` is a file to write; `knowledge` may hold a catalogue.

    Without lateness: a log in order of time holds nothing late.
    """
    policy = setting.policy(_placement(setting))
    knowledge.add_policy(POLICY_VERSION, 0, 0, compile_policy(policy))
    with ExitStack() as stack:
        writer = stack.enter_context(ExampleWriter(examples, FEATURE_SPACE))
        file = AnsweredDecisions(writer)
        run = _Run(setting, split, file, knowledge)
        on_the_way = VectorsOnTheWay(knowledge)
        shares = {} if setting.own is None else {setting.own.name: setting.own.shuffle}
        weighing = Weighing(knowledge, setting.seed, setting.looking, shares)

        def train() -> None:
            stack.close()  # the file is whole
            vectors = on_the_way.finish(setting.train_before_ms)
            if file.examples:
                weighed = weighing.weigh(file.taken)
                run.train(knowledge, lambda: learn(examples, weighed, vectors), weighed)

        rules = FoldRules(event_from_json, setting.seed, lateness_ms=0, decides=run.decides)
        fold = Fold(knowledge, rules, Learner())
        for one in fold.run(_paused(log, setting, train)):
            on_the_way.take(one, fold)
            weighing.see(one, fold)
            for decision, trace in one.decisions:
                if fold.teaches(one.news):
                    run.take(decision, trace)
                else:
                    run.pass_over(trace)
    return run.result()


def _placement(setting: Setting) -> Placement:
    """The whole list of a rerank, else the k best; whatever was seen before stays in.

    Of a policy's own placement items are ranked wherever it is asked for: without its condition and its other actions, in no random order.
    """
    own = setting.own
    if own is not None:
        size = SLATE_MAX if REQUESTED in own.event_types else setting.k
        return msgspec.structs.replace(
            own,
            size=size,
            suppress=False,
            when=None,
            actions=(RECOMMEND_ITEMS,),
            fallback=None,
            shuffle=0.0,
        )
    if setting.placement == "rerank":
        return Placement("rerank", (REQUESTED,), size=SLATE_MAX, suppress=False)
    return Placement(setting.placement, (VIEWED,), size=setting.k, suppress=False)


def _paused(
    log: Iterable[LogRecord], setting: Setting, train: Callable[[], None]
) -> Iterator[LogRecord]:
    """The log, with training between the last event before the split and the first one after it."""
    split_ms = setting.train_before_ms
    is_trained = False
    for record in log:
        if record.timestamp_ms >= split_ms and not is_trained:
            yield _tick(split_ms)
            train()
            is_trained = True
        yield record


def _tick(split_ms: int) -> LogRecord:
    """Time itself: the fold then has told the persons all that was before the split."""
    tick = {
        "event_id": "split", "event_type": "clock_ticked", "event_time_ms": split_ms,
        "session_id": "split", "anonymous_id": "split",
    }  # fmt: skip
    # the watermark is a second behind the newest timestamp
    return LogRecord("split", 0, 0, split_ms - 1 + SECOND_MS, "split", msgspec.json.encode(tick))


class _Run:
    """Writes examples up to the split, then keeps the ranks of every test decision."""

    def __init__(
        self, setting: Setting, split: Split, file: AnsweredDecisions, knowledge: Knowledge
    ) -> None:
        self._setting, self._split, self._file = setting, split, file
        self._waiting = dict(split.test)
        self._asked_s = self._train_seconds = 0.0
        self._is_cold_start = True
        self._version = ""
        self._scorer: Scorer | None = None
        self._examination: Examination | None = None
        self._chances: list[NDArray[np.float32]] = []
        self._taken: list[NDArray[np.float32]] = []
        self._scorers = baselines_of(setting)
        self._outcomes: list[Outcome] = []
        looks = Looks(split.item_counts, lambda one: kind_in(knowledge, one, split.to_ms), likeness)
        self._ranks = Ranks(setting.k, looks)
        self._by_score = Ranks(setting.k, looks) if is_balanced(setting.own) else None
        self._baselines = {name: Ranks(setting.k, looks) for name in self._scorers}
        self._ms: list[float] = []
        self._candidates = self._found = self._refused = 0

    def decides(self, event: Event) -> bool:
        """Whether the decision that this event asks for is wanted; its time runs from here."""
        key = event.session_id, event.event_id
        self._asked_s = perf_counter()  # measured; decides nothing
        return key in self._waiting or key in self._split.train

    def train(
        self, knowledge: Knowledge, learn: Callable[[], Scorer | None], weighed: Weighed | None
    ) -> None:
        """Learns, and puts the model in force at the split."""
        started_s = perf_counter()
        scorer = learn()
        self._examination = weighed.examination if weighed is not None else None
        self._train_seconds = perf_counter() - started_s
        self._is_cold_start = scorer is None
        self._scorer = scorer
        if scorer is not None:
            knowledge.add_model(scorer.version, self._setting.train_before_ms, 0, scorer)

    def take(self, decision: Decision, trace: DecisionTrace) -> None:
        """Learns from the decision, or scores it."""
        ms = (perf_counter() - self._asked_s) * 1000
        key = trace.session_id, trace.event_id
        if key in self._split.train:
            self._file.add(trace, self._split.train[key])
            return
        self._ms.append(ms)
        self._version = trace.versions.model
        self._score(decision, trace, self._waiting.pop(key))

    def pass_over(self, trace: DecisionTrace) -> None:
        """Of a person who does not agree to it nothing is learnt, and nothing counts, as 0 neither."""
        self._refused += 1
        self._waiting.pop((trace.session_id, trace.event_id), None)

    def result(self) -> Evaluated:
        """All figures. What the engine refused to decide (a session too long, say) counts as 0."""
        for answer in self._waiting.values():
            self._add(answer, [], [], {name: [] for name in self._scorers})
        self._waiting.clear()
        return Evaluated(
            self._outcomes, self._ranks, self._baselines, self._ms, self._candidates, self._found,
            self._file.decisions, self._file.examples, self._train_seconds, self._is_cold_start,
            self._version, self._ece(), self._refused, self._by_score, self._examination,
        )  # fmt: skip

    def _ece(self) -> float | None:
        if not self._chances:
            return None
        chances, taken = np.concatenate(self._chances), np.concatenate(self._taken)
        return expected_calibration_error(chances.astype(np.float64), taken)

    def _score(self, decision: Decision, trace: DecisionTrace, answer: Answer) -> None:
        items = [one.item_id for one in trace.candidates]
        self._candidates += len(items)
        self._found += answer.item_id in items
        features = matrix_of(trace)
        lists = {
            name: [items[at] for at in ranked(scorer.score(columns_of(features, scorer.names)))]
            for name, scorer in self._scorers.items()
        }
        self._keep_chances(trace, [item_id == answer.item_id for item_id in items])
        scores = np.array([one.score for one in trace.candidates], dtype=np.float32)
        by_score = [items[at] for at in ranked(scores)]
        self._add(answer, whole_list(decision, trace), by_score, lists)

    def _keep_chances(self, trace: DecisionTrace, is_taken: list[bool]) -> None:
        scores = np.array([one.score for one in trace.candidates], dtype=np.float32)
        chances = self._scorer.propensity(scores) if self._scorer is not None else None
        if chances is not None:
            self._chances.append(chances.astype(np.float32))
            self._taken.append(np.array(is_taken, dtype=np.float32))

    def _add(
        self, answer: Answer, best: list[str], by_score: list[str], lists: dict[str, list[str]]
    ) -> None:
        session_id, event_id, _, item_id, _ = answer
        rank, k = rank_of(item_id, best), self._setting.k
        self._outcomes.append(Outcome(session_id, event_id, item_id, rank))
        self._ranks.add(session_id, rank, best[:k])
        if self._by_score is not None:
            self._by_score.add(session_id, rank_of(item_id, by_score), by_score[:k])
        for name, items in lists.items():
            self._baselines[name].add(session_id, rank_of(item_id, items), items[:k])


def is_balanced(own: Placement | None) -> bool:
    """Whether more than scores orders the lists of a placement."""
    return own is not None and any((own.diversity, own.novelty, own.coverage, own.steadiness))


def kind_in(knowledge: Knowledge, item_id: str, time_ms: int) -> Kind:
    """What kind an item is of, as the catalogue of that time and the newest knowledge have it."""
    item, statistics = knowledge.item_at(item_id, time_ms), knowledge.statistics
    learnt = statistics.item(item_id, statistics.epoch)
    return kind_of(Retrieved(item_id, "", item, learnt))


def whole_list(decision: Decision, trace: DecisionTrace) -> list[str]:
    """Every candidate: those that are shown in their order, then the others by score."""
    shown = [one.item_id for one in decision.items]
    is_shown = set(shown)
    scores = np.array([one.score for one in trace.candidates], dtype=np.float32)
    rest = [trace.candidates[at].item_id for at in ranked(scores)]
    return shown + [item_id for item_id in rest if item_id not in is_shown]


def rank_of(item_id: str, items: list[str]) -> int:
    """The item's place from 1; 0 if it is not in the list."""
    return items.index(item_id) + 1 if item_id in items else 0
