"""What a step returns: one list of outputs, whose classes are their tags."""

from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.state.session import SessionNews
from tests.builders import make_catalogue, make_event, make_knowledge, make_record, track
from udfs.decide import decide
from udfs.explain.tracing import Room, Tracing
from udfs.knowledge.knowledge import Knowledge
from udfs.track_session import track_session

SHOP = make_knowledge(*make_catalogue(4))
REQUEST = make_event(
    event_type="ranking_requested", candidates=[{"item_id": "i1"}, {"item_id": "i2"}]
)


def told(event: Event = REQUEST) -> SessionNews:
    return track(None, event, SHOP).news[-1]


def test_a_person_gets_each_decision_before_its_trace() -> None:
    result = decide(None, told(), SHOP, "seed")
    kinds = [type(one) for one in result.outputs]
    assert kinds == [Decision, DecisionTrace] * (len(kinds) // 2) != []
    assert [one for made in result.decisions for one in made] == list(result.outputs)
    assert all(decision.decision_id == trace.decision_id for decision, trace in result.decisions)
    assert result.dead_letters == ()


def test_a_decision_that_cannot_be_written_is_a_dead_letter_in_its_place() -> None:
    result = decide(None, told(), SHOP, "seed", tracing=Tracing(room=Room(100, "events")))
    assert [type(one) for one in result.outputs] == [DeadLetter]
    assert (result.decisions, result.dead_letters) == ((), result.outputs)


def test_a_session_gives_news_and_dead_letters_in_one_list() -> None:
    def refuses(_: bytes) -> Event:
        raise InvalidEvent("malformed", "no event")

    record = make_record(REQUEST)
    taken = track(None, REQUEST)
    refused = track_session(taken.state, record, refuses, Knowledge(), 0)
    assert [type(one) for one in taken.outputs] == [SessionNews]
    assert [type(one) for one in refused.outputs] == [DeadLetter]
    assert (taken.news, refused.dead_letters) == (taken.outputs, refused.outputs)
