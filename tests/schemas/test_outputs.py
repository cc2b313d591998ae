"""The table of outputs: where each kind goes, under which key, and what it counts for."""

from typing import get_args

import pytest

from jobs.metrics import MEANINGS
from schemas.codec import DEAD_LETTER, DECISION, OUTCOME, TRACE
from schemas.outputs import DESTINATIONS, Written, counters
from schemas.topics import DEAD_LETTERS, DECISIONS, OUTCOMES, TOPICS, TRACES
from tests.examples.write import FOLDER

DECIDED = DECISION.decode((FOLDER / "decision/v2/slate.avro").read_bytes())
TRACED = TRACE.decode((FOLDER / "trace/v3/slate.avro").read_bytes())
CAME = OUTCOME.decode((FOLDER / "outcome/v1/converted.avro").read_bytes())
LETTER = DEAD_LETTER.decode((FOLDER / "dead_letter/v1/undecodable.avro").read_bytes())


def test_every_kind_of_output_has_one_destination() -> None:
    assert DESTINATIONS.keys() == set(get_args(Written))
    assert {to.topic for to in DESTINATIONS.values()} <= {spec.name for spec in TOPICS}


@pytest.mark.parametrize(
    ("output", "topic", "key"),
    [
        (DECIDED, DECISIONS, DECIDED.person),
        (TRACED, TRACES, TRACED.decision_id),
        (CAME, OUTCOMES, "p1"),
        (LETTER, DEAD_LETTERS, f"{LETTER.topic}/{LETTER.partition}/{LETTER.offset}"),
    ],
)
def test_an_output_knows_its_topic_key_and_bytes(output: Written, topic: str, key: str) -> None:
    to = DESTINATIONS[type(output)]
    assert (to.topic, to.key(output)) == (topic, key)
    assert to.codec.decode(to.codec.encode(output)) == output


def test_decisions_and_dead_letters_are_counted_under_names_that_there_are() -> None:
    assert counters([DECIDED, TRACED, CAME, LETTER, "news"]) == [
        "decisions", "outcomes", "dead_letters",
    ]  # fmt: skip
    assert {to.counter for to in DESTINATIONS.values() if to.counter} <= MEANINGS.keys()
