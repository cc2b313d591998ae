"""What `kairos compare` counts as different, by placement and by version; where it does not compare."""

from typing import Any

from schemas.decisions import Versions
from scripts.audit.compare import (
    EDGE_MS,
    SAME_VERSIONS,
    Comparison,
    Seen,
    comparison_json,
    count_differing,
)

NOON = 1_800_000_000_000
END = NOON + 60_000
MIDDLE = NOON + 30_000
VERSIONS = Versions("p1", "m1", 1, 7, "0.1.0")


def seen(**changes: Any) -> Seen:
    one = Seen(MIDDLE, "home", "rank", "t", 1, 1, VERSIONS)
    return one._replace(**changes)


def compare(live: dict[str, Seen], shadow: dict[str, Seen]) -> tuple[Comparison, list[str]]:
    found = Comparison("green.", NOON, END)
    return found, count_differing(found, live, shadow)


def test_the_same_decision_does_not_differ_whatever_epoch_it_saw() -> None:
    other = seen(versions=Versions("p1", "m1", 1, 8, "0.1.0"))
    found, examples = compare({"a": seen()}, {"a": other})
    assert (found.total.compared, found.total.differing, examples) == (1, 0, [])
    assert list(found.by_cause) == ["knowledge"]


def test_what_a_person_would_see_otherwise_is_counted_by_what_is_different_first() -> None:
    live = {"a": seen(), "b": seen(), "c": seen(), "d": seen(placement="cart")}
    shadow = {
        "a": seen(action="nothing", items=2), "b": seen(treatment="u"), "c": seen(items=2),
        "d": seen(placement="cart", content=2),
    }  # fmt: skip
    found, examples = compare(live, shadow)
    assert found.differs_in == {"action": 1, "treatment": 1, "items": 1, "content": 1}
    assert found.by_placement["home"].differing == 3
    assert found.by_placement["cart"].differing == 1
    assert sorted(examples) == ["a", "b", "c", "d"]
    assert comparison_json(found)["share"] == 1.0


def test_causes_name_the_versions_that_differ() -> None:
    newer = Versions("p2", "m1", 1, 7, "0.2.0")
    found, _ = compare(
        {"a": seen(), "b": seen()}, {"a": seen(versions=newer, items=2), "b": seen(items=2)}
    )
    assert set(found.by_cause) == {"policy p1 → p2, code 0.1.0 → 0.2.0", SAME_VERSIONS}


def test_decisions_of_one_side_count_but_at_the_edges() -> None:
    early, late = seen(time_ms=NOON + EDGE_MS - 1), seen(time_ms=END - 1)
    found, _ = compare({"a": seen(), "b": early}, {"c": seen(), "d": late})
    assert (found.only_live, found.only_shadow, found.at_edges) == (1, 1, 2)
    assert comparison_json(found)["share"] == 0.0
