"""Training examples of responses to actions: what was known when each was decided, and the click on it.

An exposure is an example once its reward window has passed within the log, so that a click that is still to
come is not taken for none.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from jobs.fold.fold import Fold
from models.response import ResponseExamples
from models.scorer import Matrix
from schemas.events import Event
from schemas.policy import Outcomes
from schemas.proof import is_for_all
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from udfs.actions.respond import RESPONSE_SPACE, response_row
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import named_action
from udfs.moment import Moment

REWARD_WINDOW_MS: Final = Outcomes().window_ms
"""Where the policy of an exposure's time says no other."""
EXAMPLES_MAX: Final = 500_000
"""Exposures in memory; at the bound the oldest goes."""
MOMENTS_MAX: Final = 32
"""Events of an open session whose moment is kept, because a decision may have been asked for there: the newest.

Which of them asked only the policy of then could tell, and a file of events does not say what that was.
"""

Key = tuple[str, str]
"""A decision and its action."""


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


def collect_responses(
    fold: Fold, log: Iterable[LogRecord], knowledge: Knowledge
) -> ResponseExamples:
    """Folds the log, and gives every exposure of an action, in the order of the news.

    An exposure counts once by decision and action; its label is a click within the reward window of its policy, as outcomes have it (udfs/outcomes/).
    Features are those that the decision saw: of the event that asked for it, where that is one of the last
    MOMENTS_MAX of the exposure's session, so that a model is asked about what it was trained on; else of the
    exposure. `fold` holds `knowledge`, and need not decide (FoldRules.decides).
    """
    exposures: dict[Key, _Exposure] = {}
    clicked: set[Key] = set()
    moments = _Moments()
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
        action_id = named_action(event)
        if action_id is None or event.decision_id is None or not is_for_all(event):
            continue
        key, time_ms = (event.decision_id, action_id), event.event_time_ms
        exposure = exposures.get(key)
        if exposure is None and event.event_type == "decision_exposed" and news.context:
            until_ms = time_ms + reward_window_ms(knowledge, time_ms)
            exposures[key] = _Exposure(time_ms, moments.row_of(event), until_ms)
            if len(exposures) > EXAMPLES_MAX:
                oldest = next(iter(exposures))
                del exposures[oldest]
                clicked.discard(oldest)
        elif exposure is not None and event.event_type == "decision_clicked":
            is_in_time = exposure.time_ms <= time_ms <= exposure.until_ms
            clicked.update([key] if is_in_time else [])
    whole = {key: one for key, one in exposures.items() if one.until_ms <= newest_ms}
    return _examples(whole, clicked)._replace(refused=refused)


def reward_window_ms(knowledge: Knowledge, time_ms: int) -> int:
    """How long after it was seen a decision waits for its click, by the policy of the time."""
    policy = knowledge.policy_at(time_ms)
    return REWARD_WINDOW_MS if policy is None else policy.policy.outcomes.window_ms


def _row(state: PersonState, news: SessionNews, event: Event, knowledge: Knowledge) -> Matrix:
    known = knowledge.at(event.event_time_ms, news.order_ms)
    return response_row(Moment(state, news.visit, event, knowledge, known, news.own_name))


def _examples(exposures: dict[Key, _Exposure], clicked: set[Key]) -> ResponseExamples:
    times = [one.time_ms for one in exposures.values()]
    rows = [one.row for one in exposures.values()]
    return ResponseExamples(
        [action_id for _, action_id in exposures],
        np.concatenate([np.empty((0, RESPONSE_SPACE.count), dtype=np.float32), *rows]),
        np.array([key in clicked for key in exposures], dtype=np.float32),
        min(times, default=0),
        max(times, default=0),
    )
