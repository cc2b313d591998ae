"""Scorer: what ranks candidates; and the one that needs no training."""

from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
_LARGEST: Final = float(np.finfo(np.float32).max)


class FeatureSpace(Struct, frozen=True):
    """The columns of a feature matrix: their names in order, and the hash of what they mean."""

    names: tuple[str, ...]
    digest: str

    @property
    def count(self) -> int:
        """How many columns a matrix has."""
        return len(self.names)


class Scorer(Protocol):
    """Scores the rows of a feature matrix; higher is better.

    Deterministic; does not change its input; NaN means missing; the result is finite, new, and of
    each row alone.
    """

    @property
    def version(self) -> str:
        """The name that decisions give as their model."""

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """(n, space.count) float32, n may be 0 -> (n,) float32."""

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(n,) of own scores -> (n,) chance of a positive response, between 0 and 1.

        Never falls as the score rises. None where nothing was calibrated.
        """


class ColumnScorer:
    """Ranks by one feature, highest first (`sign` -1: lowest first); missing comes last."""

    def __init__(self, version: str, column_index: int, sign: float = 1.0) -> None:
        self.version = version
        self._column_index = column_index
        self._sign = np.float32(sign)

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """The column itself; what is missing or infinite is as far as float32 goes."""
        column: NDArray[np.float32] = features[:, self._column_index] * self._sign
        np.nan_to_num(column, copy=False, nan=-_LARGEST, posinf=_LARGEST, neginf=-_LARGEST)
        return column

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: an order is no chance."""
        return None
