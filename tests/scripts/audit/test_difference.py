"""Two people who got different offers: which rule, treatment, arm, priority or fact made the difference."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Requirement, Treatment
from schemas.codec import EVENT
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.experiments import Arm, Experiment
from schemas.policy import Holdout, Placement, Policy
from scripts.audit.difference import Difference, Side, against, differences, show_against
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

GOLD = 'has(person.loyalty_tier) && person.loyalty_tier == "gold"'


def offer(name: str = "coat", **fields: Any) -> Action:
    given = {
        "value": 5.0,
        "prior": 0.5,
        "treatments": (Treatment("usual", content={"price": {"en": "100 EUR"}}),),
    }
    return Action(name, "offer", ("bar",), **given | fields)  # type: ignore[arg-type]


def sides(policy: Policy, *people: dict[str, Any]) -> list[Side]:
    """Each person's decision at the bar; what is known of each is what `profile_updated` tells."""
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy))
    events: list[Event] = []
    for number, told in enumerate(people):
        who = {"session_id": f"s{number}", "anonymous_id": f"person-{number}"}
        time_ms = NOON + 10 * number
        asks = {
            "placements": told.pop("placements", ("bar",)),
            "context": told.pop("context", None),
        }
        if told:
            events.append(
                make_event(
                    event_id=f"t{number}",
                    event_type="profile_updated",
                    event_time_ms=time_ms,
                    properties=told,
                    **who,
                )
            )
        events.append(make_event(event_id=f"e{number}", event_time_ms=time_ms + 1, **asks, **who))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = (make_record(event, at) for at, event in enumerate(events))
    return [Side(*one) for step in fold.run(log) for one in step.decisions]


def policy(*actions: Action, **fields: Any) -> Policy:
    given = {
        "placements": (Placement("bar", actions=()), Placement("top", actions=())),
        "holdout": Holdout(0.0),
    }
    return Policy(**given | fields, actions=actions)  # type: ignore[arg-type]


def found(of: Policy, *people: dict[str, Any]) -> list[Difference]:
    one, other = sides(of, *people)
    return differences(one, other, of)


def test_the_rule_that_keeps_an_offer_from_one_of_them_is_named_with_what_it_saw() -> None:
    cheaper = offer("cheaper", value=9.0, eligibility=(Requirement("is_gold", GOLD),))
    first, *others = found(
        policy(offer(), cheaper), {"loyalty_tier": "gold"}, {"loyalty_tier": "tin"}
    )
    assert (first.kind, first.name) == ("eligibility", "is_gold")
    assert "cheaper may not be offered for person-1" in first.sentence
    assert "person.loyalty_tier was tin" in first.sentence
    assert [(one.kind, one.name) for one in others] == [("priority", "cheaper")]


def test_the_treatment_whose_condition_holds_for_one_of_them_is_named() -> None:
    two = (
        Treatment("gold", when=GOLD, content={"price": {"en": "80 EUR"}}),
        Treatment("usual", content={"price": {"en": "100 EUR"}}),
    )
    for people in ([{"loyalty_tier": "gold"}, {}], [{}, {"loyalty_tier": "gold"}]):
        (one,) = found(policy(offer(treatments=two)), *map(dict, people))
        assert (one.kind, one.name) == ("treatment", "gold")
        assert GOLD in one.sentence


def test_a_price_that_is_made_of_a_fact_names_the_fact() -> None:
    text = Treatment("own", content={"price": {"en": "{person.profile.price} EUR"}})
    (one,) = found(policy(offer(treatments=(text,))), {"price": "80"}, {"price": "100"})
    assert (one.kind, one.name) == ("text", "price")
    assert (
        one.sentence
        == "price says '80 EUR' to person-0 and '100 EUR' to person-1, by person.profile.price"
    )


def test_arms_are_named_before_any_rule() -> None:
    cheap = {
        "actions": {"coat": {"treatments": {"usual": {"content": {"price": {"en": "80 EUR"}}}}}}
    }
    split = Experiment("price", (Arm("usual", 0.5), Arm("cheap", 0.5, cheap)))
    many = sides(policy(offer(), experiments=(split,)), *({} for _ in range(12)))
    one = many[0]
    other = next(side for side in many if side.decision.content != one.decision.content)
    first, *_ = differences(one, other, None)
    assert (first.kind, first.name) == ("experiment", "price")


def test_the_same_offer_has_no_difference_and_two_places_cannot_be_compared() -> None:
    one, other, top = sides(policy(offer()), {}, {}, {"placements": ("top",)})
    assert differences(one, other, None) == []
    with pytest.raises(ConfigError, match="different places"):
        differences(one, top, None)


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    cheaper = offer("cheaper", value=9.0, eligibility=(Requirement("is_gold", GOLD),))
    of = policy(cheaper)
    one, other = sides(of, {"loyalty_tier": "gold"}, {})
    told = against(one.decision, other.decision, (one.trace, other.trace), of)
    assert [offer["action_id"] for offer in told["offers"]] == ["cheaper", "nothing"]
    show_against(told)
    assert "is_gold" in capsys.readouterr().out
