"""Which columns serve a model of before: by name and version, whatever else came, went or was renamed."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.ranker import XgboostRanker
from models.scorer import FeatureSpace
from models.serving import GONE_SHARE_MAX, Serving, gone_in_words, serving
from schemas.errors import ConfigError
from tests.models.signal import SPACE
from tests.models.test_scorers import BOOSTER

NAMES = ("views", "price", "likes")
SHARES = {"views": 0.7, "price": 0.2, "likes": 0.1}


def space(**versions: int) -> FeatureSpace:
    """Columns by name, each of a version; `price__1` stands for `price@1`."""
    names = tuple(name.replace("__", "@") for name in versions)
    return FeatureSpace(names, names, tuple(versions.values()))


@dataclass(frozen=True)
class Case:
    now: FeatureSpace
    columns: tuple[str, ...]
    gone: tuple[str, ...] = ()


CASES = {
    "as it was": Case(space(views=1, price=1, likes=1), NAMES),
    "added and moved": Case(space(new=1, likes=1, views=1, price=1), NAMES),
    "renamed": Case(
        FeatureSpace(("views", "amount", "likes"), (), (1, 1, 1), {"price": "amount"}),
        ("views", "amount", "likes"),
    ),
    "means something else, and the former is computed": Case(
        space(views=1, price=2, likes=1, price__1=1), ("views", "price@1", "likes")
    ),
    "means something else": Case(
        space(views=1, price=2, likes=1), ("views", "", "likes"), ("price",)
    ),
    "dropped": Case(
        FeatureSpace(("views", "price"), (), (1, 1), gone=("likes",)),
        ("views", "price", ""),
        ("likes",),
    ),
    "renamed, then dropped": Case(
        FeatureSpace(("views", "price"), (), (1, 1), {"likes": "fans"}, ("fans",)),
        ("views", "price", ""),
        ("likes",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_model_of_before_is_served(case: Case) -> None:
    found = serving(NAMES, (1, 1, 1), SHARES, case.now)
    assert (found.columns, found.gone) == (case.columns, case.gone)
    assert found.gone_share == pytest.approx(sum(SHARES[one] for one in case.gone))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (space(views=1, price=1), "it reads likes, which this version does not know"),
        (space(views=1, price=1, likes=1, more=1), None),
        (space(price=1, likes=1), "it reads views"),
        (FeatureSpace(("price", "likes"), (), (1, 1), gone=("views",)), "70% of its gain is of views"),
    ],
)  # fmt: skip
def test_what_was_never_here_or_counts_too_much_is_refused(
    now: FeatureSpace, said: str | None
) -> None:
    if said is None:
        serving(NAMES, (1, 1, 1), SHARES, now)
        return
    with pytest.raises(ConfigError, match=said):
        serving(NAMES, (1, 1, 1), SHARES, now)


def test_a_model_of_a_newer_version_is_refused() -> None:
    """A downgrade: nobody here knows what its column means."""
    with pytest.raises(ConfigError, match="a newer one"):
        serving(NAMES, (1, 2, 1), SHARES, space(views=1, price=1, likes=1))


def test_so_much_of_the_gain_may_be_gone_and_is_told() -> None:
    now = FeatureSpace(("views", "likes"), (), (1, 1), gone=("price",))
    found = serving(NAMES, (1, 1, 1), SHARES, now)
    assert found.gone_share == GONE_SHARE_MAX
    assert gone_in_words(found) == "price: gone since it was trained (20% of its gain): train anew"
    assert gone_in_words(Serving(NAMES)) == ""


def test_what_is_gone_is_as_if_nobody_knew_it() -> None:
    """Scores and shares are those of the whole model where that column is missing; a row still sums to its score."""
    whole = XgboostRanker("v", BOOSTER, SPACE.names)
    lost = whole.names[0]
    less = XgboostRanker("v", BOOSTER, ["" if one == lost else one for one in SPACE.names])
    assert less.names == whole.names[1:]
    rows = np.random.default_rng(3).normal(0, 1, (40, len(whole.names))).astype(np.float32)
    rows[:, 0] = np.nan
    assert np.array_equal(less.score(rows[:, 1:]), whole.score(rows))
    shares = less.contributions(rows[:, 1:])
    assert shares.shape == (40, len(less.names) + 1)
    assert np.allclose(shares.sum(axis=1), less.score(rows[:, 1:]), atol=1e-5)
    assert np.allclose(shares[:, :-1], whole.contributions(rows)[:, 1:-1])
