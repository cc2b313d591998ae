"""The fold with a second policy beside the one in force: each decision of the log, and what the other would have made of the same moment."""

from typing import Final, NamedTuple

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.decisions import Decision
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from udfs.decide import decide
from udfs.explain.tracing import Weighed
from udfs.facts.consent import agreed
from udfs.knowledge.knowledge import Knowledge
from udfs.outcomes.deeds import segments_of
from udfs.policy.compiled_policy import CompiledPolicy
from udfs.results import PersonResult

NEW: Final = "new"
"""The version that decisions of the second policy name; they are written nowhere."""


class Beside(NamedTuple):
    """A decision of the policy in force (None: it made none there), and of the second one at the same moment, in the same state and by the same draw.

    `is_heard`: whether its person agrees that outcomes are counted; of others nothing would ever be told.
    """

    placement: str
    person: str
    segments: tuple[str, ...]
    is_heard: bool
    logged: Decision | None
    weighed: Weighed | None
    other: Decision | None
    other_weighed: Weighed | None


class EvaluatingFold(Fold):
    """The fold by the policies in force; whatever is decided from `from_ms` on lies in `compared` until it is taken.

    The second policy decides on a copy of the state, so it changes nothing: what people were offered, and contacts that count, are those of the log.
    """

    def __init__(
        self, knowledge: Knowledge, rules: FoldRules, policy: CompiledPolicy, from_ms: int = 0
    ) -> None:
        super().__init__(knowledge, rules, Learner())
        self._new = knowledge.under(NEW, policy)
        self._policy, self._from_ms = policy, from_ms
        self.compared: list[Beside] = []

    def decide(self, state: PersonState | None, news: SessionNews) -> PersonResult:
        """One piece of news by the policy in force, and by the other beside it."""
        event = news.event
        if event is None or event.event_time_ms < self._from_ms or not self._may_ask(news):
            return super().decide(state, news)
        copied = PERSON_STATE.decode(PERSON_STATE.encode(state)) if state is not None else None
        other, other_weighed = self._made(copied, news, self._new)
        result, weighed = self._made(state, news, self._knowledge)
        logged = {one.placement: one for one, _ in result.decisions}
        others = {one.placement: one for one, _ in other.decisions}
        if logged or others:
            kept = result.state
            is_heard = kept is not None and agreed(kept.consent, self._knowledge.assumed).is_counted
            segments = segments_of(event, news)
            self.compared += [
                Beside(
                    placement, news.person, segments, is_heard,
                    logged.get(placement), _of(logged, placement, weighed),
                    others.get(placement), _of(others, placement, other_weighed),
                )
                for placement in {**logged, **others}
            ]  # fmt: skip
        return result

    def _may_ask(self, news: SessionNews) -> bool:
        event = news.event
        if event is None or not self._rules.decides(event):
            return False
        in_force = self._knowledge.policy_at(event.event_time_ms)
        both = [one for one in (in_force, self._policy) if one is not None]
        return any(one.may_be_asked_by(event, news.own_name) for one in both)

    def _made(
        self, state: PersonState | None, news: SessionNews, knowledge: Knowledge
    ) -> tuple[PersonResult, dict[str, Weighed]]:
        told: list[Weighed] = []
        tracing = self._rules.tracing._replace(tell=told.append)
        result = decide(state, news, knowledge, self._rules.seed, tracing=tracing)
        return result, {one.decision_id: one for one in told}


def _of(made: dict[str, Decision], placement: str, weighed: dict[str, Weighed]) -> Weighed | None:
    decision = made.get(placement)
    return None if decision is None else weighed.get(decision.decision_id)
