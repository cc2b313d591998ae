"""The demos: made-up catalogues, a policy each, and the scenarios that are played on them."""

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.actions import Action, Sentence
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from schemas.items import Item
from schemas.limits import EVENT_TIME_MIN_MS
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Policy
from scripts.demo.make_catalogue import (
    DEMO_DATA,
    ITEMS_FILE,
    LEVELS,
    OPENED_MS,
    items_text,
    make_catalogue,
    read_shelves,
)
from scripts.files.item_files import read_items
from scripts.policy.policy_file import read_policy
from tests.scripts.scenarios import Scenario, scenarios
from udfs.policy.compile_policy import compile_policy

DEMOS = ("shop", "publisher", "hotel", "saas", "mortgage", "business")
LANGUAGES = {"en", "de"}


SCENARIOS = scenarios()
FILES = sorted({(one.demo, one.file) for one in SCENARIOS})
by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
by_demo = pytest.mark.parametrize("demo", DEMOS)


@cache
def items_of(demo: str) -> tuple[Item, ...]:
    return tuple(read_items(DEMO_DATA / demo / "items.jsonl"))


@cache
def policy_of(demo: str) -> Policy:
    return read_policy(DEMO_DATA / demo / "policy.yaml")


@cache
def events_of(demo: str, file: str) -> tuple[Event, ...]:
    lines = (DEMO_DATA / demo / file).read_bytes().splitlines()
    return tuple(event_from_json(line) for line in lines)


def sentences_of(action: Action) -> list[Sentence]:
    shown = [text for one in action.treatments for text in one.content.values()]
    return [action.reason, *shown, *(boost.reason for boost in action.items.boosts if boost.reason)]


# --- catalogues -----------------------------------------------------------------------------------------


def test_the_committed_catalogue_is_what_the_script_makes() -> None:
    made = items_text(make_catalogue(read_shelves()))
    assert ITEMS_FILE.read_text() == made, "run `python -m scripts.demo.make_catalogue`"


@pytest.mark.parametrize(
    ("demo", "count"),
    [
        ("shop", 328), ("publisher", 40), ("hotel", 30), ("saas", 8), ("mortgage", 6), ("business", 6),
    ],
)  # fmt: skip
def test_a_catalogue_has_so_many_items_each_with_its_own_id_name_and_text(
    demo: str, count: int
) -> None:
    items = items_of(demo)
    assert len(items) == count
    assert len({item.item_id for item in items}) == count
    assert len({item.name for item in items}) == count
    assert len({item.text for item in items}) == count


@by_demo
def test_items_are_in_force_before_their_demos_first_event_and_were_made_by_then(demo: str) -> None:
    first_ms = min(events_of(*at)[0].event_time_ms for at in FILES if at[0] == demo)
    for item in items_of(demo):
        assert EVENT_TIME_MIN_MS < (item.created_ms or 0) <= item.effective_from_ms < first_ms


def test_the_shop_has_running_shoes_of_every_kind_and_in_most_of_them_size_10() -> None:
    shoes = [item for item in items_of("shop") if item.category == "Sports/Running/Shoes"]
    tags = Counter(tag for item in shoes for tag in item.tags)
    assert len(shoes) >= 40
    assert min(tags[tag] for tag in ("stability", "cushioned", "neutral", "trail")) >= 9
    assert sum("10" in item.attributes["sizes"].split() for item in shoes) > len(shoes) / 2


@pytest.mark.parametrize(
    ("start", "count"),
    [
        ("Kitchen/Appliances/", 50), ("Sports/Yoga/", 20), ("Sports/Cycling/", 25), ("Outdoor/Camping/", 25),
        ("Home/Bedding/", 25), ("Home/Lighting/", 15), ("Home/Storage/", 15),
    ],
)  # fmt: skip
def test_the_shop_has_its_departments(start: str, count: int) -> None:
    assert sum((item.category or "").startswith(start) for item in items_of("shop")) >= count


def test_each_shelf_has_cheap_and_dear_things_of_brands_that_are_known_for_it() -> None:
    shelves = read_shelves()
    for shelf in shelves.shelves:
        levels = [shelf.prices[level] for level in LEVELS]
        assert all(one[1] < other[0] for one, other in pairwise(levels))
        for item in items_of("shop"):
            if item.category == shelf.category:
                assert _level_of(item.brand or "", shelves.brands[shelf.brands]) == _level_of_price(
                    item.price or 0.0, shelf.prices
                )


def _level_of(brand: str, brands: dict[str, tuple[str, ...]]) -> str:
    return next(level for level, names in brands.items() if brand in names)


def _level_of_price(price: float, prices: dict[str, tuple[float, float]]) -> str:
    return next(level for level, (low, high) in prices.items() if low - 1 < price < high + 1)


def test_some_things_of_the_shop_are_scarce_some_sold_out_and_most_are_there() -> None:
    stocks = [item.stock for item in items_of("shop")]
    assert stocks.count(0) >= 5
    assert sum(stock in (1, 2, 3, 4) for stock in stocks) >= 20
    assert sum((stock or 0) >= 5 for stock in stocks) > 0.75 * len(stocks)


def test_the_shop_rates_everything() -> None:
    for item in items_of("shop"):
        assert 1.0 <= float(item.attributes["rating"]) <= 5.0
        assert int(item.attributes["reviews"]) > 0


def test_the_catalogue_of_the_shop_is_older_than_its_opening() -> None:
    assert {item.effective_from_ms for item in items_of("shop")} == {OPENED_MS}


def test_two_articles_are_must_reads() -> None:
    assert sum("must-read" in item.tags for item in items_of("publisher")) == 2


def test_the_hotels_are_in_four_districts_each_with_a_house_that_is_nearly_full() -> None:
    rooms: dict[str, list[int]] = {}
    for item in items_of("hotel"):
        rooms.setdefault(item.attributes["district"], []).append(item.stock or 0)
    assert len(rooms) == 4
    assert all(any(1 <= count <= 4 for count in counts) for counts in rooms.values())


# --- policies -------------------------------------------------------------------------------------------


@by_demo
def test_a_policy_is_ready_to_decide_by(demo: str) -> None:
    compiled = compile_policy(policy_of(demo))
    assert compiled.placements


@by_demo
def test_every_text_of_a_policy_is_there_in_both_languages(demo: str) -> None:
    for action in policy_of(demo).actions:
        for sentence in sentences_of(action):
            if sentence:
                assert set(sentence) == LANGUAGES, (action.id, sentence)


@by_demo
def test_every_action_of_a_policy_says_why_it_is_there(demo: str) -> None:
    for action in policy_of(demo).actions:
        assert action.id == RECOMMEND_ITEMS or set(action.reason) == LANGUAGES


@by_demo
def test_policies_name_no_items_so_that_renamed_ids_change_nothing(demo: str) -> None:
    text = (DEMO_DATA / demo / "policy.yaml").read_text()
    assert [item.item_id for item in items_of(demo) if item.item_id in text] == []


@by_demo
def test_every_rule_of_a_policy_has_a_line_of_why_above_it(demo: str) -> None:
    lines = (DEMO_DATA / demo / "policy.yaml").read_text().splitlines()
    rules = [at for at, line in enumerate(lines) if line.lstrip().startswith("- name:")]
    assert rules
    assert [lines[at] for at in rules if not lines[at - 1].lstrip().startswith("#")] == []


# --- scenarios ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("demo", "file"), FILES)
def test_the_events_of_a_scenario_are_in_order_and_each_has_its_own_id(
    demo: str, file: str
) -> None:
    events = events_of(demo, file)
    times = [event.event_time_ms for event in events]
    assert times == sorted(times)
    assert len({event.event_id for event in events}) == len(events)


@pytest.mark.parametrize(("demo", "file"), FILES)
def test_the_events_of_a_scenario_name_items_of_their_catalogue_at_their_price(
    demo: str, file: str
) -> None:
    items = {item.item_id: item for item in items_of(demo)}
    for event in events_of(demo, file):
        for item_id in event.item_ids:
            assert event.price in (None, items[item_id].price)
            assert event.category in (None, items[item_id].category)


@by_name
def test_a_scenario_asks_after_the_event_that_its_counter_case_lacks(scenario: Scenario) -> None:
    ids = [event.event_id for event in events_of(scenario.demo, scenario.file)]
    assert ids.index(scenario.left_out) < ids.index(scenario.asked)


@by_name
def test_a_scenario_and_its_counter_case_differ_in_the_same_placements(scenario: Scenario) -> None:
    assert scenario.expected.keys() == scenario.counter_expected.keys()
    assert scenario.expected != scenario.counter_expected
    assert scenario.slate.keys() <= scenario.expected.keys()


@by_name
def test_a_scenario_expects_actions_of_placements_that_its_event_asks_for(
    scenario: Scenario,
) -> None:
    policy = policy_of(scenario.demo)
    actions = {one.id: one for one in policy.actions}
    placements = {one.name: one for one in policy.placements}
    events = {event.event_id: event for event in events_of(scenario.demo, scenario.file)}
    asked = events[scenario.asked]
    for name, action_id in (*scenario.expected.items(), *scenario.counter_expected.items()):
        placement = placements[name]
        assert name in asked.placements or asked.event_type in placement.event_types
        own = actions[action_id].placements if action_id in actions else ()
        assert action_id == NOTHING or action_id in placement.actions or name in own


@pytest.mark.parametrize(("demo", "file"), FILES)
def test_reactions_in_a_scenario_name_a_decision_of_an_earlier_event(demo: str, file: str) -> None:
    placements = {one.name for one in policy_of(demo).placements}
    before: set[str] = set()
    for event in events_of(demo, file):
        if event.decision_id is not None:
            cause, _, placement = event.decision_id.partition("/")
            assert cause in before
            assert placement == event.properties["placement"]
            assert placement in placements
        before.add(event.event_id)


@by_demo
def test_every_demo_is_played(demo: str) -> None:
    folder = Path(DEMO_DATA / demo)
    played = {file for name, file in FILES if name == demo}
    assert played
    assert played == {path.name for path in folder.glob("scenario_*.jsonl")}
