"""Training examples of responses to actions: what was known when each was decided, and the click on it.

An exposure is an example once its reward window has passed within the log, so that a click that is still to
come is not taken for none.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from jobs.fold.fold import Fold
from models.response import ResponseExamples
from models.scorer import Matrix
from schemas.events import Event
from schemas.outcomes import Outcome
from schemas.policy import Outcomes
from schemas.records import LogRecord
from schemas.state.outcomes import OutcomeMemory
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.actions.respond import RESPONSE_SPACE, response_row
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.outcomes.deeds import RESPONSES, deed_of
from udfs.outcomes.join import Deeds, Rules, join
from udfs.outcomes.join_lesson import NO_POLICY

REWARD_WINDOW_MS: Final = NO_POLICY.window_ms
"""Where the policy of an exposure's time says no other."""
EXAMPLES_MAX: Final = 500_000
"""Exposures in memory; at the bound the oldest goes."""
MOMENTS_MAX: Final = 32
"""Events of an open session whose moment is kept, because a decision may have been asked for there: the newest.

Which of them asked only the policy of then could tell, and a file of events does not say what that was.
"""

Key = tuple[str, str]
"""A decision and its action: a click that names another one is no click on what was seen."""


class _Exposure(NamedTuple):
    time_ms: int
    row: Matrix
    until_ms: int


class _Moment(NamedTuple):
    person: str
    event_id: str
    row: Matrix


class _Moments:
    """What was known at the newest events of each open session."""

    def __init__(self) -> None:
        self._by_session: dict[str, deque[_Moment]] = {}

    def add(self, person: str, event: Event, row: Matrix) -> None:
        """Keeps the moment after an event; at the bound the oldest goes."""
        mine = self._by_session.setdefault(event.session_id, deque(maxlen=MOMENTS_MAX))
        mine.append(_Moment(person, event.event_id, row))

    def end(self, session_id: str) -> None:
        """Forgets a session that has ended."""
        self._by_session.pop(session_id, None)

    def row_of(self, exposure: Event) -> Matrix:
        """What the exposed decision saw; where it was made at none of these, what its exposure, the last, saw."""
        mine = self._by_session[exposure.session_id]
        placement = exposure.properties.get("placement", "")
        for one in reversed(mine):
            named = identify_decision(one.person, exposure.session_id, one.event_id, placement)
            if named == exposure.decision_id:
                return one.row
        return mine[-1].row


class _Outcomes:
    """What came of each decision, by the join of the learn job (udfs/outcomes/join.py), one decision at a time.

    It takes every response that can be proven: history does not say who asked for what, so here nobody needs to have.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._open: dict[Key, OutcomeMemory] = {}

    def take(self, news: SessionNews) -> tuple[Outcome, ...]:
        """What is known by this news of the decision that it names, and what of before is taken back."""
        deed = deed_of(b"", news, self._knowledge)
        if deed is None or deed.kind not in RESPONSES.values():
            return ()
        key = deed.decision_id, deed.action_id
        memory = self._open.pop(key, None)
        joined = join(memory, Deeds(news.person, news.order_ms, (deed,)), self._rules_at)
        if joined.memory is not None:
            self._open[key] = joined.memory
            if len(self._open) > EXAMPLES_MAX:
                del self._open[next(iter(self._open))]
        return joined.outcomes

    def _rules_at(self, time_ms: int, _session_id: str) -> Rules:
        return Rules("", rules_of(self._knowledge, time_ms), {}, False)


def collect_responses(
    fold: Fold, log: Iterable[LogRecord], knowledge: Knowledge
) -> ResponseExamples:
    """Folds the log, and gives every exposure of an action, in the order of the news.

    What is an exposure of which decision, and whether a click came within its window, outcomes say (udfs/outcomes/): a decision counts once, whatever is repeated.
    Features are those that the decision saw: of the event that asked for it, where that is one of the last
    MOMENTS_MAX of the exposure's session, so that a model is asked about what it was trained on; else of the
    exposure. `fold` holds `knowledge`, and need not decide (FoldRules.decides).
    """
    exposures: dict[Key, _Exposure] = {}
    clicked: Counter[Key] = Counter()
    moments, outcomes = _Moments(), _Outcomes(knowledge)
    newest_ms = refused = 0
    for one in fold.run(log):
        news, event = one.news, one.news.event if one.news else None
        if news is not None and news.kind == "ended":
            moments.end(news.session_id)
        if news is None or event is None or news.kind != "event":
            continue
        newest_ms = max(newest_ms, news.order_ms)
        state = fold.state_of(news)
        if state is None or not fold.teaches(news):
            refused += event.event_type == "decision_exposed"
            continue
        if news.context:
            moments.add(news.person, event, _row(state, news, event, knowledge))
        for outcome in outcomes.take(news):
            key = outcome.decision_id, outcome.action_id
            if outcome.kind == "clicked" and key in exposures:
                clicked[key] += outcome.sign
            elif outcome.kind == "exposed" and outcome.sign > 0 and news.context:
                until_ms = outcome.outcome_ms + reward_window_ms(knowledge, outcome.outcome_ms)
                exposure = _Exposure(outcome.outcome_ms, moments.row_of(event), until_ms)
                exposures.setdefault(key, exposure)
                if len(exposures) > EXAMPLES_MAX:
                    oldest = next(iter(exposures))
                    del exposures[oldest], clicked[oldest]
    whole = {key: one for key, one in exposures.items() if one.until_ms <= newest_ms}
    return _examples(whole, clicked)._replace(refused=refused)


def reward_window_ms(knowledge: Knowledge, time_ms: int) -> int:
    """How long after it was seen a decision waits for its click, by the policy of the time."""
    return rules_of(knowledge, time_ms).window_ms


def rules_of(knowledge: Knowledge, time_ms: int) -> Outcomes:
    """By what outcomes count at a time."""
    policy = knowledge.policy_at(time_ms)
    return NO_POLICY if policy is None else policy.policy.outcomes


def _row(state: PersonState, news: SessionNews, event: Event, knowledge: Knowledge) -> Matrix:
    known = knowledge.at(event.event_time_ms, news.order_ms)
    return response_row(Moment(state, news.visit, event, knowledge, known, news.own_name))


def _examples(exposures: dict[Key, _Exposure], clicked: Counter[Key]) -> ResponseExamples:
    times = [one.time_ms for one in exposures.values()]
    rows = [one.row for one in exposures.values()]
    return ResponseExamples(
        [action_id for _, action_id in exposures],
        np.concatenate([np.empty((0, RESPONSE_SPACE.count), dtype=np.float32), *rows]),
        np.array([clicked[key] > 0 for key in exposures], dtype=np.float32),
        min(times, default=0),
        max(times, default=0),
    )
