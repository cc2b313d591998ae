"""What a person states counts before what is inferred of them: in the order, in the rules, and in what they are told."""

from collections.abc import Iterable
from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Requirement, Treatment
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.items import Item
from schemas.limits import SESSION_GAP_MS
from schemas.policy import RECOMMEND_ITEMS, Holdout, Placement, Policy, Suppression
from tests.builders import NOON, make_event, make_record
from udfs.facts.wishes import WISHES_MAX, Said, is_among, lacks_size, said_in
from udfs.items.heed_wishes import FETCHED_MAX, FETCHED_SHARE, LESS_WEIGHT, MORE_WEIGHT, WISHED_FOR
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

ITEMS = (
    Item("road", category="Sports/Shoes", name="Road Shoe", brand="Fox", price=90.0, tags=("running",), attributes={"sizes": "8 9"}),
    Item("trail", category="Sports/Shoes", name="Trail Shoe", brand="Elk", price=40.0, tags=("Hiking",), attributes={"sizes": "10 11"}),
    Item("court", category="Sports/Shoes", name="Court Shoe", brand="Fox", price=60.0, attributes={"sizes": "9 10"}),
    Item("shirt", category="Sports/Shirts", name="Shirt", brand="Fox", price=20.0, attributes={"sizes": "S M"}),
    Item("pan", category="Kitchen/Pans", name="Pan", brand="Elk", price=30.0),
)  # fmt: skip
LATER = SESSION_GAP_MS + 60_000


def action(name: str, when: str) -> Action:
    return Action(
        name, "content", ("hero",), applicability=(Requirement("it", when),), value=1.0, prior=0.5,
        treatments=(Treatment("t"),),
    )  # fmt: skip


def decided(
    events: Iterable[Event],
    items: Iterable[Item] = ITEMS,
    actions: tuple[Action, ...] = (),
    **placement: Any,
) -> list[tuple[Decision, DecisionTrace]]:
    """Each decision with its trace."""
    list_of_items = Placement("list", actions=(RECOMMEND_ITEMS,), **placement)
    policy = Policy(
        (list_of_items, Placement("hero", actions=())), Suppression(current_item=False), actions,
        holdout=Holdout(0.0),
    )  # fmt: skip
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    for at, item in enumerate(items):
        knowledge.add_item(item, at)
    log = (make_record(event, at) for at, event in enumerate(events))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    return [one for step in fold.run(log) for one in step.decisions]


def event(number: int, event_type: str = "page_viewed", **fields: Any) -> Event:
    time_ms = fields.pop("event_time_ms", NOON) + number
    return make_event(event_id=f"e{number}", event_type=event_type, event_time_ms=time_ms, **fields)


def stated(number: int, name: str, value: str, **fields: Any) -> Event:
    return event(number, "preference_stated", attribute=name, value=value, **fields)


def asking(number: int, *placements: str, **fields: Any) -> Event:
    return event(number, placements=placements or ("list",), **fields)


def order(events: list[Event], **more: Any) -> list[str]:
    (decision, _), *_ = decided(events, **more)
    return [one.item_id for one in decision.items]


LEANS = [event(n, "product_viewed", item_ids=("road",)) for n in range(20)]
"""Twenty looks at a shoe for the road."""


@pytest.mark.parametrize(
    ("name", "value", "first"),
    [
        ("category", "Kitchen", "pan"),
        ("category", "kitchen/pans", "pan"),
        ("topic", "hiking", "trail"),
        ("brand", "Elk", "trail pan"),
        ("price_level", "budget", "trail"),
    ],
)
def test_what_is_stated_comes_before_what_is_inferred(name: str, value: str, first: str) -> None:
    assert order([*LEANS, asking(30)])[0] == "road"
    found = order([*LEANS, stated(29, name, value), asking(30)])
    assert set(found[: len(first.split())]) == set(first.split())
    assert "road" in found


@pytest.mark.parametrize(
    ("name", "value"),
    [("category", "-Sports/Shoes"), ("brand", "-Fox"), ("topic", "-running"), ("size", "10")],
)
def test_what_is_wanted_less_of_goes_down_and_stays_in(name: str, value: str) -> None:
    found = order([*LEANS, stated(29, name, value), asking(30)])
    assert found[0] != "road"
    assert found.index("road") > found.index("pan")
    assert set(found) == {one.item_id for one in ITEMS}


def test_a_size_puts_down_what_is_there_in_others_only_and_nothing_else() -> None:
    found = order([stated(1, "size", "10"), asking(2)])
    assert found[-1] == "road"
    assert lacks_size({"10": "10", "m": "M"}, ITEMS[0])
    assert not lacks_size({"10": "10", "m": "M"}, ITEMS[3])
    assert not lacks_size({"10": "10"}, ITEMS[3]), "letters are no worse than numbers"
    assert not lacks_size({"10": "10"}, ITEMS[4])


def test_why_says_so_in_the_persons_language_and_the_trace_by_how_much() -> None:
    events = [stated(1, "brand", "Elk"), stated(2, "category", "-Kitchen"), stated(3, "price_level", "premium")]  # fmt: skip
    (_, trace), (german, _) = decided(
        [*events, asking(4), asking(5, properties={"language": "de"})]
    )
    told = {one.item_id: one.values for one in trace.candidates}
    assert told["trail"] == {"said.brand": f"x{MORE_WEIGHT:g}"}
    assert told["pan"] == {"said.brand": f"x{MORE_WEIGHT:g}", "said.category": f"x{LESS_WEIGHT:g}"}
    assert told["court"] == {}
    reasons = {one.item_id: one.reason for one in german.items}
    assert reasons["trail"] == "Weil Sie gesagt haben, dass Sie Elk mögen"
    assert reasons["road"] == "Weil Sie gesagt haben: Preislage premium"
    assert "gesagt" not in reasons["pan"] + reasons["court"], "what is put down is not praised"


def test_it_holds_over_visits_and_devices_until_it_is_taken_back() -> None:
    anna = {"person_id": "anna", "event_time_ms": NOON}
    later = anna | {"event_time_ms": NOON + LATER}
    elsewhere = later | {"session_id": "s2", "anonymous_id": "a2"}
    events = [
        event(0, "identified", **anna),
        stated(1, "category", "Kitchen", **anna),
        event(2, "identified", **elsewhere),
        asking(3, **elsewhere),
        stated(4, "category", "", **elsewhere),
        asking(5, **elsewhere),
        event(6, "identified", **later),
        asking(7, **later),
    ]
    first, *others = [[one.reason for one in decision.items] for decision, _ in decided(events)]
    assert "Because you said you like Kitchen" in first
    assert not any("said" in reason for reasons in others for reason in reasons)


def test_without_personalisation_it_holds_in_its_visit_only() -> None:
    events = [
        stated(1, "category", "Kitchen", consent=[]),
        asking(2),
        asking(3, event_time_ms=NOON + LATER),
        asking(4, session_id="s2", event_time_ms=NOON + LATER),
    ]
    within, later, other = [
        "Because you said you like Kitchen" in {one.reason for one in decision.items}
        for decision, _ in decided(events)
    ]
    assert (within, later, other) == (True, False, False)


def test_who_objects_to_profiling_gets_what_everybody_gets() -> None:
    objects = event(2, "consent_changed", properties={"objection": "profiling"})
    (with_wish, _), (without, _) = (
        decided([*wish, objects, asking(3)])[0] for wish in ([stated(1, "category", "Kitchen")], [])
    )
    assert with_wish.items == without.items


def test_rules_see_what_is_stated_in_the_place_of_what_is_inferred() -> None:
    actions = (
        action("cook", 'person.top_category == "Kitchen/Pans" && !("Sports/Shoes" in person.categories)'),
        action("elk", 'person.top_brand == "Elk" && "Fox" in person.brands'),
        action("saver", 'person.price_level == "budget"'),
    )  # fmt: skip
    wishes = [
        stated(25, "category", "Kitchen/Pans, -Sports"),
        stated(26, "brand", "Elk"),
        stated(27, "price_level", "budget"),
    ]
    for said, may in (([], set()), (wishes, {"cook", "elk", "saver"})):
        (_, trace), *_ = decided([*LEANS, *said, asking(30, "hero")], actions=actions)
        ones = {one.action_id for one in trace.actions if one.verdict != "excluded"}
        assert ones - {"nothing"} == may


def test_what_is_wanted_is_fetched_from_a_large_catalogue_within_a_bound() -> None:
    many = [Item(f"x{n}", n, f"X {n}", "Other/Things") for n in range(1, 700)]
    rare = [Item(f"rare{n}", 0, f"Rare {n}", "Kitchen/Pans") for n in range(30)]
    events = [stated(1, "category", "Kitchen/Pans"), asking(2)]
    (_, trace), *_ = decided(events, items=(*rare, *many))
    fetched = [one.item_id for one in trace.candidates if one.source == WISHED_FOR]
    assert len(fetched) == FETCHED_MAX
    assert all(name.startswith("rare") for name in fetched)
    (_, few), *_ = decided(events, items=(*rare, *many), candidates=9)
    assert len([one for one in few.candidates if one.source == WISHED_FOR]) == 9 // FETCHED_SHARE
    (_, none), *_ = decided([asking(2)], items=(*rare, *many))
    assert not any(one.source == WISHED_FOR for one in none.candidates)


def test_a_value_says_several_wishes_and_bad_ones_say_nothing() -> None:
    assert said_in(" Sports/Running, -Kitchen ,,-, Sports/Running") == Said(
        {"sports/running": "Sports/Running"}, {"kitchen": "Kitchen"}
    )
    assert len(said_in(",".join(f"b{n}" for n in range(2 * WISHES_MAX))).more) == WISHES_MAX
    assert is_among("SPORTS/Shoes", {"sports": "Sports"}) == "Sports"
    assert not is_among("Sportswear", {"sports": "Sports"})
    events = [stated(1, "price_level", "cheap"), stated(2, "colour", "red"), asking(3)]
    assert order(events) == order([asking(3)])
