"""Scorer: what ranks candidates; and the one that needs no training."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
_LARGEST: Final = float(np.finfo(np.float32).max)
PLACES: Final = 1e6
"""More than there are places of a list, or items that were touched."""
NO_RANKS: Final[Mapping[str, float]] = {}


FORMER_MARK: Final = "@"
"""Stands between a column's name and its version, where that is a former one."""


class FeatureSpace(Struct, frozen=True, dict=True):
    """The columns of a feature matrix: their names in order, and of each what says its meaning, and the version of that.

    What serves models of before (models/serving.py): columns called `name@1`, names that were `renamed`, and those that are `gone`.
    """

    names: tuple[str, ...]
    definitions: tuple[str, ...]
    versions: tuple[int, ...] = ()
    renamed: dict[str, str] = {}
    gone: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The hash of the definitions in this order: 16 hexadecimal digits."""
        return sha256("\n".join(self.definitions).encode()).hexdigest()[:16]

    @cached_property
    def serves(self) -> str:
        """Stands for the models that can be served: 16 hexadecimal digits."""
        said = repr((self.definitions, self.versions, sorted(self.renamed.items()), self.gone))
        return sha256(said.encode()).hexdigest()[:16]

    @cached_property
    def trained(self) -> tuple[str, ...]:
        """Those that models are trained on: none of before."""
        return tuple(one for one in self.names if FORMER_MARK not in one)

    @property
    def count(self) -> int:
        """How many columns a matrix has."""
        return len(self.names)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each column stands."""
        return {name: at for at, name in enumerate(self.names)}

    def only(self, names: Sequence[str]) -> "FeatureSpace":
        """These columns alone, in the order in which they are named; raises KeyError for one that is none of them."""
        places = [self.places[name] for name in names]
        return FeatureSpace(
            tuple(names),
            tuple(self.definitions[at] for at in places),
            tuple(self.versions[at] for at in places) if self.versions else (),
        )


class Scorer(Protocol):
    """Scores the rows of a feature matrix; higher is better. One that was trained with vectors of items has them as `vectors` (models/vectors.py).

    Deterministic; does not change its input; NaN means missing; the result is finite, new, and of
    each row alone.
    """

    @property
    def version(self) -> str:
        """The name that decisions give as their model."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features that it reads: the columns of its matrix, in this order."""

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """(n, len(names)) float32, n may be 0 -> (n,) float32."""

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(n,) of own scores -> (n,) chance of a positive response, between 0 and 1.

        Never falls as the score rises. None where nothing was calibrated.
        """


class ColumnScorer:
    """Ranks by one feature, highest first (`sign` -1: lowest first); missing comes last."""

    def __init__(self, version: str, name: str, sign: float = 1.0) -> None:
        self.version = version
        self.names = (name,)
        self._sign = np.float32(sign)

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """The column itself; what is missing or infinite is as far as float32 goes."""
        column: NDArray[np.float32] = features[:, 0] * self._sign
        np.nan_to_num(column, copy=False, nan=-_LARGEST, posinf=_LARGEST, neginf=-_LARGEST)
        return column

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: an order is no chance."""
        return None


class WeightedScorer:
    """Ranks by a sum of features times their weights. Of `values` each lies between -1 and 1 (x becomes x / (1 + |x|)), of `ranks` (places, from 0) it is
    1 / (1 + place), as reciprocal rank fusion has it (Cormack et al., SIGIR 2009). What is missing adds nothing.
    """

    def __init__(
        self, version: str, values: Mapping[str, float], ranks: Mapping[str, float] = NO_RANKS
    ) -> None:
        self.version = version
        self.names = (*values, *ranks)
        self._weights = [np.float32(one) for one in (*values.values(), *ranks.values())]
        self._first_rank = len(values)

    def parts(self, features: Matrix) -> Matrix:
        """(n, len(names)) -> what each feature adds to the score of each row."""
        known = np.clip(features, -_LARGEST / 2, _LARGEST / 2)
        known[:, : self._first_rank] /= np.float32(1.0) + np.abs(known[:, : self._first_rank])
        ranks = known[:, self._first_rank :]
        ranks[:] = np.float32(1.0) / (np.float32(1.0) + np.maximum(ranks, np.float32(0.0)))
        np.nan_to_num(known, copy=False, nan=0.0)
        for at, weight in enumerate(self._weights):
            known[:, at] *= weight
        return known

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """Column by column: a product of matrices may round one row by how many there are."""
        total = np.zeros(len(features), np.float32)
        for column in self.parts(features).T:
            total += column
        return total

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: an order is no chance."""
        return None


class FirstThenScorer:
    """Ranks what has the first feature by that, before all others by the second; of both the least comes first."""

    def __init__(self, version: str, first: str, then: str) -> None:
        self.version = version
        self.names = (first, then)

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """What has neither comes last. Values are ranks and places: whole numbers below PLACES."""
        first, then = np.clip(features, -PLACES, PLACES).T
        then = np.nan_to_num(then, nan=PLACES)
        found: NDArray[np.float32] = np.where(np.isnan(first), -PLACES - then, -first)
        return found.astype(np.float32)

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: an order is no chance."""
        return None
