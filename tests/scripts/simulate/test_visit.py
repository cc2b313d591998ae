"""A visit: what somebody does who is shown something, by their tastes, their patience, their money."""

from collections import Counter

import pytest

from scripts.simulate.mind import DENIED, GRANTED, Mind, changed, freshness, ignore, left_to_spend
from scripts.simulate.people import Coming
from scripts.simulate.visit import Shown
from scripts.simulate.world import Effect
from tests.scripts.simulate.worlds import person_of, setting_of, stroll, two_shelves

DAY_MS = 86_400_000
GOODS = two_shelves()
BEGINS_MS = setting_of().world.begins_ms
SLATE = Shown("d1", "next_item", "recommend_items", ("Sports/Running-1", "Kitchen/Pans-1"))
OFFER = Shown("d2", "cart_line", "free_shipping", ())
ONE_VISIT = (Coming(BEGINS_MS, 0),)


def kinds(told: list[object]) -> Counter[str]:
    return Counter(one.event_type for one in told)  # type: ignore[attr-defined]


def strolls(count: int, shown: list[Shown], reactions: dict[str, float], **fields: object) -> Counter[str]:  # fmt: skip
    """What so many people do in a visit each, all in all; of clicks also on what."""
    setting = setting_of(reactions=reactions)
    found: Counter[str] = Counter()
    for number in range(count):
        person = person_of(setting, GOODS, number, visits=ONE_VISIT, **fields)
        for told in stroll(setting, GOODS, person, Mind(), shown):
            found[told.event_type] += 1
            if told.event_type == "decision_clicked":
                found.update(told.fields["item_ids"])
    return found


def test_people_click_what_they_like_more_often() -> None:
    reactions = {"click": 0.3, "examination": 1.0, "fatigue": 0.0, "cart": 0.0}
    kept = {"tastes": (0.75, 0.25), "level": 50.0}
    found = strolls(600, [SLATE], reactions, **kept)
    liked, other = found["Sports/Running-1"], found["Kitchen/Pans-1"]
    assert liked > 2 * other > 0
    turned = strolls(600, [SLATE], reactions, tastes=(0.25, 0.75), level=50.0)
    assert turned["Kitchen/Pans-1"] > 2 * turned["Sports/Running-1"] > 0


def test_the_first_place_is_looked_at_more() -> None:
    both = [SLATE._replace(item_ids=("Sports/Running-1", "Sports/Running-2"))]
    kept = {"tastes": (1.0, 0.0), "level": 50.0}
    reactions = {"click": 0.2, "fatigue": 0.0, "cart": 0.0, "examination": 0.3}
    found = strolls(600, both, reactions, **kept)
    assert found["Sports/Running-1"] > 2 * found["Sports/Running-2"] > 0
    blind = strolls(100, both, reactions | {"examination": 0.0}, **kept)
    assert blind["Sports/Running-2"] == 0 < blind["Sports/Running-1"]


def test_fatigue_lowers_clicks() -> None:
    kept = {"tastes": (0.5, 0.5), "level": 50.0}
    fresh = strolls(400, [SLATE, SLATE, SLATE], {"click": 0.1, "fatigue": 0.0}, **kept)
    tired = strolls(400, [SLATE, SLATE, SLATE], {"click": 0.1, "fatigue": 2.0}, **kept)
    shares = [one["decision_clicked"] / one["decision_exposed"] for one in (fresh, tired)]
    assert shares[0] > 2 * shares[1] > 0


def test_what_was_ignored_is_half_forgotten_in_its_time() -> None:
    world = setting_of(reactions={"fatigue": 1.0, "recovers_ms": DAY_MS}).world
    mind = Mind()
    assert freshness(mind, world, BEGINS_MS) == 1.0
    ignore(mind, world, BEGINS_MS)
    ignore(mind, world, BEGINS_MS)
    assert mind.ignored == 2.0
    assert freshness(mind, world, BEGINS_MS) == pytest.approx(2.718281828**-2)
    assert freshness(mind, world, BEGINS_MS + DAY_MS) == pytest.approx(2.718281828**-1)


def test_nobody_spends_more_than_their_budget_within_a_month() -> None:
    setting = setting_of(
        reactions={"cart": 1.0, "buy": 1.0, "refund": 0.0}, visits={"views": 8.0, "mean": 1.0}
    )
    mind, paid = Mind(), []
    for number in range(12):
        person = person_of(setting, GOODS, number, visits=ONE_VISIT, budget=7.5, level=50.0)
        told = stroll(setting, GOODS, person, mind, [])
        paid += [one.fields["value_amount"] for one in told if "value_amount" in one.fields]
    assert mind.spent == sum(paid) == 7.0
    world = setting.world
    assert left_to_spend(mind, world, 7.5, BEGINS_MS) == pytest.approx(0.5)
    assert left_to_spend(mind, world, 7.5, BEGINS_MS + 30 * DAY_MS) == 7.5


def test_an_effect_is_of_who_has_seen_the_action_or_is_in_the_arm() -> None:
    adds = Effect("purchase", action="free_shipping", adds=0.2)
    times = Effect("click", arm="order/session", times=1.5)
    both = (adds, times)
    assert changed(0.3, "purchase", both, {"free_shipping"}, ()) == 0.5
    assert changed(0.3, "purchase", both, {"other"}, ()) == 0.3
    assert changed(0.3, "click", both, {"free_shipping"}, ()) == 0.3
    assert changed(0.3, "click", both, (), {"order/session"}) == pytest.approx(0.45)
    assert changed(0.9, "purchase", (adds, adds), {"free_shipping"}, ()) == 1.0
    assert changed(0.1, "cart", (Effect("cart", action="a", adds=-0.5),), {"a"}, ()) == 0.0


@pytest.mark.parametrize(("adds", "bought"), [(1.0, True), (-1.0, False)])
def test_who_has_seen_an_offer_over_the_cart_buys_as_its_effect_says(
    adds: float, bought: bool
) -> None:
    effects = [{"of": "purchase", "action": "free_shipping", "adds": adds}]
    setting = setting_of(
        reactions={"sees": 1.0, "cart": 1.0, "buy": 0.5}, effects=effects,
        pages={"cart": ["cart_line"], "product": [], "home": []},
    )  # fmt: skip
    carts = purchases = 0
    for number in range(60):
        person = person_of(
            setting, GOODS, number, visits=ONE_VISIT, level=50.0, budget=100.0, tastes=(0.5, 0.5)
        )
        found = kinds([*stroll(setting, GOODS, person, Mind(), [OFFER])])
        carts += found["cart_viewed"]
        purchases += found["purchase_completed"]
    assert carts > 40
    assert purchases == (carts if bought else 0)


def test_what_is_never_in_sight_is_neither_told_nor_has_an_effect() -> None:
    found = strolls(40, [SLATE], {"sees": 0.0})
    assert found["product_viewed"] > 40
    assert not {"decision_exposed", "decision_clicked", "decision_dismissed"} & {*found}


def test_silence_is_not_looked_at() -> None:
    nothing = SLATE._replace(action_id="nothing", item_ids=())
    assert strolls(40, [nothing], {"sees": 1.0})["decision_exposed"] == 0


def test_what_is_shown_and_not_clicked_may_be_closed() -> None:
    found = strolls(40, [SLATE], {"click": 0.0, "dismiss": 1.0, "sees": 1.0})
    assert found["decision_dismissed"] == found["decision_exposed"] > 0


def test_consent_is_told_once_and_withdrawn_at_the_end_of_its_visit() -> None:
    setting, mind = setting_of(), Mind()
    visits = (Coming(BEGINS_MS, 0), Coming(BEGINS_MS + DAY_MS, 0))
    person = person_of(setting, GOODS, 1, is_granting=True, withdraws_in=0, visits=visits)
    told = [one.event_type for one in stroll(setting, GOODS, person, mind, [])]
    assert (told[0], told[-1]) == ("consent_changed", "consent_changed")
    assert mind.consent == DENIED
    assert mind.has_answered
    again = stroll(setting, GOODS, person._replace(withdraws_in=None), mind, [])
    assert "consent_changed" not in kinds([*again])
    granted = Mind()
    stroll(setting, GOODS, person._replace(withdraws_in=None), granted, [])
    assert granted.consent == GRANTED


def test_who_has_signed_in_on_a_device_stays_so_there() -> None:
    setting, mind = setting_of(members={"signs_in": 1.0}), Mind()
    person = person_of(
        setting, GOODS, 1, account="customer-1", devices=("x", "y"), visits=ONE_VISIT
    )
    first = [one.event_type for one in stroll(setting, GOODS, person, mind, [])]
    second = [one.event_type for one in stroll(setting, GOODS, person, mind, [])]
    assert (first.index("identified"), second.index("identified")) == (1, 0)
    assert first.count("identified") == second.count("identified") == 1
    assert mind.signed_in == {0}


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_bot_looks_at_one_thing_after_the_other_and_buys_nothing(is_declared: bool) -> None:
    setting = setting_of(bots={"views": 30})
    bot = person_of(setting, GOODS, 1, is_bot=True, is_declared=is_declared, visits=ONE_VISIT)
    told = stroll(setting, GOODS, bot, Mind(), [SLATE])
    found = kinds([*told])
    assert found["product_viewed"] == 30
    views = [one.pause_ms for one in told if one.event_type == "product_viewed"]
    assert all(1_000 <= one < 2_000 for one in views)
    assert found["decision_clicked"] == found["decision_exposed"] == (0 if is_declared else 30)
    assert found["purchase_completed"] == found["product_added_to_cart"] == 0
    clicks = [one.fields["item_ids"] for one in told if one.event_type == "decision_clicked"]
    assert {*clicks} == (set() if is_declared else {("Sports/Running-1",)})


def test_a_visit_ends_however_much_there_is_to_click() -> None:
    found = strolls(5, [SLATE], {"click": 1.0, "sees": 1.0, "fatigue": 0.0}, tastes=(1.0, 0.0))
    assert found["product_viewed"] <= 5 * 61
