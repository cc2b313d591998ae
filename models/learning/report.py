"""What is told about a training: how good, how sure, what it rests on, what it could do without."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from models.learning.calibration import CurvePoint
from models.learning.examination import Examination

FEATURES_MAX: Final = 4_096
BASELINES_MAX: Final = 64
FIGURES_MAX: Final = 64
LOSS_MAX: Final = 0.002
"""So much of the mean reciprocal rank a model may lose by features and trees that hardly count, together."""

Name = Annotated[str, Meta(max_length=256)]
Figures = Annotated[dict[Name, float], Meta(max_length=FIGURES_MAX)]
Names = Annotated[tuple[Name, ...], Meta(max_length=FEATURES_MAX)]


class Check(Struct, frozen=True, kw_only=True):
    """A model with less, beside the one with all features and trees on the same decisions.

    Without loss it is the one that is published. `mrr_difference` is the one with less minus the other, `low` to `high` its
    95 % interval (sessions resampled).
    """

    mrr_difference: float
    low: float
    high: float

    @property
    def has_loss(self) -> bool:
        """Whether the loss is beyond chance, or more than LOSS_MAX where chance hides it."""
        return self.high < 0.0 or self.mrr_difference < -LOSS_MAX


class DropCheck(Check, frozen=True, kw_only=True):
    """A second training without the `features` that hardly counted."""

    features: Names
    gain_share: float
    mrr_with: float
    mrr_without: float


class RoundsCheck(Check, frozen=True, kw_only=True):
    """The first `rounds` trees alone."""

    rounds: int


class Report(Struct, frozen=True):
    """`groups` decisions of which `held_out` were kept for figures; `importance`: share of the gain.

    `calibration_curve`, `drop_check` and `rounds_checks` are empty where there were too few decisions.
    `examination`: how likely places of lists are looked at, and what that had examples count; None of before, and where it was not asked.
    """

    rounds: int
    groups: int
    rows: int
    held_out: int
    importance: Annotated[dict[Name, float], Meta(max_length=FEATURES_MAX)]
    baselines: Annotated[dict[Name, Figures], Meta(max_length=BASELINES_MAX)]
    calibration_curve: Annotated[tuple[CurvePoint, ...], Meta(max_length=100)] = ()
    drop_check: DropCheck | None = None
    rounds_checks: Annotated[tuple[RoundsCheck, ...], Meta(max_length=100)] = ()
    examination: Examination | None = None
