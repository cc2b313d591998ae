"""What steps put out for Kafka: each kind with its topic, its codec, the key of its record and how it is counted."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final, NamedTuple

from schemas.codec import DEAD_LETTER, DECISION, OUTCOME, TRACE, Codec
from schemas.dead_letters import DeadLetter, key_of
from schemas.decisions import Decision, DecisionTrace
from schemas.outcomes import Outcome
from schemas.topics import DEAD_LETTERS, DECISIONS, OUTCOMES, TRACES

Written = Decision | DecisionTrace | DeadLetter | Outcome
"""One record of a topic of ours; its class is its tag."""


class Destination(NamedTuple):
    """Where the outputs of one kind go; `counter` is what one of them counts for, "" = nothing."""

    topic: str
    codec: Codec[Any]
    key: Callable[[Any], str]
    counter: str = ""


DESTINATIONS: Final[dict[type, Destination]] = {
    Decision: Destination(DECISIONS, DECISION, attrgetter("person"), "decisions"),
    DecisionTrace: Destination(TRACES, TRACE, attrgetter("decision_id")),
    DeadLetter: Destination(DEAD_LETTERS, DEAD_LETTER, key_of, "dead_letters"),
    Outcome: Destination(OUTCOMES, OUTCOME, attrgetter("person"), "outcomes"),
}
"""Another kind is one line here, and a member of `Written`."""


def counters(outputs: Iterable[object]) -> list[str]:
    """What outputs count for; those that go to no topic count for nothing."""
    found = (DESTINATIONS.get(type(one)) for one in outputs)
    return [one.counter for one in found if one is not None and one.counter]
