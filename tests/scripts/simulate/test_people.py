"""People of a world: the same for a seed, in the shares that the world says, each with tastes of their own."""

from random import Random
from statistics import fmean, median

import pytest

from schemas.items import Item
from scripts.simulate.goods import goods_of, made_items
from scripts.simulate.people import appeal, make_person, own_choice
from scripts.simulate.world import Around, Catalogue
from tests.scripts.simulate.worlds import person_of, setting_of, two_shelves

MANY = 3_000
SHOP = setting_of("shop")
PEOPLE = [make_person(SHOP.world, SHOP.goods, number) for number in range(MANY)]
CLOSE = 0.03
"""Four times the standard error of a half among so many, and a little."""


def share(wanted: list[bool]) -> float:
    return sum(wanted) / len(wanted)


def test_a_person_depends_on_the_seed_and_their_number_alone() -> None:
    again = make_person(SHOP.world, SHOP.goods, 7)
    fewer = setting_of("shop", people=8)
    other = setting_of("shop", seed="2")
    assert again == PEOPLE[7] == make_person(fewer.world, fewer.goods, 7)
    assert make_person(other.world, other.goods, 7) != PEOPLE[7]


def test_shares_are_as_the_world_says() -> None:
    world, humans = SHOP.world, [one for one in PEOPLE if not one.is_bot]
    bots = [one for one in PEOPLE if one.is_bot]
    assert share([one.is_bot for one in PEOPLE]) == pytest.approx(world.bots.share, abs=0.01)
    assert share([one.is_declared for one in bots]) == pytest.approx(world.bots.declared, abs=0.2)
    granting = [one for one in humans if one.is_granting]
    assert share([bool(one.is_granting) for one in humans]) == pytest.approx(0.7, abs=CLOSE)
    assert share([one.is_granting is False for one in humans]) == pytest.approx(0.15, abs=CLOSE)
    withdrawing = [one.withdraws_in is not None for one in granting]
    assert share(withdrawing) == pytest.approx(world.consent.withdrawn, abs=0.01)
    assert {one.withdraws_in for one in humans if not one.is_granting} == {None}
    members = [one.account is not None for one in humans]
    assert share(members) == pytest.approx(world.members.share, abs=CLOSE)
    for count, wanted in enumerate(world.devices, start=1):
        having = [len(one.devices) == count for one in PEOPLE]
        assert share(having) == pytest.approx(wanted, abs=CLOSE)


def test_a_bot_has_no_account_and_answers_nobody() -> None:
    bots = [one for one in PEOPLE if one.is_bot]
    assert {(one.account, one.is_granting, one.withdraws_in) for one in bots} == {
        (None, None, None)
    }


def test_visits_lie_within_the_days_in_order_and_by_the_hour() -> None:
    world = SHOP.world
    times = [coming.time_ms for one in PEOPLE for coming in one.visits]
    assert world.begins_ms <= min(times)
    assert max(times) < world.ends_ms
    for one in PEOPLE:
        visits = [coming.time_ms for coming in one.visits]
        assert visits == sorted(set(visits))
        assert all(0 <= coming.device < len(one.devices) for coming in one.visits)
    assert fmean(len(one.visits) for one in PEOPLE) == pytest.approx(world.visits.mean, abs=0.05)
    hours = [(time_ms - world.begins_ms) // 3_600_000 % 24 for time_ms in times]
    assert hours.count(20) > 5 * hours.count(3)


def test_a_small_concentration_makes_tastes_that_are_one() -> None:
    picky = setting_of("shop", tastes={"concentration": 0.05})
    easy = setting_of("shop", tastes={"concentration": 50.0})
    tops = [
        [max(make_person(one.world, one.goods, number).tastes) for number in range(200)]
        for one in (picky, easy)
    ]
    assert median(tops[0]) > 0.7
    assert median(tops[1]) < 0.2
    assert all(sum(one.tastes) == pytest.approx(1.0) for one in PEOPLE)


def test_what_is_liked_pleases_more_and_what_is_dear_less() -> None:
    goods = two_shelves()
    person = person_of(SHOP, goods, 1, tastes=(0.8, 0.2), level=10.0, sensitivity=1.0)
    liked, other = goods.shelves[0].things[0], goods.shelves[1].things[0]
    assert appeal(person, liked) == 1.0
    assert appeal(person, other) == pytest.approx(0.25)
    assert appeal(person, liked._replace(price=20.0)) == pytest.approx(0.5)
    assert appeal(person._replace(sensitivity=2.0), liked._replace(price=20.0)) == pytest.approx(
        0.25
    )
    assert appeal(person, liked._replace(quality=0.4)) == pytest.approx(0.4)


def test_people_look_by_themselves_at_what_they_like() -> None:
    goods, chance = two_shelves(), Random(1)
    person = person_of(SHOP, goods, 1, tastes=(0.8, 0.2))
    of_first = [own_choice(person, goods, chance).shelf == 0 for _ in range(2_000)]
    assert share(of_first) == pytest.approx(0.8, abs=CLOSE)


def test_made_items_lie_evenly_on_the_shelves_at_prices_around_the_median() -> None:
    catalogue = Catalogue(items=600, price=Around(40.0, 0.5))
    items = made_items(catalogue, "CHF", "1")
    assert items == made_items(catalogue, "CHF", "1")
    assert items != made_items(catalogue, "CHF", "2")
    assert len({one.item_id for one in items}) == 600
    assert median(one.price or 0.0 for one in items) == pytest.approx(40.0, rel=0.1)
    assert {one.currency for one in items} == {"CHF"}
    goods = goods_of(items, "CHF", "1")
    assert {len(shelf.things) for shelf in goods.shelves} == {75}
    qualities = [one.quality for one in goods.things.values()]
    assert min(qualities) == pytest.approx(0.4, abs=0.02)
    assert max(qualities) == pytest.approx(1.0, abs=0.02)


def test_an_item_without_a_category_or_price_is_in_the_catalogue_and_nobody_wants_it() -> None:
    items = [Item("a", category="X/Y/Z", price=1.0), Item("b", category="X"), Item("c", price=1.0), Item("d", category="X", price=1.0, is_gone=True)]  # fmt: skip
    goods = goods_of(items, "EUR", "1")
    assert len(goods.items) == 4
    assert [(shelf.category, len(shelf.things)) for shelf in goods.shelves] == [("X/Y", 1)]
    assert list(goods.things) == ["a"]
