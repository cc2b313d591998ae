"""What a tool makes of records that are none: they are left out, counted and told."""

from jobs.audit.decoded import decoded
from schemas.codec import DECISION
from schemas.records import LogRecord
from tests.channels.decisions import make_decision


def test_what_is_none_is_left_out_and_told_once() -> None:
    good = DECISION.encode(make_decision(1))
    records = [
        LogRecord("decisions", 2, offset, 0, "p", value)
        for offset, value in enumerate([good, b"junk", good[:-3], good])
    ]
    said: list[str] = []
    assert [one.sequence for one in decoded(records, DECISION.decode, said.append)] == [1, 1]
    assert said == [
        "2 records cannot be read, left out; the first: decisions/2/1: not_single_object"
    ]
    assert list(decoded(records[:1], DECISION.decode, said.append))
    assert len(said) == 1
