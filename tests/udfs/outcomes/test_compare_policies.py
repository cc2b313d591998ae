"""Two policies compared decision by decision: what counts as the same, what is earned, what is left out."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from schemas.decisions import Decision, Versions
from schemas.outcomes import Outcome
from tests.builders import NOON
from tests.examples.write import CONVERTED
from udfs.explain.tracing import Sight, Weighed
from udfs.outcomes import compare_policies
from udfs.outcomes.compare_policies import (
    OTHERS,
    Changed,
    Comparison,
    Move,
    Pair,
    arrays,
    differences,
)
from udfs.outcomes.rewards import IN_WORDS, REWARDS, reward_of

LINE: Sight = ("line", ())
MOBILE = ("device:mobile",)


def decision(number: int, action: str, chance: float, person: str = "p1") -> Decision:
    return Decision(
        f"d{number}", "decided", person, "s1", f"e{number}", NOON + number, "home", "web", action,
        "line", (), 1.0, None, chance, {}, False, False, "", Versions("p", "m", 0, 0, "c"), number,
        None, NOON,
    )  # fmt: skip


def weighed(number: int, chances: dict[str, float], **sights: Sight) -> Weighed:
    return Weighed(f"d{number}", chances, {name: sights.get(name, LINE) for name in chances})


def pair(
    number: int, was: dict[str, float], now: dict[str, float], did: str, does: str, **fields: Any
) -> Pair:
    """The log did `did` and the other policy `does`; `seen` and `sees`: what is seen otherwise than a line."""
    person = fields.get("person", "p1")
    return Pair(
        decision(number, did, was[did], person), weighed(number, was, **fields.get("seen", {})),
        decision(number, does, now[does], person), weighed(number, now, **fields.get("sees", {})),
    )  # fmt: skip


def compared(*pairs: Pair, reward: str = "click") -> Comparison:
    found = Comparison(reward, "EUR")
    for one in pairs:
        found.add(one, MOBILE)
    return found


def came(kind: str, number: int, **fields: Any) -> Outcome:
    fields = {"decision_id": f"d{number}", "sign": 1, "share": 1.0, "currency": "EUR"} | fields
    return replace(CONVERTED, kind=kind, **fields)


def test_the_chance_of_what_was_seen_is_taken_of_both() -> None:
    one = pair(0, {"a": 0.75, "b": 0.25}, {"a": 0.1, "b": 0.9}, "b", "b")
    logged, new = arrays(compared(one).rows)
    assert (logged.chances.tolist(), new.taken.tolist()) == ([0.25], [0.9])
    assert new.spread is not None
    assert new.spread.untried.tolist() == [0.0]
    told = zip(new.spread.rows, new.spread.actions, new.spread.chances, strict=True)
    assert sorted(told) == [(0, 0, 0.9), (0, 1, 0.1)], "what was done is action 0"


def test_an_action_with_other_items_or_another_treatment_is_something_else() -> None:
    for other in (("line", ("i2", "i1")), ("bold", ("i1", "i2"))):
        seen = {"a": ("line", ("i1", "i2"))}
        one = pair(0, {"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.2}, "a", "a", seen=seen, sees={"a": other})  # fmt: skip
        row = compared(one).rows[0]
        assert (row.taken, row.untried, row.is_changed) == (0.0, 0.8, True)
        same = pair(0, {"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.2}, "a", "a", seen=seen, sees=seen)
        row = compared(same).rows[0]
        assert (row.taken, row.untried, row.is_changed) == (0.8, 0.0, False)


def test_what_had_no_chance_in_the_log_was_never_tried() -> None:
    row = compared(pair(0, {"a": 1.0}, {"a": 0.25, "b": 0.75}, "a", "b")).rows[0]
    assert (row.taken, row.untried, row.is_changed) == (0.25, 0.75, True)


def test_who_would_see_something_else_is_counted_over_decisions_people_actions_and_segments() -> None:  # fmt: skip
    chances = {"a": 0.5, "b": 0.5}
    found = differences(compared(
        *(pair(n, chances, chances, "a", "b") for n in range(4)),
        pair(4, chances, chances, "b", "a", person="p2"),
        pair(5, chances, chances, "b", "b", person="p3"),
    ).rows)  # fmt: skip
    assert found.decisions == Changed(6, 5)
    assert found.people == Changed(3, 2)
    assert found.by_action == {"a": Changed(4, 4), "b": Changed(2, 1)}
    assert found.by_segment == {"device:mobile": Changed(6, 5)}
    assert found.moves == [
        Move("home", "a", "b", 4, ("d0", "d1", "d2")),
        Move("home", "b", "a", 1, ("d4",)),
    ]


def test_segments_beyond_the_bound_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_policies, "SEGMENTS_MAX", 2)
    found = Comparison("click", "EUR")
    for n in range(4):
        found.add(pair(n, {"a": 1.0}, {"a": 1.0}, "a", "a"), (f"country:{n}",))
    assert {name: one.decisions for name, one in differences(found.rows).by_segment.items()} == {
        OTHERS: 2, "country:0": 1, "country:1": 1,
    }  # fmt: skip


def test_each_reward_is_the_sum_that_its_kpi_adds_up() -> None:
    assert IN_WORDS.keys() == REWARDS.keys()
    assert reward_of("click", came("clicked", 0), "EUR") == 1.0
    assert reward_of("click", came("clicked", 0, sign=-1), "EUR") == -1.0
    assert reward_of("cart", came("carted", 0, share=0.5), "EUR") == 0.5
    assert reward_of("dismissal", came("dismissed", 0), "EUR") == 1.0
    bought = came("converted", 0, value=40.0, share=0.25, name="purchase_completed")
    assert reward_of("conversion", bought, "EUR") == 0.25
    assert reward_of("revenue", bought, "EUR") == 10.0
    assert reward_of("revenue", came("refunded", 0, value=40.0, share=0.25), "EUR") == -10.0
    other = replace(bought, currency="USD")
    assert (reward_of("revenue", other, "EUR"), reward_of("conversion", other, "EUR")) == (0.0, 0.25)  # fmt: skip
    assert all(reward_of(name, came("exposed", 0), "EUR") == 0.0 for name in REWARDS)


def test_a_row_earns_what_came_of_its_decision_and_of_no_other() -> None:
    found = compared(*(pair(n, {"a": 1.0}, {"a": 1.0}, "a", "a") for n in range(2)))
    for one in (came("clicked", 1), came("clicked", 9), came("clicked", 0, decision_id="")):
        found.earn(one)
    assert [one.reward for one in found.rows] == [0.0, 1.0]
    found.earn(came("clicked", 1, sign=-1))
    assert [one.reward for one in found.rows] == [0.0, 0.0], "what is taken back is"


def test_people_and_placements_are_numbered_for_the_estimators() -> None:
    people = ("x", "y", "x")
    logged, _ = arrays(compared(*(pair(n, {"a": 1.0}, {"a": 1.0}, "a", "a", person=who) for n, who in enumerate(people))).rows)  # fmt: skip
    assert logged.people is not None
    assert logged.people.tolist() == [0, 1, 0]
    assert np.array_equal(logged.groups, np.zeros(3))


def test_only_what_was_written_so_is_kept() -> None:
    chances = {"a": 0.5, "b": 0.5}
    found = compared(*(pair(n, chances, chances, "a", "a") for n in range(4)))
    found.confirm(decision(0, "a", 0.5))
    found.confirm(decision(0, "a", 0.5))
    found.confirm(decision(1, "b", 0.5))
    found.confirm(decision(2, "a", 0.4))
    found.confirm(decision(8, "a", 0.5))
    assert (found.keep_confirmed(), found.otherwise) == (1, 2)
    assert [one.decision_id for one in found.rows] == ["d0"]


def test_decisions_beyond_the_bound_are_counted() -> None:
    found = Comparison("click", "EUR", rows_max=2)
    for n in range(5):
        found.add(pair(n, {"a": 1.0}, {"a": 1.0}, "a", "a"), ())
    assert (len(found.rows), found.not_kept) == (2, 3)
