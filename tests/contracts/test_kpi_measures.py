"""What an outcome adds to a KPI and to an experiment's metric of the same name is the same."""

from collections import Counter
from typing import Any, get_args

import pytest

from models.experiments import metrics
from schemas.outcomes import OutcomeKind
from tests.models.experiments.outcomes import make_outcome, went
from udfs.outcomes import count_kpis

SHARED = ("carted", "converted", "refunded")
"""Kinds of which several decisions may have a share; the others are whole."""


@pytest.mark.parametrize("kind", get_args(OutcomeKind))
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "fields",
    [{}, {"exposed_ms": 0}, {"decision_id": ""}, {"name": "signed_up"}, {"share": 0.5}],
    ids=lambda one: next(iter(one), "as usual"),
)
def test_both_add_the_same(kind: str, sign: int, fields: dict[str, Any]) -> None:
    if kind not in SHARED:
        fields = {name: value for name, value in fields.items() if name != "share"}
    one = make_outcome(kind, sign=sign, value=7.5, measures=went(1.0, 3.0), **fields)
    mine: Counter[str] = Counter()
    for name, amount in metrics.measures_of(one):
        mine[name] += amount  # type: ignore[assignment]
    theirs = dict(count_kpis.measures_of(one))
    assert {name: each for name, each in mine.items() if each} == {
        name: each for name, each in theirs.items() if each
    }
