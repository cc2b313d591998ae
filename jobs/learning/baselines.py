"""Simple orders that an evaluation measures beside what was learnt."""

from collections.abc import Mapping
from typing import Final

from jobs.learning.answers import REQUESTED
from jobs.learning.evaluation_split import Setting
from models.scorer import ColumnScorer, Scorer
from udfs.items.orders import ORDERS

BASELINES: Final[dict[str, Mapping[str, Scorer]]] = {
    "rerank": {
        "caller_position": ORDERS["given"],
        "last_touched": ColumnScorer("last_touched", "touch_rank", -1.0),
        "popularity": ORDERS["popularity"],
        "cold_start": ORDERS["last_touched"],
    },
    "next_item": {
        "transitions": ColumnScorer("transitions", "next_strength"),
        "nearest_sessions": ColumnScorer("nearest_sessions", "nearest_sessions"),
        "last_touched": ColumnScorer("last_touched", "touch_rank", -1.0),
        "popularity": ORDERS["popularity"],
        "cold_start": ORDERS["cold_start"],
    },
}
"""By placement: simple orders by name. `cold_start` is what ranks there without a model."""


def baselines_of(setting: Setting) -> Mapping[str, Scorer]:
    """Those of the placement; of a policy's own one those of the built-in one that it is like."""
    if setting.own is None:
        return BASELINES[setting.placement]
    return BASELINES["rerank" if REQUESTED in setting.own.event_types else "next_item"]
