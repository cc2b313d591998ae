"""Orders that need no training, by name: what ranks without a model, and what a policy may rank by instead of one (`rank_by`)."""

from collections.abc import Mapping
from typing import Final

from models.scorer import ColumnScorer, FirstThenScorer, Scorer, WeightedScorer

POPULARITY: Final = ColumnScorer("popularity", "item_interest")
"""What all people do: what people in the holdout get, and who is not profiled."""
POPULAR_IN_CATEGORY: Final = WeightedScorer(
    "popular_in_category", {"is_event_category": 10.0, "item_interest": 1.0}
)
"""The same, what is in the category of the event's item, or that it names, first."""
GIVEN: Final = ColumnScorer("given", "caller_position", sign=-1.0)
"""The order in which the caller handed its candidates in: what people in the holdout get of a rerank."""
LAST_TOUCHED: Final = FirstThenScorer("last_touched", "touch_rank", "caller_position")
"""A caller's list without a model: what was touched in this visit first, the newest before, then the caller's own order."""
COLD_START: Final = WeightedScorer(
    "cold_start",
    values={
        "search_score": 3.0, "seen_with_few": 1.0, "next_strength": 0.5, "query_match": 0.5, "category_share": 0.25, "likeness_last": 0.25,
        "item_interest": 0.05,
    },
    ranks={"next_rank": 1.0, "nearest_rank": 0.5, "person_touched_rank": 0.2, "touch_rank": 0.1},
)  # fmt: skip
"""Our own candidates without a model: what answers the query of the event, where past visits went on, what is like what was looked at or searched for, then what is popular. Ranks,
because weights of sources differ from shop to shop by orders of magnitude, and places do not. Chosen on the first half of trivago's decisions
(docs/benchmarks.md); what trivago does not have (categories, likeness, queries) breaks ties and comes before what nothing speaks for."""

ORDERS: Final[Mapping[str, Scorer]] = {
    one.version: one for one in (POPULARITY, POPULAR_IN_CATEGORY, GIVEN, LAST_TOUCHED, COLD_START)
}
