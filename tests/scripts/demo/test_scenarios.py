"""The mission's scenarios 1-4, 7-9, 11 and 12: each works, does not without its cause, and knows no id."""

from collections.abc import Callable

import pytest

from schemas.decisions import Decision
from schemas.items import Item
from tests.scripts.scenarios import Scenario, play, renamed, renamed_items, scenarios

ALL = scenarios()
Slate = list[Item]


def third(item: Item, items: list[Item]) -> int:
    """0 = in the lowest third of the prices of its category, 2 = in the highest."""
    prices = sorted(one.price or 0.0 for one in items if one.category == item.category)
    place = prices.index(item.price or 0.0)
    return 3 * place // len(prices)


def is_supportive(item: Item) -> bool:
    return bool({"stability", "cushioned"} & set(item.tags))


def running_shoes(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert len(slate) == 8
    for item, shown in zip(slate, decision.items, strict=True):
        assert item.category == "Sports/Running/Shoes"
        assert is_supportive(item)
        assert "10" in item.attributes["sizes"].split()
        assert "10" in shown.reason or "arch support" in shown.reason
    both = [{"stability", "cushioned"} <= set(item.tags) for item in slate]
    assert both[0]
    assert both == sorted(both, reverse=True)


def next_page(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert len(slate) == 8
    assert all(map(is_supportive, slate))


def todays_price(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert len(slate) == 8
    assert all((one.category or "").startswith("Kitchen/Appliances/") for one in slate)
    assert {third(one, items) for one in slate} == {0}


def usual_price(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert all((one.category or "").startswith("Kitchen/Appliances/") for one in slate)
    assert {third(one, items) for one in slate} == {2}


def reader(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert len(slate) == 6
    assert "trains" in slate[0].tags
    assert not any("football" in one.tags for one in slate)
    assert sum("must-read" in one.tags for one in slate) == 2


def front_page(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert "trains" in slate[0].tags
    assert sum("must-read" in one.tags for one in slate) == 2


def few_rooms(slate: Slate, decision: Decision, items: list[Item]) -> None:
    assert {one.attributes["district"] for one in slate} == {"Old Harbour"}
    stocks = [one.stock or 0 for one in slate]
    assert stocks[:4] == sorted(stocks[:4])
    assert stocks[0] >= 1
    assert stocks[3] <= 4
    for item, shown in zip(slate, decision.items, strict=True):
        if (item.stock or 0) <= 4:
            assert str(item.stock) in shown.reason


def first_tagged(tag: str) -> Callable[[Slate, Decision, list[Item]], None]:
    def check(slate: Slate, decision: Decision, items: list[Item]) -> None:
        assert tag in slate[0].tags

    return check


SLATES: dict[tuple[str, str], Callable[[Slate, Decision, list[Item]], None]] = {
    ("running_shoes", "list"): running_shoes,
    ("running_shoes_next_page", "list"): next_page,
    ("gift", "list"): todays_price,
    ("gift_later", "home"): usual_price,
    ("reader", "next_articles"): reader,
    ("reader_front_page", "front_page"): front_page,
    ("few_rooms", "results"): few_rooms,
    ("large_company", "stories"): first_tagged("enterprise"),
    ("founder", "stories"): first_tagged("start-up"),
}
"""What the words under `slate` in scenarios.yaml mean."""


def name_of(scenario: Scenario) -> str:
    return scenario.name


def other(name: str) -> str:
    return f"zz-{name}"


def test_every_slate_that_is_described_is_checked() -> None:
    assert {(one.name, placement) for one in ALL for placement in one.slate} == SLATES.keys()
    assert {one.demo for one in ALL} == {
        "shop",
        "publisher",
        "saas",
        "hotel",
        "mortgage",
        "business",
    }


@pytest.mark.parametrize("scenario", ALL, ids=name_of)
def test_it_works(scenario: Scenario) -> None:
    items = scenario.items()
    made = play(scenario.demo, scenario.events(), items)
    catalogue = {item.item_id: item for item in items}
    for placement, action_id in scenario.expected.items():
        decision, trace = made[scenario.asked, placement]
        assert decision.action_id == action_id, trace.actions
        assert action_id == "nothing" or decision.explanation
        check = SLATES.get((scenario.name, placement))
        if check is not None:
            check([catalogue[one.item_id] for one in decision.items], decision, items)


@pytest.mark.parametrize("scenario", ALL, ids=name_of)
def test_without_its_cause_it_does_not_happen(scenario: Scenario) -> None:
    assert scenario.left_out in {one.event_id for one in scenario.events()}
    less = [one for one in scenario.events() if one.event_id != scenario.left_out]
    made = play(scenario.demo, less, scenario.items())
    for placement, action_id in scenario.counter_expected.items():
        if scenario.left_out == scenario.asked:
            continue
        decision, trace = made[scenario.asked, placement]
        assert decision.action_id == action_id, trace.actions


@pytest.mark.parametrize("scenario", ALL, ids=name_of)
def test_it_knows_no_id(scenario: Scenario) -> None:
    events = renamed(scenario.events(), other)
    made = play(scenario.demo, events, renamed_items(scenario.items(), other))
    for placement, action_id in scenario.expected.items():
        assert made[other(scenario.asked), placement][0].action_id == action_id
