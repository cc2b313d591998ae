"""Training examples by the fold: the vectors the operator computed, joined to what came next.

The log is read twice: first to find which events ask for a decision and what the person took after
it, then folded, with decisions only where one of them is sampled. Features are those of the
decision's own moment, so they lie strictly before the answer.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning.answers import Answer, Joiner, Question, Sample
from jobs.learning.vectors_on_the_way import VectorsOnTheWay
from jobs.learning.weighing import UNASKED, Looking, Weighing
from models.learning.examination import Weighed
from models.learning.example_file import ExampleWriter
from models.vectors import VectorTable
from schemas.decisions import DecisionTrace
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.knowledge import KnowledgeRecord
from schemas.limits import SECOND_MS
from schemas.records import LogRecord
from udfs.actions.asked_decisions import asks_for
from udfs.explain.tracing import WHOLE
from udfs.explain.vectors import matrix_of
from udfs.knowledge.knowledge import Knowledge
from udfs.session.give_meaning import give_meaning


class AnsweredDecisions:
    """Writes decisions with their answers as examples, and counts both.

    A decision whose answer was none of its candidates is made, but is no example.
    """

    def __init__(self, writer: ExampleWriter) -> None:
        self._writer = writer
        self._newest_ms = 0
        self.decisions = 0
        self.taken: list[tuple[str, str]] = []
        """Of each example its decision and the item that is its answer."""

    @property
    def examples(self) -> int:
        """How many were written."""
        return len(self.taken)

    def add(self, trace: DecisionTrace, answer: Answer) -> None:
        """Writes the decision, unless the answer is not among its candidates."""
        self.decisions += 1
        positive = place_of(trace, answer.item_id)
        if positive is None:
            return
        self.taken.append((trace.decision_id, answer.item_id))
        self._newest_ms = max(self._newest_ms, trace.event_time_ms)
        self._writer.add(
            self._newest_ms, trace.session_id, trace.decision_id, matrix_of(trace), positive
        )


def place_of(trace: DecisionTrace, item_id: str) -> int | None:
    """Where the item is among the candidates; None if it is none of them."""
    for place, candidate in enumerate(trace.candidates):
        if candidate.item_id == item_id:
            return place
    return None


def decoded(
    log: Iterable[LogRecord], decode: Callable[[bytes], Event]
) -> Iterator[tuple[LogRecord, Event]]:
    """The records that are events; the fold makes dead letters of the others."""
    for record in log:
        try:
            yield record, decode(record.value)
        except InvalidEvent:
            continue


def answers_to(event: Event, joiner: Joiner, knowledge: Knowledge) -> list[Answer]:
    """The answers that an event of the log gives, by what it counts as; none where the policy does not take it."""
    try:
        meant = give_meaning(event, knowledge)
    except InvalidEvent:
        return []
    return joiner.take(meant.event, meant.own_name)


class Collected(NamedTuple):
    """What was seen on the way: `answered` decisions could be learnt from, `decisions` were made,
    `examples` had the answer among their candidates. Times are those of the records. `erased` events were of who was erased since, `refused`
    decisions were made and are of people who do not agree that others learn from them. `weighed`: what the examples count; `vectors`: of items, by all sessions.
    """

    events: int
    answered: int
    decisions: int
    examples: int
    from_ms: int
    to_ms: int
    erased: int = 0
    refused: int = 0
    weighed: Weighed | None = None
    vectors: VectorTable | None = None


def collect(
    log: Iterable[LogRecord],
    knowledge: Knowledge,
    rules: FoldRules,
    taught: Iterable[KnowledgeRecord] | None,
    writer: ExampleWriter,
    placement: str | None = None,
    looking: Looking = UNASKED,
) -> Collected:
    """Folds the log and writes its examples, of all placements or of one; `log` is read twice, and each time from its start.

    `taught` are the records of the topic `knowledge` in their order; None: the fold itself learns.
    """
    sample = Sample(rules.seed)
    joiner = Joiner(
        Question(lambda event, own_name: is_asking(event, own_name, knowledge, placement))
    )
    events = from_ms = to_ms = refused = 0
    for record, event in decoded(log, rules.decode):
        events += 1
        from_ms = min(from_ms or record.timestamp_ms, record.timestamp_ms)
        to_ms = max(to_ms, record.timestamp_ms)
        for answer in answers_to(event, joiner, knowledge):
            sample.add(answer)
    wanted = sample.chosen()
    file = AnsweredDecisions(writer)
    only = rules._replace(
        decides=lambda event: (event.session_id, event.event_id) in wanted, tracing=WHOLE
    )
    if taught is not None:
        log = _teach(log, knowledge, taught, rules.lateness_ms)
    fold = Fold(knowledge, only, Learner() if taught is None else None)
    weighing, on_the_way = Weighing(knowledge, rules.seed, looking), VectorsOnTheWay(knowledge)
    for one in fold.run(log):
        weighing.see(one, fold)
        on_the_way.take(one, fold)
        for decision, trace in one.decisions:
            if placement not in (None, decision.placement):
                continue
            if not fold.teaches(one.news):
                refused += 1
            elif not decision.is_holdout:  # its features are nobody's
                file.add(trace, wanted[trace.session_id, trace.event_id])
    return Collected(
        events, sample.offered, file.decisions, file.examples, from_ms, to_ms, fold.erased, refused,
        weighing.weigh(file.taken), on_the_way.finish(to_ms),
    )  # fmt: skip


def _teach(
    log: Iterable[LogRecord],
    knowledge: Knowledge,
    taught: Iterable[KnowledgeRecord],
    lateness_ms: int,
) -> Iterator[LogRecord]:
    """The log; before each record, what was taught by its time. Persons are behind it by lateness."""
    waiting = iter(taught)
    following = next(waiting, None)
    for record in log:
        while following is not None and following.effective_from_ms <= record.timestamp_ms:
            if knowledge.learn(following):
                # older epochs than any person still asks for need not all be kept
                behind_ms = record.timestamp_ms - lateness_ms - SECOND_MS
                knowledge.advance(min(following.effective_from_ms, behind_ms))
            following = next(waiting, None)
        yield record


def is_asking(
    event: Event, own_name: str, knowledge: Knowledge, placement: str | None = None
) -> bool:
    """Whether a placement of the policy in force, any or this one, asks for a decision at this event."""
    policy = knowledge.at(event.event_time_ms).policy
    return policy is not None and any(
        asks_for(event, one.placement, own_name)
        for one in policy.placements
        if placement in (None, one.placement.name)
    )
