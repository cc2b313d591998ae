"""The fold without waiting: what is decided on an event is there before the next one is taken."""

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from udfs.knowledge.knowledge import Knowledge


class PromptFold(Fold):
    """For a log in order of time in which no two records have the same time, so that nothing can come that belongs before.

    It decides as the fold does, which waits for what may be late (`tests/jobs/fold/test_prompt_fold.py`).
    """

    def __init__(
        self, knowledge: Knowledge, rules: FoldRules, learner: Learner | None = None
    ) -> None:
        super().__init__(knowledge, rules, learner)
        self._delay_ms = 0
