"""The XGBoost ranker, called through the C interface.

The library takes 25 rows through 300 trees of depth 6 in some 350 us, 100 rows in 1 ms; the checks of
`Booster.inplace_predict` would add 100 us to each call.
"""

import ctypes
import json
import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xgboost
from numpy.typing import NDArray

from models.booster_shape import check_booster
from models.learning.calibration import Calibration
from models.scorer import Matrix
from models.vectors import ItemVectors
from schemas.errors import ConfigError

_LIB: Final[Any] = xgboost.core._LIB  # the library handle is not exported under a public name
_SETTINGS: Final = json.dumps(
    {
        "type": 1,  # margin: monotone in the probability, and one exponential less
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "strict_shape": False,
        "cache_id": 0,
        "missing": float("nan"),
    }
).encode()


class _Call(threading.local):
    """What the library reads from and writes to, one of each thread: it lets others in while it scores.

    Without a proxy for the matrix it makes one for each call, and looks up the processors it may use.
    """

    def __init__(self) -> None:
        self.proxy = xgboost.core._ProxyDMatrix()
        self.shape = ctypes.POINTER(ctypes.c_uint64)()
        self.dimensions = ctypes.c_uint64()
        self.values = ctypes.POINTER(ctypes.c_float)()
        self.references = tuple(
            ctypes.byref(one) for one in (self.shape, self.dimensions, self.values)
        )


class XgboostRanker:
    """A Scorer from a booster's bytes (XGBoost's UBJSON); one thread, no state between calls.

    It reads those of the booster's `columns` that a tree splits on; one without a name is computed no longer, and missing. `vectors` are those of the items
    that it was trained with.
    """

    def __init__(
        self,
        version: str,
        booster: bytes,
        columns: Sequence[str],
        calibration: Calibration | None = None,
        vectors: ItemVectors | None = None,
    ) -> None:
        """Raises ConfigError for bytes that are no booster of these columns."""
        self.version = version
        self.vectors = vectors
        self._calibration = calibration
        feature_count = len(columns)
        # the library would end the process
        split_on = check_booster(version, booster, feature_count)
        self._read = [at for at in split_on if columns[at]]
        self._gone = [at for at in split_on if not columns[at]]
        self.names = tuple(columns[at] for at in self._read)
        self._width = feature_count
        self._booster = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(bytearray(booster))
        except xgboost.core.XGBoostError as error:
            raise ConfigError(f"model {version}: {str(error).splitlines()[0]}") from error
        if self._booster.num_features() != feature_count:
            raise ConfigError(
                f"model {version}: {self._booster.num_features()} features, not {feature_count}"
            )
        self._booster.set_param({"nthread": 1})
        self._handle = self._booster.handle
        self._call = _Call()

    def score(self, features: Matrix) -> NDArray[np.float32]:
        """(n, len(names)) float32 -> (n,) float32 margins."""
        result = np.empty(len(features), dtype=np.float32)
        if not len(features):  # the library takes no empty matrix
            return result
        features = self._widened(features)
        call = self._call
        status = _LIB.XGBoosterPredictFromDense(
            self._handle, _array_interface(features), _SETTINGS, call.proxy.handle, *call.references
        )
        if status != 0:
            raise RuntimeError(_LIB.XGBGetLastError())
        # the library owns its answer and writes the next one over it
        ctypes.memmove(result.ctypes.data, call.values, result.nbytes)
        return result

    def propensity(self, scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """The calibrated chance of a positive response."""
        return None if self._calibration is None else self._calibration.apply(scores)

    def contributions(self, features: Matrix) -> Matrix:
        """(n, len(names)) -> (n, len(names) + 1) shares of each margin, the last one the bias.

        Shapley values over the trees (Lundberg et al. 2018); a row sums to its score. Slow: for
        explanations, not for decisions.
        """
        if not len(features):
            return np.zeros((0, features.shape[1] + 1), dtype=np.float32)
        shares: Matrix = self._booster.predict(
            xgboost.DMatrix(self._widened(features), missing=np.nan, nthread=1), pred_contribs=True
        )
        found = shares[:, [*self._read, self._width]]  # what no tree reads has no share
        if self._gone:
            found[:, -1] += shares[:, self._gone].sum(axis=1)  # the same for everything
        return found

    def _widened(self, features: Matrix) -> Matrix:
        """With a place for every column of the booster: what no tree reads is missing."""
        if len(self._read) == self._width:
            return np.ascontiguousarray(features, dtype=np.float32)  # the library reads raw memory
        wide = np.full((len(features), self._width), np.nan, dtype=np.float32)
        wide[:, self._read] = features
        return wide


def _array_interface(features: Matrix) -> bytes:
    """NumPy's array interface, version 3, as the JSON that XGBoost reads."""
    return b'{"data":[%d,true],"shape":[%d,%d],"strides":null,"typestr":"<f4","version":3}' % (
        features.ctypes.data,
        features.shape[0],
        features.shape[1],
    )
