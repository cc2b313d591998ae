"""The candidates of a placement with their scores, once for all slates that compete."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.scorer import ColumnScorer, Scorer
from schemas.policy import Placement
from udfs.actions.asked import Asked
from udfs.explain.vectors import digest_of
from udfs.facts.features import FEATURE_SPACE, columns_of, compute_features
from udfs.facts.view import View
from udfs.facts.wishes import Wishes, wishes_of
from udfs.items.fill_slate import Ranked, wanted_items
from udfs.items.heed_wishes import WISHED_FOR, heed_wishes, wanted_by
from udfs.items.retrieve_candidates import retrieve_candidates
from udfs.items.suppress_candidates import PASSED, suppress_candidates
from udfs.policy.compiled_policy import CompiledAction
from udfs.session.follow_session import follow_session

COLD_SCORER: Final = ColumnScorer("popularity", "item_interest")
"""The order of popularity, for as long as there is no model, and for people in the holdout or who are not profiled."""
GIVEN_ORDER: Final = ColumnScorer("given", "caller_position", sign=-1.0)
"""The order in which the caller handed its candidates in: what people in the holdout get of a rerank."""
NO_VECTORS: Final = np.empty((0, FEATURE_SPACE.count), np.float32)
UNRANKED: Final = Ranked([], NO_VECTORS, b"", [], np.empty(0, np.float32), None, "", {})


def rank_items(
    placement: Placement,
    slates: Sequence[CompiledAction],
    asked: Asked,
    values: dict[str, object],
    keeps_all: bool,
) -> Ranked:
    """The candidates for `slates`; `values` are the attributes that their rules read. UNRANKED where nothing asks for any.

    With `keeps_all` every feature is computed, else those that the scorer reads.
    """
    if not slates:
        return UNRANKED
    moment = asked.moment
    leads = follow_session(
        moment.context, moment.state, moment.knowledge.statistics, moment.known.epoch, moment.now_ms
    )
    wishes = wishes_of(moment)
    wanted = _wanted(slates, asked, values, wishes, placement.candidates)
    candidates = retrieve_candidates(moment, leads, placement.candidates, wanted)
    scorer = _scorer(asked)
    view = View(moment, candidates, leads)
    if keeps_all:
        features = compute_features(view)
        read = columns_of(features, scorer.names)
    else:
        features, read = NO_VECTORS, compute_features(view, scorer.names)
    scores = scorer.score(read)
    verdicts = (
        suppress_candidates(candidates, moment, asked.policy.policy.suppression)
        if placement.suppress
        else [PASSED] * len(candidates)
    )
    propensities = scorer.propensity(scores)
    digest = digest_of(scorer.names, read) if candidates else b""
    stated = heed_wishes(wishes, candidates, moment)
    return Ranked(
        candidates, features, digest, verdicts, scores, propensities, scorer.version, stated
    )


def _scorer(asked: Asked) -> Scorer:
    """The model in force, where the person may be ranked by one."""
    if asked.is_masked:
        return GIVEN_ORDER if asked.moment.event.candidates else COLD_SCORER
    return asked.moment.known.scorer or COLD_SCORER


def _wanted(
    slates: Sequence[CompiledAction],
    asked: Asked,
    values: dict[str, object],
    wishes: Wishes | None,
    count: int,
) -> dict[str, str]:
    """Items that the rules of the slates ask for, then what the person wants more of, with their source."""
    found: dict[str, str] = {}
    for one in slates:
        for item_id, source in wanted_items(one, asked.moment, values).items():
            found.setdefault(item_id, source)
    for item_id in wanted_by(wishes, asked.moment, count):
        found.setdefault(item_id, WISHED_FOR)
    return found
