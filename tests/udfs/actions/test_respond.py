"""Response propensity: the prior where nothing is known, counts where they are, never a jump between."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import DAY_MS, EPOCH_MS
from schemas.state.person import PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext
from tests.builders import EPOCH, NOON, make_catalogue, make_event, make_knowledge, track_all
from tests.udfs.made_actions import fact, knowing, make_action, teach_actions
from udfs.actions.respond import (
    COUNTS_FROM,
    OVERALL_EXPOSURES,
    PRIOR_EXPOSURES,
    RESPONSE_FEATURES,
    RESPONSE_SPACE,
    Response,
    respond,
    response_context,
    response_row,
)
from udfs.facts.features import FEATURE_SPACE, FEATURES, compute_features
from udfs.facts.view import View
from udfs.items.retrieve_candidates import Retrieved
from udfs.knowledge.action_statistics import ActionStatistics
from udfs.knowledge.learn_items import learn_action
from udfs.language.sense_intent import INTENTS, sense_intent
from udfs.moment import Moment
from udfs.session.follow_session import follow_session

priors = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
counts = st.floats(0.0, 1e9)


def response(statistics: ActionStatistics, prior: float = 0.02, **fields: Any) -> Response:
    return respond("a", "home", "viewed", prior, statistics, EPOCH, **fields)


def test_without_any_exposure_the_prior_speaks() -> None:
    found = response(ActionStatistics(), 0.07)
    assert found.source == "prior"
    assert found.propensity == pytest.approx(0.07)


def test_rate_here_is_smoothed_to_the_rate_everywhere_and_that_to_the_prior() -> None:
    found = response(knowing(150.0, 30.0, here=(40.0, 20.0)), 0.1)
    overall = (0.1 * PRIOR_EXPOSURES + 30.0) / (PRIOR_EXPOSURES + 150.0)
    here = (overall * OVERALL_EXPOSURES + 20.0) / (OVERALL_EXPOSURES + 40.0)
    assert found.propensity == pytest.approx(here)
    assert found.source == "counts"
    assert found.values == {
        "prior": "0.1", "context": "viewed", "exposures": "150.0", "clicks": "30.0",
        "exposures_here": "40.0", "clicks_here": "20.0",
    }  # fmt: skip


def test_with_many_exposures_the_rate_here_is_what_was_seen_here() -> None:
    found = response(knowing(1e6, 1e5, here=(1e5, 5e4)), 0.02)
    assert found.propensity == pytest.approx(0.5, abs=1e-3)


def test_model_speaks_before_counts_which_are_still_told() -> None:
    found = response(knowing(100.0, 10.0), modelled=0.3)
    assert (found.propensity, found.source, found.exposures) == (0.3, "model", 100.0)


def test_other_placement_or_context_lends_only_its_share_of_the_rate_everywhere() -> None:
    statistics = knowing(100.0, 50.0, here=(100.0, 50.0))
    there = respond("a", "cart", "viewed", 0.02, statistics, EPOCH)
    assert there.exposures_here == 0.0
    assert 0.02 < there.propensity < response(statistics).propensity
    assert there == respond("a", "cart", "viewed", 0.02, knowing(100.0, 50.0), EPOCH)


@given(priors, counts, counts, counts, counts)
def test_propensity_is_strictly_between_0_and_1(
    prior: float, exposures: float, clicks: float, here: float, clicks_here: float
) -> None:
    found = response(knowing(exposures, clicks, (here, clicks_here)), prior)
    assert 0.0 < found.propensity < 1.0


@given(priors, counts, counts, counts, st.booleans())
def test_propensity_never_falls_with_clicks(
    prior: float, exposures: float, clicks: float, more: float, is_here: bool
) -> None:
    few, many = (
        response(
            knowing(exposures, one, (exposures, one)) if is_here else knowing(exposures, one), prior
        )
        for one in (clicks, clicks + more)
    )
    assert many.propensity >= few.propensity - 1e-15


@given(priors, st.integers(0, 60), st.integers(0, 60))
def test_nothing_jumps_where_counts_take_over(prior: float, exposures: int, clicks: int) -> None:
    """One exposure more, clicked or not, moves the propensity by a few per cent at most."""
    clicks = min(clicks, exposures)
    before = response(knowing(exposures, clicks, (exposures, clicks)), prior)
    after = response(knowing(exposures + 1, clicks, (exposures + 1, clicks)), prior)
    clicked = response(knowing(exposures + 1, clicks + 1, (exposures + 1, clicks + 1)), prior)
    bound = 1.0 / PRIOR_EXPOSURES + 1.0 / OVERALL_EXPOSURES
    assert abs(after.propensity - before.propensity) <= bound
    assert abs(clicked.propensity - before.propensity) <= bound
    assert after.source == ("counts" if exposures + 1 >= COUNTS_FROM else "prior")


@given(st.lists(st.sampled_from(("exposures", "clicks", "dismissals")), min_size=1), st.randoms())
def test_order_of_responses_does_not_matter(names: list[str], chance: Any) -> None:
    found = [fact(name, time_ms=NOON + at) for at, name in enumerate(names)]
    shuffled = chance.sample(found, len(found))
    one, other = (
        response(teach_actions(ActionStatistics(), learn_action(None, facts, EPOCH)))
        for facts in (found, shuffled)
    )
    assert one == other


def test_what_was_seen_long_ago_counts_less_and_the_prior_comes_back() -> None:
    statistics = teach_actions(ActionStatistics(), make_action("a", exposures=100.0, clicks=50.0))
    later = EPOCH + 30 * DAY_MS // EPOCH_MS
    now, then = respond("a", "home", "viewed", 0.02, statistics, EPOCH), respond(
        "a", "home", "viewed", 0.02, statistics, later
    )  # fmt: skip
    assert then.exposures == pytest.approx(50.0)
    assert then.propensity < now.propensity
    year = respond("a", "home", "viewed", 0.02, statistics, EPOCH + 365 * DAY_MS // EPOCH_MS)
    assert year.source == "prior"
    assert year.propensity == pytest.approx(0.02, abs=2e-3)


def test_a_decision_never_sees_what_happened_in_a_later_epoch() -> None:
    statistics = knowing(100.0, 10.0)
    before = response(statistics)
    teach_actions(
        statistics, make_action("a", EPOCH + 1, exposures=101.0, clicks=99.0), epoch=EPOCH + 1
    )
    assert response(statistics) == before
    assert respond("a", "home", "viewed", 0.02, statistics, EPOCH + 1) != before


def test_responses_are_counted_apart_by_what_the_session_is_after() -> None:
    context = SessionContext(1, NOON, NOON)
    assert response_context(context, NOON) == sense_intent(context, NOON).intent
    assert response_context(context, NOON) in INTENTS


def test_a_response_model_knows_nothing_about_items() -> None:
    names = {one.entity for one in RESPONSE_FEATURES}
    assert names == {"session", "person", "context"}
    assert 20 < len(RESPONSE_FEATURES) < len(FEATURES)


def test_row_of_the_moment_is_what_every_candidate_has_in_a_matrix() -> None:
    knowledge = make_knowledge(*make_catalogue())
    event = make_event(event_type="product_viewed", item_ids=["i1"], context={"device": "phone"})
    news = track_all([event], knowledge)[1][-1]
    state = PersonState(NOON - DAY_MS, NOON, session_count=3)
    context, known = SESSION_CONTEXT.decode(news.context), knowledge.at(NOON)
    moment = Moment(state, context, event, knowledge, known)
    row = response_row(moment)
    candidates = [Retrieved(one, "trending", None, None) for one in ("i1", "i2")]
    leads = follow_session(context, state, knowledge.statistics, known.epoch, NOON)
    matrix = compute_features(View(moment, candidates, leads))
    columns = [FEATURE_SPACE.places[name] for name in RESPONSE_SPACE.names]
    assert row.shape == (1, RESPONSE_SPACE.count)
    for one in matrix[:, columns]:
        np.testing.assert_array_equal(row[0], one)
