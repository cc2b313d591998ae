"""Examples of responses: the moment of each exposure, and whether a click on it came in time."""

from typing import Any

import numpy as np
import pytest

from jobs.config import config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning.response_examples import REWARD_WINDOW_MS, collect_responses
from models.response import ResponseExamples, ResponseModel, fit_responses
from schemas.codec import EVENT
from schemas.limits import HOUR_MS, SECOND_MS
from schemas.policy import Outcomes, Policy
from scripts.simulate.in_fold import knowledge_of
from tests.builders import NOON, make_event, make_knowledge, make_record
from tests.scripts.simulate.worlds import play, setting_of
from udfs.actions.respond import RESPONSE_SPACE
from udfs.policy.compile_policy import compile_policy

RULES = FoldRules(EVENT.decode, "seed", decides=lambda _: False)
COLUMN = {name: at for at, name in enumerate(RESPONSE_SPACE.names)}


def collected(
    *steps: tuple[int, dict[str, Any]], end_ms: int = 2 * HOUR_MS, window_ms: int | None = None
) -> ResponseExamples:
    """The examples of a log: events by their time after noon, and a last one that ends it."""
    last = end_ms, {"session_id": "last", "anonymous_id": "last"}
    log = [
        make_record(make_event(event_id=f"e{at}", event_time_ms=NOON + after_ms, **fields), at)
        for at, (after_ms, fields) in enumerate([*steps, last])
    ]
    knowledge = make_knowledge()
    if window_ms is not None:
        policy = Policy(outcomes=Outcomes(window_ms=window_ms))
        knowledge.add_policy("own", 1, 1, compile_policy(policy))
    return collect_responses(Fold(knowledge, RULES), log, knowledge)


def response(kind: str, decision: str = "d1", action: str = "quiz") -> dict[str, Any]:
    return {
        "event_type": f"decision_{kind}", "decision_id": decision,
        "properties": {"action_id": action},
    }  # fmt: skip


def test_people_who_do_not_agree_to_analytics_are_no_examples() -> None:
    def clicks(*purposes: str) -> list[float]:
        shown = response("exposed") | {"consent": list(purposes)}
        found = collected((0, shown), (SECOND_MS, response("clicked")))
        return [float(one) for one in found.clicks]

    assert clicks("analytics") == [1.0]
    assert clicks("personalisation") == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], []),
        ([response("exposed")], [0.0]),
        ([response("exposed"), response("clicked")], [1.0]),
        ([response("exposed"), response("clicked", "d2")], [0.0]),
        ([response("exposed"), response("clicked", action="chat")], [0.0]),
        ([response("exposed"), response("dismissed")], [0.0]),
        ([response("clicked"), response("exposed")], [0.0]),
        ([response("exposed"), response("exposed"), response("clicked")], [1.0]),
        ([response("exposed"), response("exposed", "d2"), response("clicked", "d2")], [0.0, 1.0]),
        ([response("exposed") | {"decision_id": None}], []),
        ([response("exposed", action="")], []),
    ],
)
def test_label_is_a_click_on_the_same_decision(
    steps: list[dict[str, Any]], expected: list[float]
) -> None:
    found = collected(*((SECOND_MS * at, step) for at, step in enumerate(steps)))
    assert found.clicks.tolist() == expected
    assert found.features.shape == (len(expected), RESPONSE_SPACE.count)
    assert set(found.action_ids) == ({"quiz"} if expected else set())


@pytest.mark.parametrize(("late_ms", "expected"), [(0, 1.0), (1, 0.0)])
def test_click_after_the_reward_window_is_none(late_ms: int, expected: float) -> None:
    # the session stays open: something happens in between
    found = collected(
        (0, response("exposed")),
        (REWARD_WINDOW_MS // 2, {}),
        (REWARD_WINDOW_MS + late_ms, response("clicked")),
    )
    assert found.clicks.tolist() == [expected]


def test_the_reward_window_is_that_of_the_policy_as_of_outcomes() -> None:
    for window_ms, end_ms, expected in ((HOUR_MS, 2, [1.0]), (SECOND_MS, 2, [0.0]), (3 * HOUR_MS, 2, [])):  # fmt: skip
        late = REWARD_WINDOW_MS + 1, response("clicked")
        found = collected((0, response("exposed")), (REWARD_WINDOW_MS // 2, {}), late, end_ms=end_ms * HOUR_MS, window_ms=window_ms)  # fmt: skip
        assert found.clicks.tolist() == expected


def test_labels_are_the_outcomes_of_the_learn_job() -> None:
    """Of people who do all sorts of things with what was decided for them, as the world of simulated shoppers has it."""
    played = play(setting_of("tiny", people=40))
    log = [make_record(event, at) for at, event in enumerate(played.events)]
    knowledge = knowledge_of(played.setting, config_from({}))
    told = Fold(knowledge, RULES, Learner()).run(log)
    outcomes = [outcome for one in told for outcome in one.outcomes if outcome.decision_id]
    clicks = sum(outcome.sign for outcome in outcomes if outcome.kind == "clicked")
    seen = sum(outcome.sign for outcome in outcomes if outcome.kind == "exposed")
    again = knowledge_of(played.setting, config_from({}))
    found = collect_responses(Fold(again, RULES), log, again)
    assert (int(found.clicks.sum()), len(found.clicks)) == (clicks, seen)
    assert clicks > 10


def test_at_the_bound_the_oldest_exposure_goes_with_its_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.learning.response_examples.EXAMPLES_MAX", 2)
    names = ("d1", "d2", "d3")
    steps = [response(kind, one) for one in names for kind in ("exposed", "clicked")][:5]
    again = [response("clicked", "d1")]  # of one that has gone
    found = collected(*((SECOND_MS * at, step) for at, step in enumerate([*steps, *again])))
    assert found.clicks.tolist() == [1.0, 0.0]


def test_exposure_whose_window_is_still_open_is_no_example() -> None:
    for end_ms, count in ((REWARD_WINDOW_MS - 1, 0), (REWARD_WINDOW_MS, 1)):
        assert len(collected((0, response("exposed")), end_ms=end_ms).clicks) == count


def test_features_are_of_the_moment_of_the_exposure() -> None:
    viewed = {"event_type": "product_viewed", "item_ids": ["i1"], "price": 3.0}
    found = collected(
        (0, viewed), (SECOND_MS, viewed), (2 * SECOND_MS, response("exposed")), (3 * SECOND_MS, viewed)
    )  # fmt: skip
    row = found.features[0]
    assert row[COLUMN["session_events"]] == 3.0
    assert row[COLUMN["session_views_1min"]] == 2.0
    assert row[COLUMN["person_views_1h"]] == 2.0
    assert (found.from_ms, found.to_ms) == (NOON + 2 * SECOND_MS,) * 2


def test_model_learns_from_a_log_who_clicks() -> None:
    """Those who viewed something click, the others do not; two in ten of each do otherwise."""
    steps: list[tuple[int, dict[str, Any]]] = []
    for number in range(400):
        is_viewer, is_odd = number % 2 == 0, number % 10 < 2
        who = {"session_id": f"s{number}", "anonymous_id": f"a{number}"}
        if is_viewer:
            steps.append((number, who | {"event_type": "product_viewed", "item_ids": ["i1"]}))
        steps.append((number, who | response("exposed", f"d{number}")))
        if is_viewer != is_odd:
            steps.append((number, who | response("clicked", f"d{number}")))
    found = collected(*steps)
    model = ResponseModel("v", fit_responses(found, RESPONSE_SPACE))
    chances = [model.propensities(["quiz"], row[None, :])["quiz"] for row in found.features]
    viewers = found.features[:, COLUMN["session_views_1min"]] > 0
    assert np.mean(np.array(chances)[viewers]) == pytest.approx(0.8, abs=0.05)
    assert np.mean(np.array(chances)[~viewers]) == pytest.approx(0.2, abs=0.05)
