"""What speaks against putting a model in force: `publish` refuses it then, unless it is forced."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from jobs.config import Config
from jobs.learning.artefact_check import artefacts_of
from models.artefact import Artefact, artefact_from
from models.content import Published
from models.learning.report import Report
from schemas.counted import counted
from schemas.errors import CheckFailed
from udfs.facts.features import FEATURE_SPACE

if TYPE_CHECKING:  # the console, too, asks here, and fits no models
    from scripts.training.response_training import ActionReport

DECISIONS_MIN: Final = 200
"""Of fewer some ten are held out, which tell nothing of the next ones."""
FIGURE: Final = "mrr"
"""What a model and the simple orders are compared by."""


class ModelRefused(CheckFailed):
    """A model that nothing says is any good, with all that speaks against it."""

    def __init__(self, version: str, doubts: Sequence[str]) -> None:
        self.doubts = tuple(doubts)
        super().__init__(
            f"model {version} is not put in force: {in_words(doubts)}. "
            f"`kairos model publish {version} --force` puts it there all the same"
        )


def check(version: str, doubts: Sequence[str], *, is_forced: bool) -> None:
    """Raises ModelRefused where something speaks against the model and nobody forces it."""
    if doubts and not is_forced:
        raise ModelRefused(version, doubts)


def in_words(doubts: Sequence[str]) -> str:
    """All of them in one sentence, without its end."""
    return "; ".join(doubts)


def doubts_of(published: Published, config: Config) -> list[str]:
    """What speaks against a ranker that `find_artefact` found; raises ConfigError where it cannot be read."""
    data = artefacts_of(config).read(published.uri)
    return doubts_in(artefact_from(published, data, FEATURE_SPACE))


def doubts_in(artefact: Artefact) -> list[str]:
    """What speaks against a ranker, in the words of its own artefact."""
    return ranker_doubts(artefact.examples, artefact.metrics, artefact.report)


def ranker_doubts(examples: int, metrics: Mapping[str, float], report: Report) -> list[str]:
    """What speaks against a ranker that learnt from so many decisions; `metrics` are of held-out ones."""
    found = []
    if examples < DECISIONS_MIN:
        learnt = counted(examples, "decision")
        found.append(f"it learnt from {learnt}, and at least {DECISIONS_MIN} are wanted")
    if not any(report.importance.values()):
        found.append("its scores are constant: no column tells items apart")
    elif FIGURE not in metrics:
        found.append("no decision was held out, so nothing says that it ranks better than chance")
    else:
        found += _not_better(metrics[FIGURE], report)
    return found


def response_doubts(actions: "Sequence[ActionReport]") -> list[str]:
    """What speaks against a model of responses: that it knows of no action more than how often it is clicked."""
    held_out = [one.held_out for one in actions if one.held_out is not None]
    if any(one.log_loss < one.log_loss_of_rate for one in held_out):
        return []
    if not held_out:
        return ["too few exposures were held out to say whether it knows more than constant rates"]
    return ["of no action does it foretell held-out clicks better than a constant rate"]


def _not_better(mrr: float, report: Report) -> list[str]:
    """The simple order that is as good on the same decisions, if one is."""
    orders = {name: found.get(FIGURE, 0.0) for name, found in report.baselines.items()}
    best = max(orders, key=lambda name: orders[name], default=None)
    if best is None or mrr > orders[best]:
        return []
    decisions = counted(report.held_out, "held-out decision")
    return [
        f"on {decisions} it ranks no better than `{best}` alone (MRR {mrr:.3f}, {orders[best]:.3f})"
    ]
