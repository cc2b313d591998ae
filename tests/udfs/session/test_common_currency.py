"""Money in one currency: by the rates of each moment, missing where there is no rate, and never compared across currencies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.fold.fold import Fold, Folded, FoldRules
from schemas.codec import EVENT
from schemas.currencies import Rates, rates_from_payload
from schemas.decisions import Versions
from schemas.errors import ConfigError
from schemas.events import PURPOSES, Event
from schemas.items import Item
from schemas.limits import AMOUNT_MAX, CURRENCIES_MAX
from schemas.policy import Placement, Policy
from tests.builders import NOON, make_event, make_knowledge, make_record
from udfs.knowledge.category_facts import category_facts
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.session.common_currency import in_common_currency
from udfs.session.give_meaning import Meant

EURO = Rates("EUR", {"USD": 2.0, "GBP": 0.5})
LATER = Rates("EUR", {"USD": 4.0})
ITEMS = (
    Item("euros", 0, category="Pans", price=10.0, currency="EUR"), Item("dollars", 0, category="Pans", price=10.0, currency="USD"),
    Item("pounds", 0, category="Pans", price=10.0, currency="GBP"), Item("yen", 0, category="Pans", price=10.0, currency="JPY"),
    Item("plain", 0, category="Pans", price=10.0), Item("free", 0, category="Pans", currency="USD"),
)  # fmt: skip


def knowing(*rates: tuple[int, Rates]) -> Knowledge:
    knowledge = make_knowledge(*ITEMS)
    for position, (from_ms, one) in enumerate(rates):
        knowledge.add_rates(f"r{position}", from_ms, position, one)
    return knowledge


def priced(knowledge: Knowledge, time_ms: int = NOON) -> dict[str, float | None]:
    found = (knowledge.item_at(one.item_id, time_ms) for one in ITEMS)
    return {one.item_id: one.price for one in found if one is not None}


def counted(knowledge: Knowledge, **fields: Any) -> tuple[Event, tuple[str, ...]]:
    meant = in_common_currency(Meant(make_event(**fields)), knowledge)
    return meant.event, meant.counts


# --- items --------------------------------------------------------------------------------------


def test_without_rates_prices_stay_as_they_are_written() -> None:
    knowledge = knowing()
    assert all(knowledge.item_at(one.item_id, NOON) == one for one in ITEMS)
    event = make_event(price=5.0, currency="JPY", item_ids=["yen"])
    meant = Meant(event)
    assert in_common_currency(meant, knowledge) is meant


def test_prices_are_in_the_base_and_missing_where_there_is_no_rate() -> None:
    knowledge = knowing((0, EURO))
    wanted = {"euros": 10.0, "dollars": 5.0, "pounds": 20.0, "yen": None, "plain": 10.0, "free": None}  # fmt: skip
    assert priced(knowledge) == wanted
    dollars, yen = knowledge.item_at("dollars", NOON), knowledge.item_at("yen", NOON)
    assert dollars is not None
    assert yen is not None
    assert (dollars.currency, yen.currency) == ("EUR", "JPY")
    assert knowledge.item_at("dollars", NOON) is dollars, "made once"
    assert knowledge.catalogue.as_written("dollars", NOON) == ITEMS[1]


def test_rates_hold_from_their_time_on_whichever_came_first() -> None:
    for versions in ([(NOON, EURO), (NOON + 10, LATER)], [(NOON + 10, LATER), (NOON, EURO)]):
        knowledge = knowing(*versions)
        seen = [priced(knowledge, at)["dollars"] for at in (NOON - 1, NOON, NOON + 9, NOON + 10)]
        assert seen == [10.0, 5.0, 5.0, 2.5]
        assert priced(knowledge, NOON + 10)["pounds"] is None, "all rates are replaced at once"
        assert priced(knowledge, NOON)["pounds"] == 20.0


def test_a_decision_names_the_rates_that_it_saw_by_the_catalogues_time() -> None:
    knowledge = knowing((NOON, EURO), (NOON + 10, LATER))
    assert [knowledge.at(at).catalogue_ms for at in (NOON - 1, NOON + 9, NOON + 10)] == [0, NOON, NOON + 10]  # fmt: skip
    seen, known = knowledge.named(knowledge.at(NOON + 20), Versions("default-1", "none", NOON, 0, ""))  # fmt: skip
    assert known.catalogue_ms == NOON
    assert priced(seen, NOON + 20)["dollars"] == 5.0
    assert priced(knowledge, NOON + 20)["dollars"] == 2.5


def test_rates_make_no_catalogue_of_an_empty_one() -> None:
    knowledge = Knowledge(uncatalogued="when_empty")
    knowledge.add_rates("r", 0, 0, EURO)
    assert knowledge.is_known("anything", NOON)
    knowledge.add_item(Item("a", NOON), 1)
    assert not knowledge.is_known("anything", NOON)
    assert knowledge.is_known("anything", NOON - 1)


def test_levels_of_a_category_are_those_of_prices_that_can_be_compared() -> None:
    knowledge = knowing((NOON, EURO))
    before = category_facts(knowledge.catalogue, "Pans", NOON - 1)
    after = category_facts(knowledge.catalogue, "Pans", NOON)
    assert (before.low, before.high) == (None, None), "all cost 10 of something"
    assert (after.low, after.high) == (10.0, 10.0)


def test_what_no_event_can_see_is_forgotten_and_the_catalogue_of_before_has_the_rates() -> None:
    knowledge = knowing((0, EURO), (NOON, LATER))
    assert knowledge.catalogue.before(99).rates_at(NOON - 1) == EURO
    knowledge.prune(NOON + 1)
    assert knowledge.catalogue.rates_at(NOON + 1) == LATER
    assert knowledge.catalogue.rates_at(NOON - 1) is None


# --- events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"price": 10.0, "currency": "USD"}, 5.0),
        ({"price": 10.0, "currency": "usd"}, 5.0),
        ({"price": 10.0, "currency": "EUR"}, 10.0),
        ({"price": 10.0}, 10.0),
        ({"price": 10.0, "item_ids": ["dollars"]}, 5.0),
        ({"price": 10.0, "item_ids": ["dollars"], "currency": "GBP"}, 20.0),
        ({"price": 10.0, "item_ids": ["nobody knows it"]}, 10.0),
        ({"price": 10.0, "currency": "JPY"}, None),
        ({"price": 10.0, "currency": "Euro, I think"}, None),
        ({"price": AMOUNT_MAX, "currency": "GBP"}, None),
    ],
    ids=str,
)
def test_an_events_price_is_in_the_base(fields: dict[str, Any], wanted: float | None) -> None:
    event, counts = counted(knowing((0, EURO)), **fields)
    assert event.price == wanted
    assert counts == (() if wanted is not None else ("amounts_without_rate",))
    assert EVENT.decode(EVENT.encode(event)) == event


def test_value_and_candidates_are_too_each_by_its_own_currency() -> None:
    given = [{"item_id": "dollars", "price": 8.0}, {"item_id": "yen", "price": 8.0}, {"item_id": "x"}]  # fmt: skip
    event, counts = counted(knowing((0, EURO)), candidates=given, value_amount=-6.0)
    assert [one.price for one in event.candidates] == [4.0, None, None]
    assert (event.value_amount, counts) == (-6.0, ("amounts_without_rate",))
    event, counts = counted(knowing((0, EURO)), candidates=given, value_amount=-6.0, currency="GBP")
    assert ([one.price for one in event.candidates], event.value_amount) == ([16.0, 16.0, None], -12.0)  # fmt: skip
    assert counts == ()


@given(st.floats(0, AMOUNT_MAX), st.sampled_from(["EUR", "USD", "GBP", None]))
def test_there_and_back_again_is_the_same(amount: float, currency: str | None) -> None:
    there = EURO.in_base(amount, currency)
    if there is not None:
        assert there * {"USD": 2.0, "GBP": 0.5}.get(currency or "", 1.0) == pytest.approx(amount)


# --- the fold -----------------------------------------------------------------------------------

POLICY = Policy(placements=(Placement("next_item", ("product_viewed",), when="session.price_max < 7.0"),))  # fmt: skip


def folded(knowledge: Knowledge, *events: dict[str, Any]) -> tuple[Fold, list[Folded]]:
    knowledge.add_policy("p", 0, 9, compile_policy(POLICY))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = [
        make_record(make_event(event_id=f"e{at}", event_time_ms=NOON + at, consent=PURPOSES, **fields), at)
        for at, fields in enumerate(events)
    ]  # fmt: skip
    return fold, list(fold.run(log))


VIEWED = {"event_type": "product_viewed", "item_ids": ["dollars"]}


def test_a_condition_on_prices_holds_in_the_common_currency() -> None:
    assert not [one for step in folded(knowing(), VIEWED)[1] for one in step.decisions]
    assert [one for step in folded(knowing((0, EURO)), VIEWED)[1] for one in step.decisions]


def test_carts_and_purchases_in_two_currencies_add_up_in_one_as_of_their_time() -> None:
    put = {"event_type": "product_added_to_cart"}
    steps = (
        {**put, "item_ids": ["dollars"]}, {**put, "item_ids": ["euros"], "price": 12.0, "currency": "EUR"},
        {**put, "item_ids": ["yen"]},
    )  # fmt: skip
    knowledge = knowing((0, EURO), (NOON + 4, LATER))
    fold, _ = folded(knowledge, *steps)
    (state,) = fold.persons.values()
    assert {name: line.price for name, line in state.cart.items()} == {"dollars": 5.0, "euros": 12.0, "yen": None}  # fmt: skip
    bought = {"event_type": "purchase_completed", "value_amount": 20.0}
    fold, done = folded(
        knowing((0, EURO), (NOON + 2, LATER)), {**bought, "currency": "USD"}, {**bought, "currency": "EUR"},
        {**bought, "currency": "USD"}, {**bought, "currency": "JPY"},
    )  # fmt: skip
    (state,) = fold.persons.values()
    assert state.purchase_value == 10.0 + 20.0 + 5.0
    assert state.purchase_count == 4
    assert [name for step in done for name in step.counts].count("amounts_without_rate") == 1


def test_a_cart_that_the_shop_has_lost_is_found_out_in_any_currency() -> None:
    steps = (
        {"event_type": "product_added_to_cart", "item_ids": ["euros"]},
        {"event_type": "product_added_to_cart", "item_ids": ["dollars"], "value_amount": 10.0, "currency": "USD", "properties": {"items_value": "10"}},
    )  # fmt: skip
    for knowledge in (knowing(), knowing((0, EURO))):
        (state,) = folded(knowledge, *steps)[0].persons.values()
        assert set(state.cart) == {"dollars"}


# --- what is no table of rates --------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b'{"per_base": {}}', b'{"base": "euro"}', b'{"base": "EUR\\n"}', b'{"base": "EUR", "per_base": {"USD": 0}}',
        b'{"base": "EUR", "per_base": {"USD": -1}}', b'{"base": "EUR", "per_base": {"USD": 1e999}}', b'{"base": "EUR", "per_base": {"usd": 1}}',
        b'{"base": "EUR", "per_base": {"USD": "1"}}', b'{"base": "EUR", "rates": {}}', b"\xff",
    ],
)  # fmt: skip
def test_what_is_no_table_of_rates_is_refused(payload: bytes) -> None:
    with pytest.raises(ConfigError, match="rates"):
        rates_from_payload(payload)


def test_a_table_has_a_bound() -> None:
    codes = [f"{a}{b}X" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    said = ",".join(f'"{code}": 2' for code in codes[: CURRENCIES_MAX + 1])
    with pytest.raises(ConfigError, match="length <= 300"):
        rates_from_payload(b'{"base": "EUR", "per_base": {%s}}' % said.encode())
