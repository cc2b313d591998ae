"""What became of an action, in words: each rule that the engine knows, each fate, each part of a priority."""

from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from schemas.actions import Limits
from schemas.decisions import DecisionTrace, TracedAction, Versions
from schemas.items import AvailableDates, Item
from schemas.limits import DAY_MS, HOUR_MS
from schemas.policy import Policy
from schemas.state.contacts import Contacted
from schemas.state.person import ActionHistory, PersonState
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from scripts.policy.action_words import (
    RULES,
    STAGES,
    fate_in_words,
    limits_in_words,
    priority_in_words,
    verdict_in_words,
)
from tests.builders import NOON, make_event, make_learnt, teach
from tests.udfs.made_actions import make_action
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

AT_NOON = "2023-11-14T22:13:20.000+00:00"
DAY_BEFORE = "2023-11-13T22:13:20.000+00:00"
LATER = "2023-11-15T22:13:20.000+00:00"


# --- exclusions, as the engine makes them ---------------------------------------------------------


class Case(NamedTuple):
    """What keeps the action `banner` from being chosen, and what is said of it then."""

    stage: str
    rule: str
    words: str
    action: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    history: ActionHistory | None = None
    event: dict[str, Any] = {}
    exposures: int = 0
    state: dict[str, Any] = {}


def excluded(case: Case) -> TracedAction:
    """What a decision says of the action."""
    banner = {"id": "banner", "kind": "content", "treatments": [{"id": "t"}]} | case.action
    placement = {"name": "hero", "actions": ["banner"], "fallback": "nothing"}
    document = {"placements": [placement], "actions": [banner], "holdout": {"share": 0.0}}
    policy = compile_policy(msgspec.convert(document | case.policy, Policy))
    # nobody is held out who is not known to agree to personal decisions, and nothing is known of who does not
    assumed = ("personalisation",) if case.rule == "holdout" or case.state else ()
    knowledge = Knowledge(assumed=frozenset(assumed))
    knowledge.add_policy("p", 0, 0, policy)
    knowledge.add_item(Item("sold-out", stock=0), 0)
    knowledge.add_item(Item("pills", category="health"), 1)
    knowledge.add_item(Item("pot", category="Tea/Pots"), 2)
    knowledge.add_item(Item("one-left", stock=1), 3)
    july = AvailableDates("2026-07-01", "2026-07-14")
    knowledge.add_item(Item("room", regions=("FR",), available_dates=(july,)), 4)
    shown = case.exposures
    hour = NOON // HOUR_MS
    teach(
        knowledge, make_action("banner", exposures_total=shown, hour=hour, hourly=(shown,)),
        make_learnt("one-left", held=(NOON - 1,)),
    )  # fmt: skip
    state = PersonState(NOON, NOON, timer_ms=NOON + DAY_MS, **case.state)
    if case.history is not None:
        state.actions["banner"] = case.history
    event = make_event(placements=["hero"], **case.event)
    context = SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))
    news = SessionNews("event", "a1", NOON, "s1", 1, event, context)
    ((_, trace),) = decide(state, news, knowledge, "seed").decisions
    found = next(one for one in trace.actions if one.action_id == "banner")
    assert found.verdict == "excluded"
    return found


def need(when: str) -> list[dict[str, str]]:
    return [{"name": "need", "when": when}]


IN_HOURS = {"contact": {"quiet_hours": {"begin": 22, "end": 8, "channels": ["web"]}}}
SHOWN = Contacted("banner", NOON - DAY_MS, NOON, shown_ms=NOON - DAY_MS)
GRANTED = ActionHistory([NOON - DAY_MS], NOON - DAY_MS + 1)
LAW = {"rules": [{"name": "law", "when": 'context.country == "DE"', "is_compliance": True}]}

CASES = [
    Case(
        "eligibility", "need", "rule 'need' does not hold: session.events was 0",
        {"eligibility": need("session.events > 5")},
    ),
    Case(
        "applicability", "need", "rule 'need' does not hold: session.funnel was none, session.items was []",
        {"applicability": need('session.funnel == "cart" || "i1" in session.items')},
    ),
    Case("suitability", "need", "rule 'need' does not hold", {"suitability": need("false")}),
    Case(
        "eligibility", "need",
        "rule 'need' could not be checked, which excludes: person.loyalty_tier is missing",
        {"eligibility": need('person.loyalty_tier == "gold"')},
    ),
    Case(
        "eligibility", "law", "rule 'law' (compliance) does not hold: context.country was FR",
        policy=LAW, event={"context": {"country": "FR"}},
    ),
    Case(
        "eligibility", "law",
        "rule 'law' (compliance) could not be checked, which excludes: context.country is missing",
        policy=LAW,
    ),
    Case(
        "eligibility", "holdout", "the person is in the holdout, which gets nothing",
        policy={"holdout": {"share": 1.0}},
    ),
    Case("eligibility", "not_yet", f"it starts on {LATER}", {"starts_ms": NOON + DAY_MS}),
    Case("eligibility", "over", f"it ended on {AT_NOON}", {"ends_ms": NOON}),
    Case(
        "eligibility", "consent", "it needs consent to email, sms, and consent is unknown",
        {"purposes": ["email", "sms"]},
    ),
    Case(
        "eligibility", "consent", "it needs consent to sms, and consent is email",
        {"purposes": ["email", "sms"]}, event={"consent": ["email"]},
    ),
    Case(
        "constraints", "limit", f"given 1 times of at most 1, last on {DAY_BEFORE}",
        {"limits": {"times": 1}}, history=GRANTED,
    ),
    Case(
        "constraints", "cool_down", f"it cools down since {DAY_BEFORE}",
        {"limits": {"cool_down_ms": 2 * DAY_MS}}, history=GRANTED,
    ),
    Case(
        "constraints", "dismissed", f"the person dismissed it on {DAY_BEFORE}",
        {"limits": {"never_after_dismissal": True}}, history=ActionHistory(dismissed_ms=NOON - DAY_MS),
    ),
    Case(
        "constraints", "clicked", f"the person has clicked it, on {DAY_BEFORE}",
        {"limits": {"never_after_click": True}}, history=ActionHistory(clicked_ms=NOON - DAY_MS),
    ),
    Case(
        "constraints", "after_dismissal", f"it rests since the person dismissed it on {DAY_BEFORE}",
        {"limits": {"never_after_dismissal": False, "after_dismissal_ms": 2 * DAY_MS}},
        history=ActionHistory(dismissed_ms=NOON - DAY_MS),
    ),
    Case(
        "constraints", "after_conversion", f"it rests since the person bought after a click on it, on {DAY_BEFORE}",
        {"limits": {"after_conversion_ms": 2 * DAY_MS}}, history=ActionHistory(converted_ms=NOON - DAY_MS),
    ),
    Case(
        "constraints", "ignored", f"shown 1 times of at most 1 without an answer, last on {DAY_BEFORE}",
        {"limits": {"ignored_times": 1}}, state={"contacts": {"d": SHOWN}},
    ),
    Case(
        "constraints", "contact:mine",
        "the limit 'mine' allows 1 contacts in 2 days: 1 were shown, 0 may still be",
        policy={"contact": {"limits": [{"name": "mine", "times": 1, "within_ms": 2 * DAY_MS}]}}, state={"contacts": {"d": SHOWN}},
    ),
    Case(
        "constraints", "quiet_hours",
        "hours are quiet by web from 22 to 8, and it is 22 o'clock there (UTC)",
        policy=IN_HOURS, event={"channel": "web"},
    ),
    Case(
        "constraints", "quiet_hours",
        "hours are quiet by web from 22 to 8, and it is 0 o'clock there (UTC+120 min)",
        policy=IN_HOURS, event={"channel": "web", "context": {"utc_offset_min": 120}},
    ),
    Case(
        "constraints", "contact_memory", "128 contacts are still counted, and no more are remembered",
        policy={"contact": {"limits": [
            {"name": name, "times": 100, "within_ms": 2 * DAY_MS, "channels": [name]} for name in ("app", "web")
        ]}},
        event={"channel": "web"}, state={"contacts": {f"{n}": replace(SHOWN, channel=("app", "web")[n % 2]) for n in range(128)}},
    ),
    Case(
        "suppression", "refused", f"the person does not want it, since {DAY_BEFORE}",
        state={"refused_actions": {"banner": NOON - DAY_MS}},
    ),
    Case(
        "suppression", "dismissed", f"the person does not want the item, since {DAY_BEFORE}",
        {"item": "context.item"}, event={"item_ids": ["pot"]}, state={"dismissed": {"pot": NOON - DAY_MS}},
    ),
    Case(
        "suppression", "refused_category", f"the person wants nothing of Tea, since {DAY_BEFORE}",
        {"item": "context.item"}, event={"item_ids": ["pot"]}, state={"refused_categories": {"Tea": NOON - DAY_MS}},
    ),
    Case(
        "suppression", "no_item", "there is none: session.cart_item was missing",
        {"item": "session.cart_item"},
    ),
    Case(
        "suppression", "gone", "it has left the catalogue: context.item was old",
        {"item": "context.item"}, event={"item_ids": ["old"]},
    ),
    Case(
        "suppression", "out_of_stock",
        "it is out of stock: context.item was sold-out, stock was 0",
        {"item": "context.item"}, event={"item_ids": ["sold-out"]},
    ),
    Case(
        "suppression", "reserved",
        "others have bought its last pieces or have them in their carts: context.item was one-left, stock was 1, taken was 1",
        {"item": "context.item"}, event={"item_ids": ["one-left"]},
    ),
    Case(
        "suppression", "undelivered", "it is not delivered there: context.item was room, country was DE-BE",
        {"item": "context.item"}, {"suppression": {"undelivered": True}},
        event={"item_ids": ["room"], "context": {"country": "DE", "region": "BE"}},
    ),
    Case(
        "suppression", "unavailable",
        "it is not to be had on all the days that the visit is about: context.item was room, nights was 2",
        {"item": "context.item"}, {"suppression": {"unavailable": True}},
        event={"item_ids": ["room"], "properties": {"check_in": "2026-07-14", "check_out": "2026-07-16"}},
    ),
    Case(
        "suppression", "sensitive",
        "its category is sensitive, and this visit did not ask for it: category was health",
        {"item": "context.item"}, {"suppression": {"sensitive": ["health"]}}, event={"item_ids": ["pills"]},
    ),
    Case(
        "budget", "budget_total", "all of it is spent (left was 0, cost was 0.5, budget was 10)",
        {"budget": {"total": 10, "cost": 0.5}}, exposures=20,
    ),
    Case(
        "budget", "budget_day", "the day's is spent (left was 0, cost was 1, budget was 100)",
        {"budget": {"per_day": 100}}, exposures=100,
    ),
    Case(
        "budget", "budget_pace",
        # at 22:13:20 of the day 92.59 of 100 are due
        "what is due of the day by now is spent (left was -2.40741, cost was 1, budget was 100)",
        {"budget": {"per_day": 100}}, exposures=95,
    ),
    Case(
        "budget", "budget_audience",
        "nothing tells what is shown by this channel, so it goes by lot, and this person has none (share was ",
        {"budget": {"total": 1, "audience": 10**9}, "limits": {"times": 1}},
        {"contact": {"unreported": ["web"]}}, event={"channel": "web"},
    ),
    Case(
        "budget", "budget_share", "it ends, and only some people still get it (share was ",
        {"budget": {"total": 100, "people_per_s": 100_000}}, exposures=98,
    ),
    Case(
        "treatment", "no_treatment", "none for channel web whose condition holds",
        {"treatments": [{"id": "t", "channel": "email"}]}, event={"channel": "web"},
    ),
    Case(
        "treatment", "no_treatment", "none for channel missing whose condition holds",
        {"treatments": [{"id": "t", "when": "session.events > 5"}]},
    ),
    Case(
        "items", "no_items", "retrieval and rules left none",
        {"kind": "slate", "items": {"require": "item.price > 1.0"}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.stage}-{case.rule}")
def test_an_exclusion_is_said_with_its_rule_and_what_it_saw(case: Case) -> None:
    found = excluded(case)
    assert (found.stage, found.rule) == (case.stage, case.rule)
    said = verdict_in_words(found)
    assert said.startswith(case.words) if case.words.endswith(" ") else said == case.words


def test_every_rule_and_stage_of_the_engine_is_among_these() -> None:
    assert RULES.keys() == {
        (one.stage, one.rule) for one in CASES if one.rule not in ("need", "law", "contact:mine")
    }
    assert STAGES.keys() == {one.stage for one in CASES}


def test_a_rule_of_the_policy_may_be_called_like_one_of_another_stage() -> None:
    own = {"suitability": [{"name": "consent", "when": "session.events > 5"}]}
    words = "rule 'consent' does not hold: session.events was 0"
    assert verdict_in_words(excluded(Case("suitability", "consent", words, own))) == words


def test_limits_of_an_action_are_said() -> None:
    limits = Limits(
        never_after_dismissal=False, after_dismissal_ms=3 * DAY_MS, after_conversion_ms=30 * DAY_MS, ignored_times=2,
    )  # fmt: skip
    assert limits_in_words(limits) == (
        "not within 3 days of being closed, not within 30 days of a purchase by it, not while ignored 2 times in 30 days"
    )


def test_fatigue_is_said_with_the_priority() -> None:
    tired = traced("quiz", "chosen", 0.3, values={"fatigue": "0.49", "unanswered": "2"})
    said = "(fatigue 0.49 in context: shown 2 times without an answer)"
    assert priority_in_words(tired).endswith(said)


# --- fates ---------------------------------------------------------------------------------------


def traced(action_id: str, verdict: str, priority: float = 0.0, **fields: Any) -> TracedAction:
    named: dict[str, Any] = {
        "action_id": action_id, "treatment_id": "t", "verdict": verdict, "stage": "arbitration",
        "rule": "", "values": {}, "propensity": priority / 3.0, "propensity_source": "counts",
        "context_weight": 1.5, "value": 4.0, "lever": 0.5, "priority": priority, "probability": 0.25,
    }  # fmt: skip
    return TracedAction(**named | fields)


def trace(*actions: TracedAction) -> DecisionTrace:
    versions = Versions("p", "m", 0, 0, "c")
    return DecisionTrace("d", "a1", "s", "e", NOON, "hero", 1, versions, "f", b"", (), 0.5, actions)


NOTHING = traced(
    "nothing", "chosen", propensity_source="", context_weight=1.0, value=0.0, lever=1.0
)
WORDS_OF_NOTHING = "0 = propensity 0 (none) x context 1 x value 0 x lever 1"


def test_a_priority_is_said_with_its_parts() -> None:
    assert priority_in_words(traced("quiz", "chosen", 0.123456)) == (
        "0.1235 = propensity 0.04115 (counts) x context 1.5 x value 4 x lever 0.5"
    )
    assert priority_in_words(NOTHING) == WORDS_OF_NOTHING


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (
            traced("quiz", "chosen", 0.3), traced("nothing", "not_chosen"),
            (f"quiz was chosen at hero on {AT_NOON}: priority 0.3 = propensity 0.1 (counts) "
             "x context 1.5 x value 4 x lever 0.5."),
        ),
        (
            traced("quiz", "not_chosen", 0.3), traced("chat", "chosen", 0.6),
            (f"quiz was not chosen at hero on {AT_NOON}: it was outweighed by chat, whose priority is "
             "0.6 = propensity 0.2 (counts) x context 1.5 x value 4 x lever 0.5; its own is "
             "0.3 = propensity 0.1 (counts) x context 1.5 x value 4 x lever 0.5, and its chance was 25.0%."),
        ),
        (
            traced("quiz", "not_chosen", 0.3, probability=0.95), NOTHING,
            (f"quiz was not chosen at hero on {AT_NOON}: it lost the draw to nothing, whose priority is "
             f"{WORDS_OF_NOTHING}; its own is 0.3 = propensity 0.1 (counts) x context 1.5 x value 4 "
             "x lever 0.5, and its chance was 95.0%."),
        ),
        (
            traced("quiz", "excluded", stage="suitability", rule="calm", values={"session.struggle": "0.9"}),
            NOTHING,
            (f"quiz was not chosen at hero on {AT_NOON}: it is not good for this person: rule 'calm' "
             "does not hold: session.struggle was 0.9."),
        ),
        (
            traced("quiz", "excluded", stage="constraints", rule="dismissed", values={"dismissed_ms": str(NOON)}),
            NOTHING,
            f"quiz was not chosen at hero on {AT_NOON}: it is limited: the person dismissed it on {AT_NOON}.",
        ),
    ],
)  # fmt: skip
def test_a_fate_is_one_sentence(one: TracedAction, other: TracedAction, sentence: str) -> None:
    assert fate_in_words(one, trace(one, other)) == sentence
