"""Boosted trees from a file of examples: XGBoost reads it row group by row group, into bins."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import xgboost
from msgspec import Struct

from models.learning.example_file import Batch, ExampleFile

BINS_MAX: Final = 256
SAID_EVERY: Final = 100
"""Rounds between two lines of progress."""

Progress = Callable[[str], None]


class TrainingSettings(Struct, frozen=True, kw_only=True):
    """How to train. The same settings and examples give the same bytes, with any seed's own.

    `threads` should not pass the processors that are free: the library's threads wait spinning.
    """

    rounds_max: int = 600
    rounds_patience: int = 30
    rounds_unstopped: int = 100
    """Where too few decisions are held out to tell when to stop."""
    learning_rate: float = 0.06
    depth: int = 6
    child_weight_min: float = 20.0
    row_share: float = 0.6
    column_share: float = 0.3
    l2: float = 2.0
    held_out_share: float = 0.15
    k: int = 20
    seed: int = 1
    threads: int = 1

    def parameters(self) -> dict[str, Any]:
        """These settings in XGBoost's words."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_bin": BINS_MAX,
            "eta": self.learning_rate,
            "max_depth": self.depth,
            "min_child_weight": self.child_weight_min,
            "subsample": self.row_share,
            "colsample_bytree": self.column_share,
            "lambda": self.l2,
            "seed": self.seed,
            "nthread": self.threads,
        }


class Rows(NamedTuple):
    """Rows `first` up to before `last` of a file, with `columns` (None: all features)."""

    file: ExampleFile
    first: int
    last: int
    columns: Sequence[str] | None = None

    def batches(self) -> Iterator[Batch]:
        """The rows, a row group at a time."""
        return self.file.batches(self.first, self.last, self.columns)


class Boosted(NamedTuple):
    """A booster of `rounds` trees, and each column's share of the gain, (columns,)."""

    booster: bytes
    rounds: int
    gain_shares: list[float]


def boost(
    settings: TrainingSettings,
    rounds: int,
    rows: Rows,
    stopping: Rows | None,
    progress: Progress,
) -> Boosted:
    """Trains at most `rounds` trees on `rows`; with `stopping`, as many as are best on those."""
    matrix = _matrix(rows, settings.threads, None)
    evaluations = []
    callbacks: list[xgboost.callback.TrainingCallback] = [_Said(progress, rounds)]
    if stopping is not None:
        evaluations = [(_matrix(stopping, settings.threads, matrix), "stopping")]
        callbacks.append(xgboost.callback.EarlyStopping(rounds=settings.rounds_patience))
    booster = xgboost.train(
        settings.parameters(), matrix, rounds, evals=evaluations, callbacks=callbacks,
        verbose_eval=False,
    )  # fmt: skip
    if stopping is not None:
        rounds = booster.best_iteration + 1
        booster = booster[:rounds]
        booster.set_attr(best_iteration=None, best_score=None)
    return Boosted(bytes(booster.save_raw("ubj")), rounds, _gain_shares(booster))


def first_rounds(booster: bytes, rounds: int) -> bytes:
    """The booster of its first `rounds` trees."""
    whole = xgboost.Booster()
    whole.load_model(bytearray(booster))
    return bytes(whole[:rounds].save_raw("ubj"))


def _gain_shares(booster: Any) -> list[float]:
    gains = np.zeros(booster.num_features())
    for name, gain in booster.get_score(importance_type="total_gain").items():
        gains[int(name[1:])] = gain  # without names the library calls its columns f0, f1 …
    total = gains.sum()
    shares: list[float] = (gains / total if total else gains).tolist()
    return shares


def _matrix(rows: Rows, threads: int, reference: Any) -> Any:
    """The rows in bins, 1 to 4 bytes a value; in the bins of `reference`, if given."""
    return xgboost.QuantileDMatrix(
        _Batches(rows), missing=np.nan, nthread=threads, max_bin=BINS_MAX, ref=reference
    )


class _Batches(xgboost.DataIter):  # type: ignore[misc]  # the library has no types
    """Gives XGBoost one row group after the other; it asks for all of them several times."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self._rows = rows
        self._batches = rows.batches()

    def reset(self) -> None:
        self._batches = self._rows.batches()

    def next(self, input_data: Callable[..., None]) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        input_data(data=batch.features, label=batch.labels, weight=batch.weights)
        return True


class _Said(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # the library has no types
    """Says how far the training is."""

    def __init__(self, progress: Progress, rounds: int) -> None:
        super().__init__()
        self._progress, self._rounds = progress, rounds

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        if (epoch + 1) % SAID_EVERY == 0:
            self._progress(f"  {epoch + 1} of at most {self._rounds} rounds")
        return False
