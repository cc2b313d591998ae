"""docs/policy.md says what the definitions say."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from msgspec import inspect

from schemas.actions import Action, Budget, Limits
from schemas.policy import Exploration, Policy
from scripts.policy.policy_docs import PAGE, page
from scripts.policy.policy_file import read_policy
from udfs.actions.arbitrate import arbitrate, contend
from udfs.actions.pace_budgets import allowance
from udfs.facts.attributes import ATTRIBUTES, ITEM_ATTRIBUTES
from udfs.items.fill_slate import _boosted, _with_pinned
from udfs.policy.compile_policy import compile_policy


def rows_of(title: str) -> list[str]:
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", page(), re.DOTALL | re.MULTILINE)
    return [line for line in section.splitlines() if line.startswith("| `")]


def names_in(rows: list[str]) -> list[str]:
    return [row.split("`")[1] for row in rows]


def test_the_committed_page_is_what_the_definitions_generate() -> None:
    assert PAGE.read_text() == page(), "run `kairos policy docs --write`"


def test_each_field_has_one_row_under_the_name_that_the_file_has() -> None:
    for struct in (Policy, Action, Limits):
        kind = inspect.type_info(struct)
        assert isinstance(kind, inspect.StructType)
        names = [field.name.removesuffix("_ms") for field in kind.fields]
        assert names_in(rows_of(struct.__name__)) == names


def test_a_row_tells_what_a_field_takes_its_default_and_its_meaning() -> None:
    rows = dict(zip(names_in(rows_of("Action")), rows_of("Action"), strict=True))
    assert rows["value"] == "| `value` | a number from 0 to 1,000,000,000 | `1.0` |  |"
    assert rows["starts"].startswith("| `starts` | a moment | 1970-01-01T00:00:00+00:00 |")
    assert "| a length of time up to 400 d | none | How long" in rows["valid"]
    assert "[Limits](#limits)" in rows["limits"]
    assert "| texts by language | none |" in rows["reason"]


def test_each_attribute_has_one_row_of_four_cells() -> None:
    rows = rows_of("Attributes")
    assert names_in(rows) == [one.attribute for one in (*ATTRIBUTES, *ITEM_ATTRIBUTES)]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
    assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1])


# --- the examples in the definitions' sentences --------------------------------------------------------------


WITH_A_CHAT: Final = """
actions: [{id: chat, kind: assistance, value: 2, budget: {total: 1}, treatments: [{id: card}]}]
experiments:
  - name: e
    arms:
      - {name: as_it_is, share: 0.1}
      - {name: mapping, share: 0.1, changes: {actions: {chat: {value: 3}}}}
      - {name: list, share: 0.1, changes: {actions: [{id: chat, value: 3}]}}
      - {name: without, share: 0.1, changes: {actions: {chat: {budget: null}}}}
"""


def test_an_arm_changes_what_it_names_and_takes_away_what_it_calls_null(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(WITH_A_CHAT)
    policy = read_policy(file)
    compiled, (experiment,) = compile_policy(policy), policy.experiments
    found = [compiled.variant({"e": one.name}).policy.actions[0] for one in experiment.arms]
    budget = Budget(total=1.0)
    assert [(one.value, one.budget) for one in found] == [
        (2.0, budget), (3.0, budget), (3.0, budget), (2.0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("people_per_s", "share"), [(1.0, 100 / 14), (50.0, 1 / 7)])
def test_the_end_of_a_budget_goes_to_a_share_of_a_crowd(people_per_s: float, share: float) -> None:
    budget = Budget(total=100.0, cost=1.0, people_per_s=people_per_s)
    assert allowance(budget, None, 1, 0, "UTC").share == pytest.approx(share)


def test_exploration_gives_the_other_one_five_of_a_hundred() -> None:
    offer = contend("offer", 0.02, "prior", 1.0, 60.0, 1.0)
    chat = contend("chat", 0.1, "prior", 1.0, 5.0, 1.0)
    assert (offer.priority, chat.priority) == pytest.approx((1.2, 0.5))
    chosen = arbitrate([chat, offer], Exploration("epsilon_greedy", 0.1), 0.0)
    assert chosen.probabilities == pytest.approx({"offer": 0.95, "chat": 0.05})


def test_a_pin_takes_the_last_place_and_keeps_its_own_where_it_has_one() -> None:
    best = list(range(8))
    assert _with_pinned(best, [20, 21], 8) == [0, 1, 2, 3, 4, 5, 20, 21]
    assert _with_pinned(best, [2], 8) == best


def test_a_boost_of_three_brings_the_third_of_four_to_the_first_place() -> None:
    scores = np.array([9.0, 8.0, 7.0, 6.0], dtype=np.float32)
    weights = {at: 3.0 if at == 2 else 1.0 for at in range(4)}
    assert _boosted(scores, range(4), weights).tolist() == [1.0, 0.75, 1.5, 0.25]
