"""Dead letters that an audit meets again: by their bytes, as the job masked them."""

from jobs.audit.refusals import Letters
from schemas.codec import DEAD_LETTER, EVENT
from schemas.dead_letters import Masking, dead_letter, replayed
from schemas.errors import InvalidEvent
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.topics import DEAD_LETTERS, EVENTS
from tests.builders import NOON, make_event
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy


def test_a_letter_of_somebody_erased_is_met_though_sensitive_attributes_are_masked_in_it() -> None:
    event = make_event(attribute="religion", value="zoroastrian")
    record = LogRecord(EVENTS, 0, 7, NOON, "s1", EVENT.encode(event))
    letter = dead_letter(record, InvalidEvent("wrong_key", "the key is 's1'"), Masking(frozenset({"religion"})))  # fmt: skip
    logged = LogRecord(DEAD_LETTERS, 0, 0, NOON, "", DEAD_LETTER.encode(letter))
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(Policy(sensitive_attributes=("religion",))))
    letters = Letters([logged])
    assert list(letters.watch([record])) == [record]
    assert [one.place.offset for one in letters.taken(EVENTS)] == [7]
    assert letters.pass_over(knowledge) == "s1"
    assert letters.taken(EVENTS) == []


def test_what_was_sent_again_is_no_refusal_of_its_own() -> None:
    record = LogRecord(EVENTS, 0, 7, NOON, "s1", b"{")
    letter = dead_letter(record, InvalidEvent("malformed", "no JSON"))
    told = [
        LogRecord(DEAD_LETTERS, 0, at, NOON, "", DEAD_LETTER.encode(one))
        for at, one in enumerate((letter, replayed(letter)))
    ]
    letters = Letters(told)
    assert list(letters.watch([record])) == [record]
    letters.take(letter)
    assert letters.taken(EVENTS) == []
    assert letters.refused == []
