"""Response models: how likely a click on an action is, by a logistic regression for each action.

An action has one where enough people saw it and clicked. Features are standardised and bounded, so that no
value can outweigh all others; NaN counts as the mean. Weights are held down (L2), the intercept is not, so the
mean propensity over the training data is its click rate.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from models.content import Published, check_content, read_content, save_content
from models.learning.report import FEATURES_MAX, Name, Names
from models.scorer import FeatureSpace, Matrix
from schemas import CODE_VERSION
from schemas.errors import ConfigError
from schemas.thread_safe_types import prepared

SUFFIX: Final = ".kairos-responses"
RESPONSES_BYTES_MAX: Final = 64 * 1024 * 1024
EXPOSURES_MIN: Final = 200
CLICKS_MIN: Final = 20
"""So many exposures, clicks, and exposures without a click an action needs to have a model."""
L2: Final = 1.0
"""What a weight of 1 costs, in nats halved: as if weights were drawn from a normal distribution."""
DEVIATIONS_MAX: Final = 5.0
"""A feature further from its mean counts as so many standard deviations."""
WEIGHT_MAX: Final = 1e6
"""Of a model that is loaded: sums of larger ones could overflow to what is no number."""
LEAST: Final = 1e-6
"""No propensity is nearer to 0 or 1."""

Floats = NDArray[np.float64]
Values = Annotated[tuple[float, ...], Meta(max_length=FEATURES_MAX)]


class ResponseExamples(NamedTuple):
    """Exposures: the action of each, (n, features) of its moment with NaN for missing, (n,) 1 = clicked, and
    the event time of the first and the last of them. `refused` are of people who do not agree that others learn from them, and are none of these.
    """

    action_ids: Sequence[str]
    features: Matrix
    clicks: NDArray[np.float32]
    from_ms: int
    to_ms: int
    refused: int = 0


class ActionWeights(Struct, frozen=True):
    """One action's model over the standardised features, and how much it learnt from."""

    intercept: float
    weights: Values
    exposures: int
    clicks: int


class Responses(Struct, frozen=True, kw_only=True):
    """What is stored of a ResponseModel. `from_ms` to `to_ms` is the event time of its training data."""

    format: Literal[1] = 1
    feature_set: Name
    feature_names: Names
    code_version: Name
    from_ms: int
    to_ms: int
    means: Values
    scales: Values
    actions: dict[Name, ActionWeights]

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that no training gives (msgspec makes it a ValidationError)."""
        rows = [self.means, self.scales, *(one.weights for one in self.actions.values())]
        if any(len(row) != len(self.feature_names) for row in rows):
            raise ValueError("not one mean, scale and weight for each feature")
        intercepts = [one.intercept for one in self.actions.values()]
        if not all(map(isfinite, (value for row in (*rows, intercepts) for value in row))):
            raise ValueError("a number is not finite")
        if min(self.scales, default=1.0) <= 0.0:
            raise ValueError("a scale is not positive")
        weights = (value for one in self.actions.values() for value in one.weights)
        if any(abs(value) > WEIGHT_MAX for value in (*weights, *intercepts)):
            raise ValueError("a weight outweighs everything")


prepared(Responses)


class ResponseModel:
    """Propensities of actions; deterministic, and of each action alone."""

    def __init__(self, version: str, responses: Responses) -> None:
        self.version = version
        self.responses = responses
        self._index = {action_id: at for at, action_id in enumerate(responses.actions)}
        actions = responses.actions.values()
        count = len(responses.feature_names)
        self._weights = np.array([one.weights for one in actions]).reshape(-1, count)
        self._intercepts = np.array([one.intercept for one in actions])
        self._means, self._scales = np.array(responses.means), np.array(responses.scales)

    def propensities(self, action_ids: Iterable[str], row: Matrix) -> dict[str, float]:
        """(1, features) of the moment -> the chance of a click on each of these actions that has a model."""
        values = _standardised(row, self._means, self._scales)
        # summed row by row: a matrix product may round a row by what stands beside it
        margins = np.sum(self._weights * values, axis=1) + self._intercepts
        chances = _chances(margins).tolist()
        return {one: chances[self._index[one]] for one in action_ids if one in self._index}


def fit_responses(examples: ResponseExamples, space: FeatureSpace) -> Responses:
    """Fits one model for each action with enough examples (EXPOSURES_MIN, CLICKS_MIN); maybe none.

    The same examples in the same order give the same bytes.
    """
    means, scales = _moments(examples.features)
    values = _standardised(examples.features, means, scales)
    rows_of: dict[str, list[int]] = {}
    for at, action_id in enumerate(examples.action_ids):
        rows_of.setdefault(action_id, []).append(at)
    actions = {}
    for action_id in sorted(rows_of):
        clicks = examples.clicks[rows_of[action_id]].astype(np.float64)
        exposures, clicked = len(clicks), int(clicks.sum())
        if exposures >= EXPOSURES_MIN and CLICKS_MIN <= clicked <= exposures - CLICKS_MIN:
            fitted = _fit(values[rows_of[action_id]], clicks)
            actions[action_id] = ActionWeights(
                float(fitted[-1]), tuple(fitted[:-1].tolist()), exposures, clicked
            )
    return Responses(
        feature_set=space.digest,
        feature_names=space.names,
        code_version=CODE_VERSION,
        from_ms=examples.from_ms,
        to_ms=examples.to_ms,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        actions=actions,
    )


def save_responses(responses: Responses, folder: Path) -> Published:
    """Writes the model under the name of its content; the same content is one file."""
    return save_content(msgspec.msgpack.encode(responses), folder, SUFFIX)


def load_responses(uri: str, checksum: str, space: FeatureSpace) -> ResponseModel:
    """The model in a file of this machine, by its path or `file:` URI, named by its version.

    Raises ConfigError where it cannot be read, has another checksum or feature set.
    """
    data = read_content("responses", uri, RESPONSES_BYTES_MAX)
    return responses_from(Published(uri, checksum), data, space)


def responses_from(published: Published, data: bytes, space: FeatureSpace) -> ResponseModel:
    """The model in these bytes; raises ConfigError for another checksum or feature set."""
    check_content("responses", published, data)
    uri = published.uri
    try:
        responses = msgspec.msgpack.decode(data, type=Responses)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"responses {uri}: broken: {error}") from error
    if responses.feature_set != space.digest or responses.feature_names != space.names:
        raise ConfigError(
            f"responses {uri}: trained on feature set {responses.feature_set}, this is {space.digest}"
        )
    return ResponseModel(published.version, responses)


def _moments(features: Matrix) -> tuple[Floats, Floats]:
    """(features,) means and standard deviations of what is there; 0 and 1 where that says nothing."""
    values = features.astype(np.float64)
    is_there = np.isfinite(values)
    counts = np.maximum(is_there.sum(axis=0), 1)
    means = np.where(is_there, values, 0.0).sum(axis=0) / counts
    squares = np.where(is_there, values - means, 0.0) ** 2
    scales = np.sqrt(squares.sum(axis=0) / counts)
    return means, np.where(scales > 0.0, scales, 1.0)


def _standardised(features: Matrix, means: Floats, scales: Floats) -> Floats:
    values = (features.astype(np.float64) - means) / scales
    bounded: Floats = np.clip(np.nan_to_num(values, nan=0.0), -DEVIATIONS_MAX, DEVIATIONS_MAX)
    return bounded


def _chances(margins: Floats) -> Floats:
    # further out exp would overflow, and LEAST is reached long before
    bounded = np.clip(margins, -30.0, 30.0)
    return np.clip(1.0 / (1.0 + np.exp(-bounded)), LEAST, 1.0 - LEAST)


def _fit(values: Floats, clicks: Floats) -> Floats:
    """The weights and, last, the intercept that are most likely given (n, features) and (n,) clicks."""
    from scipy.optimize import minimize  # half a second that only training needs

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, intercept = parameters[:-1], parameters[-1]
        margins = values @ weights + intercept
        # log(1 + exp(m)) - clicks x m, without overflow
        total = np.logaddexp(0.0, margins) - clicks * margins
        errors = _chances(margins) - clicks
        gradient = np.append(values.T @ errors + L2 * weights, errors.sum())
        return float(total.sum() + 0.5 * L2 * weights @ weights), gradient

    start = np.zeros(values.shape[1] + 1)
    rate = clicks.mean()
    start[-1] = np.log(rate / (1.0 - rate))
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", tol=1e-9).x
    return found
