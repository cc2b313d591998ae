"""The decisions that were asked for are at least those that are made, in whatever arm a person is."""

from schemas.experiments import Arm, Experiment
from schemas.policy import Holdout, Placement, Policy
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import NOON, make_event
from udfs.actions.asked_decisions import asked_decisions
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

MORE = {"placements": [{"name": "footer", "event_types": ["page_viewed"]}]}
POLICY = compile_policy(
    Policy(
        placements=(Placement("home", event_types=("page_viewed",)), Placement("cart")),
        holdout=Holdout(0.0),
        experiments=(Experiment("footer", (Arm("without", 0.5), Arm("with", 0.5, MORE))),),
    )
)
CONTEXT = SESSION_CONTEXT.encode(SessionContext(1, NOON, NOON))


def news_of(device: str, person: str, event_type: str = "page_viewed") -> SessionNews:
    event = make_event(event_type=event_type, event_time_ms=NOON, anonymous_id=device)
    return SessionNews("event", person, NOON, event.session_id, 1, event, CONTEXT)


def test_an_event_that_no_arm_asks_on_is_seen_at_once() -> None:
    asking = make_event(event_type="product_viewed", placements=("cart",))
    for event, is_asking in (
        (make_event(event_type="page_viewed"), True),
        (make_event(event_type="product_viewed"), False),
        (asking, True),
    ):
        assert POLICY.may_be_asked_by(event) == is_asking
    footer = compile_policy(
        Policy(
            placements=(),
            experiments=(Experiment("footer", (Arm("without", 0.5), Arm("with", 0.5, MORE))),),
        )
    )
    assert footer.may_be_asked_by(make_event(event_type="page_viewed")), "by an arm alone"


def test_what_is_made_was_asked_for_whatever_the_arm() -> None:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, POLICY)
    arms = set()
    for number in range(40):
        news = news_of(f"device-{number}", f"person-{number}")
        made = [one for one, _ in decide(None, news, knowledge, "seed").decisions]
        arms |= {one.arm["footer"] for one in made}
        asked = asked_decisions(news, POLICY)
        assert {one.decision_id for one in made} <= set(asked)
        assert len(asked) == len(set(asked)) == 2
    assert arms == {"with", "without"}


def test_nothing_is_asked_for_by_what_is_not_decided_on() -> None:
    assert asked_decisions(news_of("a", "a", "page_scrolled"), POLICY) == []
    assert asked_decisions(news_of("a", "a"), None) == []
