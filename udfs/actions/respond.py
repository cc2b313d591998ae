"""Response propensity of actions that are not items: by a model, by counts, or as the policy supposes.

Counts are smoothed twice: the action's rate everywhere towards the policy's prior, its rate in this placement
and context towards that. So without a single exposure the propensity is the prior, and each exposure moves it
by little: nothing jumps where `counts` takes over from `prior`.
"""

from typing import Final, Literal, NamedTuple

import numpy as np

from models.scorer import FeatureSpace, Matrix
from schemas.knowledge import ActionKnowledge, action_key, epoch_end_ms
from schemas.state.session import SessionContext
from udfs.facts.features import FEATURES, space_of
from udfs.facts.view import View
from udfs.fading import LONG_HALF_LIFE_MS, decay
from udfs.knowledge.action_statistics import ActionStatistics
from udfs.language.sense_intent import sense_intent
from udfs.moment import Moment
from udfs.session.follow_session import Leads

PRIOR_EXPOSURES: Final = 50.0
"""The policy's prior counts as so many exposures of the action."""
OVERALL_EXPOSURES: Final = 20.0
"""The action's rate everywhere counts as so many exposures in one placement and context."""
COUNTS_FROM: Final = 20.0
"""From so many (fading) exposures of the action on, the propensity is said to be from counts."""
LEAST: Final = 1e-9
"""No propensity is nearer to 0 or 1."""
Source = Literal["model", "counts", "prior"]

RESPONSE_FEATURES: Final = tuple(
    one for one in FEATURES if one.entity in ("session", "person", "context")
)
"""What a model of responses knows: what is the same for all candidates, so nothing about items."""
RESPONSE_SPACE: Final[FeatureSpace] = space_of(RESPONSE_FEATURES)
NO_LEADS: Final = Leads({}, [], None, {}, {}, {}, {}, {})


class Response(NamedTuple):
    """The chance of a click on the action when it is shown, and what that rests on.

    Exposures and clicks fade (half-life of 30 days) and are as of the epoch; `_here`: of the placement and context.
    """

    propensity: float
    source: Source
    prior: float
    context_key: str
    exposures: float
    clicks: float
    exposures_here: float
    clicks_here: float

    @property
    def values(self) -> dict[str, str]:
        """The same in words, for a verdict."""
        return {
            "prior": f"{self.prior:g}",
            "context": self.context_key,
            "exposures": f"{self.exposures:.1f}",
            "clicks": f"{self.clicks:.1f}",
            "exposures_here": f"{self.exposures_here:.1f}",
            "clicks_here": f"{self.clicks_here:.1f}",
        }


def response_context(context: SessionContext, now_ms: int) -> str:
    """The key of the contexts in which responses are counted apart: what the session is after."""
    return sense_intent(context, now_ms).intent


def respond(
    action_id: str,
    placement: str,
    context_key: str,
    prior: float,
    statistics: ActionStatistics,
    epoch: int,
    modelled: float | None = None,
) -> Response:
    """The propensity of an action in a placement and context; `modelled` is the model's, where it has one."""
    exposures, clicks = _counts(statistics.action(action_key(action_id), epoch), epoch)
    here = action_key(action_id, placement, context_key)
    exposures_here, clicks_here = _counts(statistics.action(here, epoch), epoch)
    overall = smoothed(clicks, exposures, prior, PRIOR_EXPOSURES)
    propensity = smoothed(clicks_here, exposures_here, overall, OVERALL_EXPOSURES)
    source: Source = "counts" if exposures >= COUNTS_FROM else "prior"
    if modelled is not None:
        propensity, source = modelled, "model"
    return Response(
        min(max(propensity, LEAST), 1.0 - LEAST), source, prior, context_key,
        exposures, clicks, exposures_here, clicks_here,
    )  # fmt: skip


def smoothed(clicks: float, exposures: float, prior: float, strength: float) -> float:
    """The mean of a Beta posterior whose prior has this mean and the weight of `strength` exposures.

    Clicks beyond the exposures (of exposures that were never told, or were counted elsewhere) do not count.
    """
    return (prior * strength + min(clicks, exposures)) / (strength + exposures)


def response_row(moment: Moment) -> Matrix:
    """(1, RESPONSE_SPACE.count) float32: the features of the moment, as a model of responses takes them."""
    view = View(moment, (), NO_LEADS)
    row = [one.column(view) for one in RESPONSE_FEATURES if one.column]
    return np.array([row], dtype=np.float32)


def _counts(known: ActionKnowledge | None, epoch: int) -> tuple[float, float]:
    """Exposures and clicks as of the end of the epoch."""
    if known is None:
        return 0.0, 0.0
    left = decay(1.0, epoch_end_ms(epoch) - known.at_ms, LONG_HALF_LIFE_MS)
    return known.exposures * left, known.clicks * left
