"""Actions compete: what may be chosen, what is, with what chance, and what is told of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from schemas.currencies import Rates
from schemas.decisions import Decision, DecisionTrace, TracedAction
from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Policy
from schemas.rests_on import RestsOn, holds
from schemas.state.person import PersonState, Purchase
from schemas.state.session import SESSION_CONTEXT, CartLine, SessionContext, SessionNews
from tests.builders import NOON, make_catalogue, make_event
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

Made = tuple[Decision, DecisionTrace]


def action(action_id: str = "banner", **fields: Any) -> dict[str, Any]:
    some = {"id": action_id, "kind": "content", "placements": ["hero"], "treatments": [{"id": "t"}]}
    return some | fields


def need(when: str, name: str = "need") -> list[dict[str, str]]:
    return [{"name": name, "when": when}]


def knowing(*actions: dict[str, Any], items: tuple[Item, ...] = (), **fields: Any) -> Knowledge:
    """A policy with one placement `hero` in which the actions compete; no holdout unless asked for."""
    placement = {"name": "hero", "actions": []} | fields.pop("placement", {})
    document = {"placements": [placement], "actions": actions, "holdout": {"share": 0.0}} | fields
    knowledge = Knowledge()
    policy = msgspec.convert(document, Policy)
    knowledge.add_policy("rich-1", 0, 0, compile_policy(policy))
    for position, item in enumerate(items):
        knowledge.add_item(item, position)
    return knowledge


def asked(event_id: str = "e1", **fields: Any) -> Event:
    return make_event(event_id=event_id, placements=["hero"], **fields)


def ask(
    knowledge: Knowledge,
    event: Event | None = None,
    state: PersonState | None = None,
    person: str = "a1",
    context: SessionContext | None = None,
) -> Made:
    event = event or asked()
    encoded = SESSION_CONTEXT.encode(context or SessionContext(1, NOON, NOON))
    news = SessionNews("event", person, event.event_time_ms, "s1", 1, event, encoded)
    ((decision, trace),) = decide(state, news, knowledge, "seed").decisions
    return decision, trace


def chosen(knowledge: Knowledge, **fields: Any) -> str:
    return ask(knowledge, **fields)[0].action_id


def fate(trace: DecisionTrace, action_id: str = "banner") -> TracedAction:
    return next(one for one in trace.actions if one.action_id == action_id)


def test_an_action_that_fits_is_chosen_and_said_with_its_content() -> None:
    texts = {"title": {"en": "Hello {context.channel}", "de": "Hallo {context.channel}"}}
    knowledge = knowing(
        action(treatments=[{"id": "big", "content": texts}], reason={"en": "Because", "de": "Weil"})
    )
    decision, trace = ask(knowledge, asked(channel="web"))
    assert (decision.action_id, decision.treatment_id) == ("banner", "big")
    assert decision.content == {"title": "Hello web"}
    assert (decision.explanation, decision.items) == ("Because", ())
    assert decision.versions.policy == "rich-1"
    assert (decision.response_propensity, decision.propensity_source) == (0.02, "prior")
    assert [one.verdict for one in trace.actions] == ["chosen", "not_chosen"]
    german, _ = ask(knowledge, asked(channel="web", properties={"language": "de-AT"}))
    assert (german.content["title"], german.explanation) == ("Hallo web", "Weil")


@pytest.mark.parametrize(
    ("link", "value", "made"),
    [
        ("{context.channel}", "/shop/x", "/shop/x"), ("{context.channel}", "javascript:alert(1)", None),
        ("{context.channel}", "java\nscript:alert(1)", None),
        ("/{context.channel}", "/evil.example", None), ("/{context.channel}", "\\evil.example", "/%5Cevil.example"),
        ("/search?q={context.channel}", "running shoes", "/search?q=running%20shoes"),
    ],
)  # fmt: skip
def test_a_link_that_values_make_is_looked_at_again(
    link: str, value: str, made: str | None
) -> None:
    texts = {"title": {"en": "Look"}, "link": {"en": link}}
    knowledge = knowing(action(treatments=[{"id": "big", "content": texts}]))
    decision, _ = ask(knowledge, asked(channel=value))
    assert decision.content == {"title": "Look"} | ({"link": made} if made else {})


@pytest.mark.parametrize("page", ["policy", "features"])
def test_facts_of_a_person_are_for_those_who_agree_and_the_pages_say_so(page: str) -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / f"{page}.md").read_text()
    assert "not agreed to personalisation those are missing" in " ".join(text.split())
    knowledge = knowing(action(eligibility=need("person.purchase_count == 1")))
    for consent, expected in ((None, "banner"), ([], NOTHING), (["personalisation"], "banner")):
        buyer = PersonState(NOON, NOON, timer_ms=NOON + 400 * DAY_MS, purchase_count=1)
        assert chosen(knowledge, event=asked(consent=consent), state=buyer) == expected


def test_doing_nothing_is_always_a_candidate() -> None:
    decision, trace = ask(knowing(action(eligibility=need("session.events < 0"))))
    assert (decision.action_id, decision.treatment_id, decision.content) == (NOTHING, "none", {})
    assert (decision.response_propensity, decision.action_probability) == (None, 1.0)
    assert fate(trace, NOTHING).verdict == "chosen"
    worth = knowing(action(), nothing_priority=0.5)
    assert chosen(worth) == NOTHING, "what is worth less than the policy's bar"


@pytest.mark.parametrize(
    ("fields", "stage", "rule", "values"),
    [
        ({"eligibility": need("session.events > 5")}, "eligibility", "need", {"session.events": "0"}),
        ({"applicability": need("session.events > 5")}, "applicability", "need", {"session.events": "0"}),
        ({"suitability": need("session.events > 5")}, "suitability", "need", {"session.events": "0"}),
        ({"eligibility": need('person.loyalty_tier == "gold"')}, "eligibility", "need",
         {"person.loyalty_tier": "missing", "error": "person.loyalty_tier is missing"}),
        ({"starts_ms": NOON + 1}, "eligibility", "not_yet", None),
        ({"ends_ms": NOON}, "eligibility", "over", None),
        ({"item": "session.cart_item"}, "suppression", "no_item", None),
        ({"treatments": [{"id": "t", "channel": "email"}]}, "treatment", "no_treatment", None),
        ({"treatments": [{"id": "t", "when": "session.events > 5"}]}, "treatment", "no_treatment", None),
        ({"budget": {"total": 0.5}}, "budget", "budget_total", None),
    ],
)  # fmt: skip
def test_an_exclusion_names_its_stage_its_rule_and_what_it_saw(
    fields: dict[str, Any], stage: str, rule: str, values: dict[str, str] | None
) -> None:
    decision, trace = ask(knowing(action(**fields)))
    assert decision.action_id == NOTHING
    found = fate(trace)
    assert (found.verdict, found.stage, found.rule) == ("excluded", stage, rule)
    if values is not None:
        assert found.values == values


def test_consent_that_was_given_lets_it_through_and_one_that_was_not_does_not() -> None:
    knowledge = knowing(action(purposes=["personalisation"]))
    assert chosen(knowledge, event=asked(consent=["personalisation"])) == "banner"
    assert chosen(knowledge, event=asked(consent=["analytics"])) == NOTHING
    knowledge.assumed = frozenset()
    _, trace = ask(knowledge)
    assert fate(trace).values == {"consent": "unknown", "needs": "personalisation"}


def test_a_rule_forbids_its_actions_only_and_says_if_it_is_the_law() -> None:
    rule = {"name": "law", "when": "session.events > 5", "kinds": ["offer"], "is_compliance": True}
    knowledge = knowing(action("gift", kind="offer", value=9.0), action(), rules=[rule])
    decision, trace = ask(knowledge)
    assert decision.action_id == "banner"
    assert fate(trace, "gift").values == {"session.events": "0", "compliance": "true"}


def test_a_condition_that_fails_is_counted() -> None:
    knowledge = knowing(action(eligibility=need('person.loyalty_tier == "gold"')))
    news = SessionNews(
        "event", "a1", NOON, "s1", 1, asked(), SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))
    )
    assert decide(None, news, knowledge, "seed").counts == ("conditions_failed",)


def test_a_segment_is_a_condition_with_a_name() -> None:
    segments = [
        {"name": "busy", "when": "session.events > 3"},
        {"name": "quiet", "when": "!segment.busy"},
    ]
    knowledge = knowing(action(eligibility=need("segment.quiet")), segments=segments)
    assert chosen(knowledge) == "banner"
    assert chosen(knowledge, context=SessionContext(1, NOON, NOON, event_count=4)) == NOTHING


def test_value_lever_and_context_weigh_the_choice() -> None:
    actions = [action("a", value=2.0), action("b", value=3.0)]
    assert chosen(knowing(*actions)) == "b"
    weights = [{"name": "w", "when": "session.events == 0", "weight": 2.0, "actions": ["a"]}]
    knowledge = knowing(*actions, context_weights=weights)
    decision, trace = ask(knowledge)
    assert decision.action_id == "a"
    assert decision.priority == pytest.approx(0.02 * 2.0 * 2.0)
    assert fate(trace, "a").context_weight == 2.0
    assert chosen(knowledge, context=SessionContext(1, NOON, NOON, event_count=4)) == "b"
    assert chosen(knowing(actions[0] | {"lever": 5.0}, actions[1])) == "a"


def test_a_slate_and_a_banner_compete() -> None:
    items = tuple(make_catalogue(10))
    both: dict[str, Any] = {"placement": {"actions": [RECOMMEND_ITEMS]}, "items": items}
    slate, trace = ask(knowing(action(prior=0.01), **both))
    assert (slate.action_id, len(slate.items)) == (RECOMMEND_ITEMS, 8)
    assert sum(one.verdict == "chosen" for one in trace.candidates) == 8
    banner, trace = ask(knowing(action(prior=0.5), **both))
    assert (banner.action_id, banner.items) == ("banner", ())
    assert all(one.verdict != "chosen" for one in trace.candidates)


def test_a_slate_without_items_is_not_offered() -> None:
    decision, trace = ask(knowing(placement={"actions": [RECOMMEND_ITEMS]}))
    assert decision.action_id == NOTHING
    assert fate(trace, RECOMMEND_ITEMS).rule == "no_items"


def test_rules_for_items_require_boost_and_pin() -> None:
    items = tuple(
        Item(f"i{n}", 0, name=f"Item {n}", category="Shop", price=float(n), stock=9, tags=tags)
        for n, tags in enumerate([("a",), ("b",), ("a", "top"), ("a",), ("pin",), ("b", "top")])
    )
    slate = action(
        "picked", kind="slate",
        items={
            "require": '"a" in item.tags || "pin" in item.tags',
            "boosts": [{"name": "top", "when": '"top" in item.tags', "weight": 9.0,
                        "reason": {"en": "Top: {item.name}"}}],
            "pin": '"pin" in item.tags',
        },
    )  # fmt: skip
    decision, trace = ask(knowing(slate, items=items, placement={"size": 3, "actions": []}))
    assert decision.action_id == "picked"
    ids = [one.item_id for one in decision.items]
    assert ids[0] == "i2"
    assert decision.items[0].reason == "Top: Item 2"
    assert decision.rests_on == (RestsOn("i2", {"item.name": "Item 2"}, is_reason=True),)
    assert "i4" in ids
    assert set(ids) <= {"i0", "i2", "i3", "i4"}
    rules = {one.item_id: one.rule for one in trace.candidates}
    assert rules["i1"] == rules["i5"] == "require"


def test_an_item_that_an_action_is_about_gives_its_texts_and_its_stock() -> None:
    reminder = action(
        item="session.cart_item", reason={"en": "Only {item.stock} left of {item.name}"}
    )
    cart = SessionContext(1, NOON, NOON, cart={"shoe": CartLine(1, 90.0)})
    shoe = Item("shoe", 0, name="Shoe", price=90.0, stock=4)
    decision, _ = ask(knowing(reminder, items=(shoe,)), context=cart)
    assert decision.explanation == "Only 4 left of Shoe"
    assert decision.rests_on == (RestsOn("shoe", {"item.name": "Shoe", "item.stock": "4"}),)
    sold = (shoe, msgspec.structs.replace(shoe, effective_from_ms=5, stock=0))
    decision, trace = ask(knowing(reminder, items=sold), context=cart)
    assert decision.action_id == NOTHING
    assert fate(trace).rule == "out_of_stock"


def test_a_text_tells_a_price_in_the_common_currency_and_rests_on_how_its_owner_wrote_it() -> None:
    reminder = action(item="session.cart_item", reason={"en": "{item.price} {item.currency}"})
    cart = SessionContext(1, NOON, NOON, cart={"shoe": CartLine(1, 45.0)})
    shoe = Item("shoe", 0, price=90.0, currency="USD")
    knowledge = knowing(reminder, items=(shoe,))
    knowledge.add_rates("r", 0, 0, Rates("EUR", {"USD": 2.0}))
    decision, _ = ask(knowledge, context=cart)
    assert decision.explanation == "45.00 EUR"
    (told,) = decision.rests_on
    assert told.said == {"item.price": "90.0", "item.currency": "USD"}
    assert holds(told, shoe), "as whoever reads the catalogue has it"
    assert not holds(told, msgspec.structs.replace(shoe, currency="EUR"))


def test_a_reason_of_a_slate_does_so_too() -> None:
    dear = {
        "name": "dear",
        "when": "item.price > 40.0",
        "weight": 9.0,
        "reason": {"en": "{item.price} {item.currency}"},
    }
    slate = action("picked", kind="slate", items={"boosts": [dear]})
    knowledge = knowing(
        slate, items=(Item("shoe", 0, price=90.0, currency="USD"), Item("sock", 0, price=50.0))
    )
    knowledge.add_rates("r", 0, 0, Rates("EUR", {"USD": 2.0}))
    decision, _ = ask(knowledge)
    assert (
        decision.items[[one.item_id for one in decision.items].index("shoe")].reason == "45.00 EUR"
    )
    said = {one.item_id: one.said["item.price"] for one in decision.rests_on}
    assert said == {"shoe": "90.0", "sock": "50.0"}


def test_an_item_of_a_sensitive_category_is_no_action_in_a_visit_that_did_not_ask_for_it() -> None:
    reminder = action(item="session.cart_item", reason={"en": "Still there: {item.name}"})
    rules = {"suppression": {"sensitive": ["health"]}}
    cart = SessionContext(1, NOON, NOON, cart={"pill": CartLine(1, 9.0)})
    pill = Item("pill", 0, name="Pill", category="health", stock=4)
    decision, trace = ask(knowing(reminder, items=(pill,), **rules), context=cart)
    assert decision.action_id == NOTHING
    assert (fate(trace).rule, fate(trace).values) == ("sensitive", {"category": "health"})
    asked_for = asked(category="health")
    decision, _ = ask(knowing(reminder, items=(pill,), **rules), asked_for, context=cart)
    assert decision.explanation == "Still there: Pill"


def test_a_text_that_tells_nothing_of_an_item_rests_on_none() -> None:
    cart = SessionContext(1, NOON, NOON, cart={"shoe": CartLine(1, 90.0)})
    greeting = action(item="session.cart_item", reason={"en": "Hello {person.role}"})
    decision, _ = ask(knowing(greeting, items=(Item("shoe", 0, stock=4),)), context=cart)
    assert decision.rests_on == ()


def test_once_means_one_offer_that_stands_for_its_time() -> None:
    once = action(
        kind="offer", valid_ms=20 * MINUTE_MS, limits={"times": 1, "never_after_dismissal": True}
    )
    knowledge, state = knowing(once), PersonState(NOON, NOON, timer_ms=NOON + 400 * DAY_MS)
    first, _ = ask(knowledge, state=state)
    again, _ = ask(knowledge, asked("e2", event_time_ms=NOON + MINUTE_MS), state)
    later, trace = ask(knowledge, asked("e3", event_time_ms=NOON + 20 * MINUTE_MS), state)
    assert [one.action_id for one in (first, again, later)] == ["banner", "banner", NOTHING]
    assert first.valid_until_ms == again.valid_until_ms == NOON + 20 * MINUTE_MS
    assert fate(trace).rule == "limit"


def test_a_dismissal_ends_it_one_event_later() -> None:
    knowledge = knowing(action(limits={"never_after_dismissal": True}))
    state = PersonState(NOON, NOON, timer_ms=NOON + 400 * DAY_MS)
    first, _ = ask(knowledge, state=state)
    closed = asked(
        "e2", event_type="decision_dismissed", decision_id=first.decision_id, event_time_ms=NOON + 5
    )
    decision, trace = ask(knowledge, closed, state)
    assert decision.action_id == NOTHING
    assert (fate(trace).stage, fate(trace).rule) == ("constraints", "dismissed")


def test_the_holdout_gets_the_same_default_whoever_they_are_and_is_logged() -> None:
    items = tuple(make_catalogue(10))
    setting: dict[str, Any] = {
        "placement": {"actions": [RECOMMEND_ITEMS]}, "items": items, "holdout": {"share": 1.0},
    }  # fmt: skip
    knowledge = knowing(action(prior=0.9), **setting)
    fan = SessionContext(1, NOON, NOON, event_count=9, categories={"Shop/A": 5})
    one, trace = ask(knowledge, context=fan)
    other, _ = ask(knowledge, person="b2")
    buyer = PersonState(
        NOON, NOON, timer_ms=NOON + 400 * DAY_MS, dismissed={other.items[1].item_id: NOON - 1},
        purchases=[Purchase(other.items[0].item_id, NOON - 1, 10.0)],
    )  # fmt: skip
    # what was bought or dismissed is personal, too: an uplift is measured against people who get one thing
    bought, _ = ask(knowledge, person="c3", state=buyer)
    assert one.is_holdout
    assert other.is_holdout
    assert bought.is_holdout
    assert one.action_id == other.action_id == bought.action_id == RECOMMEND_ITEMS
    assert one.items == other.items == bought.items
    assert fate(trace).rule == "holdout"
    fallback = knowing(action(), **setting | {"placement": {"actions": [], "fallback": "banner"}})
    assert chosen(fallback) == "banner"


def test_the_holdout_gets_a_callers_list_in_its_order() -> None:
    knowledge = knowing(placement={"actions": [RECOMMEND_ITEMS]}, holdout={"share": 1.0})
    listed = [{"item_id": name, "position": at} for at, name in enumerate("dbca")]
    decision, _ = ask(knowledge, asked(candidates=listed))
    assert [one.item_id for one in decision.items] == list("dbca")


def test_arms_are_named_and_decide() -> None:
    arms = [
        {"name": "control", "share": 0.5},
        {"name": "dear", "share": 0.5, "changes": {"nothing_priority": 1.0}},
    ]
    knowledge = knowing(action(), experiments=[{"name": "bar", "arms": arms}])
    found = {}
    for number in range(40):
        decision, _ = ask(knowledge, asked(anonymous_id=f"p{number}"), person=f"p{number}")
        found[decision.arm["bar"]] = decision.action_id
    assert found == {"control": "banner", "dear": NOTHING}


# --- properties -----------------------------------------------------------------------------------------


def of_names(names: list[str], forbidden: list[str], **fields: Any) -> Knowledge:
    actions = [
        action(name, value=1.0 + (len(name) * 7 + ord(name[0])) % 5, prior=0.9)
        | ({"eligibility": need("session.events < 0")} if name in forbidden else {})
        for name in names
    ]
    return knowing(*actions, **fields)


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)
EXPLORATIONS = st.sampled_from(
    [{"kind": "none"}, {"kind": "epsilon_greedy", "share": 0.5}, {"kind": "softmax", "share": 1.0}]
)
few = settings(max_examples=40)


@few
@given(NAMES, NAMES, EXPLORATIONS, st.data())
def test_what_is_forbidden_is_never_chosen_and_changes_nothing(
    allowed: list[str], forbidden: list[str], exploration: dict[str, Any], data: st.DataObject
) -> None:
    forbidden = [name for name in forbidden if name not in allowed]
    alone = of_names(allowed, [], exploration=exploration)
    mixed = data.draw(st.permutations([*allowed, *forbidden]))
    beside = of_names(mixed, forbidden, exploration=exploration)
    for number in range(5):
        event = asked(f"e{number}")
        (one, _), (other, trace) = ask(alone, event), ask(beside, event)
        assert one == other
        assert one.action_id in {*allowed, NOTHING}
        assert sum(each.probability for each in trace.actions) == pytest.approx(1.0)


def test_the_observed_shares_are_the_logged_chances() -> None:
    knowledge = of_names(["a", "b", "c"], [], exploration={"kind": "epsilon_greedy", "share": 0.4})
    count, counted = 3_000, Counter[str]()
    for number in range(count):
        decision, trace = ask(knowledge, person=f"p{number}")
        counted[decision.action_id] += 1
        assert fate(trace, decision.action_id).probability == decision.action_probability
    expected = {one.action_id: one.probability * count for one in trace.actions}
    assert chisquare([counted[name] for name in expected], [*expected.values()]).pvalue > 0.001
