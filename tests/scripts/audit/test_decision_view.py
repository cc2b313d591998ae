"""What the console shows of a person's decisions."""

from scripts.audit.decision_view import seen_now
from tests.channels.decisions import make_decision

NOW = 1_700_000_000_000


def test_a_person_sees_the_newest_of_each_placement_while_it_is_valid() -> None:
    newest_first = [
        make_decision(9, placement="home", valid_until_ms=NOW + 1, content={"title": "Sale"}),
        make_decision(8, placement="home", valid_until_ms=NOW + 9),
        make_decision(7, placement="cart", valid_until_ms=NOW),
        make_decision(6, placement="cart", valid_until_ms=NOW + 9),
        make_decision(5, placement="bar", kind="withdrawn", valid_until_ms=NOW + 9),
        make_decision(4, placement="bar", valid_until_ms=NOW + 9),
        make_decision(3, placement="apse", valid_until_ms=NOW + 9),
    ]
    found = seen_now(newest_first, NOW)
    assert [(one["placement"], one["decision_id"]) for one in found] == [
        ("apse", "d3"),
        ("home", "d9"),
    ]
    assert found[1]["content"] == {"title": "Sale"}
