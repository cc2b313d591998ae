"""What `explain` says of a trace, where nothing runs."""

from typing import Any

import msgspec
import numpy as np
import pytest

from schemas.decisions import (
    DecisionItem,
    DecisionTrace,
    LeftOut,
    TracedAction,
    TracedCandidate,
    Versions,
)
from scripts.audit.explained_view import show_explained as show
from scripts.audit.explanation import (
    BIAS,
    MEANINGS,
    Explained,
    action_funnel,
    explain,
    explained_json,
    features_of,
    funnel,
)
from tests.channels.decisions import make_decision
from udfs.explain.fit_records import leave_out
from udfs.facts.features import FEATURE_SPACE


def candidate(item_id: str, source: str, verdict: str, rule: str, score: float) -> TracedCandidate:
    return TracedCandidate(item_id, source, verdict, rule, {}, score)  # type: ignore[arg-type]


CANDIDATES = (
    candidate("a", "new", "not_chosen", "outranked", 1.0),
    candidate("b", "new", "suppressed", "bought", 3.0),
    candidate("c", "trending", "chosen", "ranked", 2.0),
    candidate("d", "new", "suppressed", "out_of_stock", 0.5),
)


def action(action_id: str, verdict: str, stage: str, rule: str, priority: float) -> TracedAction:
    chance = 0.5 if priority else 0.0
    return TracedAction(
        action_id, "t", verdict, stage, rule, {"session.events": "0"}, priority, "prior",  # type: ignore[arg-type]
        1.0, 1.0, 1.0, priority, chance,
    )  # fmt: skip


ACTIONS = (
    action("banner", "not_chosen", "arbitration", "outweighed", 0.25),
    action("chat", "excluded", "suitability", "calm", 0.0),
    action("gift", "excluded", "eligibility", "law", 0.0),
    action("nothing", "not_chosen", "arbitration", "outweighed", 0.0),
    action("quiz", "chosen", "arbitration", "chosen", 0.125),
    action("sale", "excluded", "suitability", "calm", 0.0),
)
DECISION = make_decision(1, items=(DecisionItem("c", 2.0, "You looked at this recently"),))


def trace() -> DecisionTrace:
    matrix = np.full((len(CANDIDATES), FEATURE_SPACE.count), np.nan, dtype=np.float32)
    matrix[:, FEATURE_SPACE.places["item_price"]] = [1, 2, 3, 4]
    versions = Versions("p", "m", 0, 0, "c")
    return DecisionTrace(
        "d", "person", "s", "e", 0, "home", 1, versions, FEATURE_SPACE.digest, matrix.tobytes(),
        CANDIDATES, 0.5, ACTIONS,
    )  # fmt: skip


def explained(contributions: list[dict[str, float]]) -> Explained:
    return Explained(DECISION, trace(), features_of(trace()), contributions, "because")


def test_the_funnel_counts_by_source_and_by_what_became_of_them() -> None:
    assert funnel(trace()) == {
        "new": {"not_chosen": 1, "bought": 1, "out_of_stock": 1},
        "trending": {"chosen": 1},
    }


def test_the_funnel_of_the_actions_counts_in_the_order_of_the_stages() -> None:
    expected = [("actions", 6), ("eligibility", 1), ("suitability", 2), ("left", 3)]
    assert list(action_funnel(trace()).items()) == expected
    nobody = msgspec.structs.replace(trace(), actions=())
    assert action_funnel(nobody) == {"actions": 0, "left": 0}


def test_actions_are_shown_the_chosen_first_then_by_priority_then_the_excluded_and_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []
    tables: list[tuple[Any, ...]] = []
    monkeypatch.setattr("scripts.audit.explained_view.show", lines.append)
    monkeypatch.setattr(
        "scripts.audit.explained_view.show_table", lambda *told: tables.append(told)
    )
    decision = msgspec.structs.replace(
        DECISION, arm={"hero_test": "big"}, is_holdout=True, content={"title": "Find your shoe"}
    )
    show(explained([])._replace(decision=decision), None)
    assert "  actions   6 actions, 1 eligibility, 2 suitability, 3 left" in lines
    assert "  arms      hero_test: big - in the holdout" in lines
    assert "  title     Find your shoe" in lines
    rows = next(told[2] for told in tables if told[0].startswith("actions "))
    assert [row[:3] for row in rows] == [
        ("quiz", "chosen", "arbitration"),
        ("banner", "not chosen", "arbitration"),
        ("nothing", "not chosen", "arbitration"),
        ("chat", "excluded", "suitability"),
        ("gift", "excluded", "eligibility"),
        ("sale", "excluded", "suitability"),
    ]
    assert rows[0][3:] == (
        "0.125 = propensity 0.125 (prior) x context 1 x value 1 x lever 1", "50.0%",
    )  # fmt: skip
    assert rows[3][3:] == ("rule 'calm' does not hold: session.events was 0", "")


def test_an_order_without_a_model_says_what_each_feature_adds() -> None:
    def found(version: str) -> Explained:
        versions = Versions("p", version, 0, 0, "c")
        said = msgspec.structs.replace(trace(), versions=versions)
        matrix = np.full((len(CANDIDATES), FEATURE_SPACE.count), np.nan, dtype=np.float32)
        matrix[:, FEATURE_SPACE.places["next_rank"]] = [0, 1, 3, np.nan]
        return explain(DECISION, msgspec.structs.replace(said, features=matrix.tobytes()), never)

    def never(version: str) -> Any:
        raise AssertionError(f"{version} is no model")

    assert [one["next_rank"] for one in found("cold_start").contributions] == [1.0, 0.5, 0.25, 0.0]
    assert found("popularity").contributions == []
    assert "the order is `popularity`" in found("popularity").remark


def test_missing_values_are_left_out() -> None:
    assert features_of(trace()) == [{"item_price": float(price)} for price in (1, 2, 3, 4)]


def test_json_has_all_of_it() -> None:
    shares = [dict.fromkeys([*FEATURE_SPACE.names, BIAS], 0.1)] * len(CANDIDATES)
    found = explained_json(explained(shares))
    assert found["trace"]["contributions"] == shares
    assert found["trace"]["features"] == features_of(trace())
    assert found["funnel"] == funnel(trace())
    assert found["action_funnel"] == action_funnel(trace())
    assert [one["action_id"] for one in found["trace"]["actions"]] == [
        one.action_id for one in ACTIONS
    ]
    assert found["remark"] == "because"
    assert found["meanings"].keys() == {*FEATURE_SPACE.names} == MEANINGS.keys()


def test_the_largest_contributions_come_first_with_value_and_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = [dict.fromkeys([*FEATURE_SPACE.names, BIAS], 0.0) for _ in CANDIDATES]
    shares[1]["item_price"], shares[1]["touch_age"] = -2.0, 1.5
    lines: list[str] = []
    monkeypatch.setattr("scripts.audit.explained_view.show", lines.append)
    tables: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        "scripts.audit.explained_view.show_table", lambda *told: tables.append(told)
    )
    show(explained(shares), None)
    assert any("remark    because" in line for line in lines)
    _, columns, rows = tables[-1]
    assert columns == ("feature", "c (chosen)", "b (bought)", "a (not_chosen)", "meaning")
    first, second = rows[0], rows[1]  # type: ignore[index]
    assert (first[0], second[0]) == ("item_price", "touch_age")
    assert any("2 (-2.000)" in str(cell) for cell in first)
    assert any("missing (+1.500)" in str(cell) for cell in second)
    assert first[-1] == MEANINGS["item_price"]


def test_without_a_model_the_values_that_differ_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[object, ...]] = []
    monkeypatch.setattr("scripts.audit.explained_view.show", lambda _: None)
    monkeypatch.setattr(
        "scripts.audit.explained_view.show_table", lambda *told: tables.append(told)
    )
    show(explained([]), None)
    title, _, rows = tables[-1]
    assert title == "values that differ"
    assert [row[0] for row in rows] == ["item_price"]  # type: ignore[attr-defined]


def test_a_trace_that_was_too_large_is_explained_without_what_it_left_out() -> None:
    def no_ranker(version: str) -> Any:
        raise AssertionError(version)

    cut = leave_out(trace(), LeftOut(len(trace().features), 2, 1))
    found = explain(DECISION, cut, no_ranker)
    assert (found.features, found.contributions) == ([], [])
    assert found.remark == (
        "the trace would have been too large: its features, 2 candidates, 1 actions are left out"
    )
    assert explained_json(found)["trace"]["left_out"]["candidates"] == 2
    show(found, None)


class Ranker:
    """A model of two features whose score is their sum."""

    names = ("item_price", "item_age")

    def contributions(self, features: Any) -> Any:
        return np.concatenate([np.nan_to_num(features), np.zeros((len(features), 1))], axis=1)


def of_a_model(**changed: Any) -> DecisionTrace:
    return msgspec.structs.replace(trace(), matrix_digest=b"as decided", **changed)


def test_contributions_are_of_the_features_that_the_model_reads() -> None:
    found = explain(DECISION, of_a_model(), lambda _: Ranker())  # type: ignore[arg-type,return-value]
    assert [row["item_price"] for row in found.contributions] == [1.0, 2.0, 3.0, 4.0]
    assert found.contributions[0].keys() == {"item_price", "item_age", BIAS}


def test_features_that_the_trace_does_not_hold_are_computed_again_or_their_lack_is_said() -> None:
    cut = of_a_model(features=b"")
    asked: list[str] = []

    def told(made: DecisionTrace | None) -> Explained:
        def again(decision_id: str) -> DecisionTrace | None:
            asked.append(decision_id)
            return made

        return explain(DECISION, cut, lambda _: Ranker(), again)  # type: ignore[arg-type,return-value]

    found = told(of_a_model())
    assert found.features == features_of(trace())
    assert found.contributions
    assert found.trace == cut, "what was logged"
    assert "computed again from the log" in found.remark
    for other in (None, msgspec.structs.replace(of_a_model(), matrix_digest=b"other")):
        found = told(other)
        assert (found.features, found.contributions) == ([], [])
        assert "no longer recomputable" in found.remark
    assert set(asked) == {"d"}
    without = explain(DECISION, cut, lambda _: Ranker())  # type: ignore[arg-type,return-value]
    assert without.features == []
    assert "`kairos explain d` computes them again" in without.remark
    assert explained_json(without)["trace"]["matrix_digest"] == b"as decided".hex()
