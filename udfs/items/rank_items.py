"""The candidates of a placement with their scores, once for all slates that compete."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.scorer import Scorer
from schemas.policy import IMPERSONAL, Placement
from udfs.actions.asked import Asked
from udfs.explain.vectors import digest_of
from udfs.facts.features import FEATURE_SPACE, columns_of, compute_features
from udfs.facts.last_slates import last_slate
from udfs.facts.view import View
from udfs.facts.wishes import Wishes, wishes_of
from udfs.items.fill_slate import Ranked, wanted_items
from udfs.items.heed_wishes import WISHED_FOR, heed_wishes, wanted_by
from udfs.items.orders import COLD_START, GIVEN, LAST_TOUCHED, ORDERS
from udfs.items.retrieve_candidates import retrieve_candidates
from udfs.items.suppress_candidates import PASSED, suppress_candidates
from udfs.policy.compiled_policy import CompiledAction
from udfs.session.follow_session import follow_session

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
    before = last_slate(moment, placement.name) if placement.steadiness else ()
    scorer = scorer_of(asked, placement)
    vectors = moment.known.vectors or getattr(scorer, "vectors", None)
    candidates = retrieve_candidates(moment, leads, placement.candidates, wanted, before, vectors)
    view = View(moment, candidates, leads, vectors)
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


def scorer_of(asked: Asked, placement: Placement) -> Scorer:
    """What ranks there: of who may be ranked by what they did, what the placement names, else the model in force, or the order without one."""
    is_given = bool(asked.moment.event.candidates)
    if asked.is_masked:
        if placement.rank_by in IMPERSONAL:
            return ORDERS[placement.rank_by]
        return GIVEN if is_given else ORDERS[asked.policy.policy.holdout.rank_by]
    known, name = asked.moment.known, placement.rank_by
    named = ORDERS.get(name) or known.others.get(name)
    return named or known.scorer or (LAST_TOUCHED if is_given else COLD_START)


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
