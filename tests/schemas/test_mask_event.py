"""An e-mail typed into a search stands in nothing that we write: no news, decision, trace, dead letter, event or file of ours."""

from pathlib import Path

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import DEAD_LETTER, DECISION, EVENT, TRACE
from schemas.dead_letters import dead_letter
from schemas.errors import InvalidEvent
from schemas.formats import FORMATS
from schemas.mask_event import masked
from schemas.records import LogRecord
from schemas.state.session import SESSION_NEWS
from scripts.files.event_lines import write_lines
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record

CANARY = "anna.canary@example.com"
NUMBER = "+49 171 1234567"
PLACES = {
    "page": f"/search?q={CANARY}",
    "query": f"shoes {CANARY}",
    "value": f"write to {CANARY}",
    "properties": {"text": f"I am {CANARY}", CANARY: "x", "phone": NUMBER},
    "context": {"referrer": f"https://mail.example/?to={CANARY}", "campaign": CANARY},
}
SPOKEN = make_event(event_type="search_performed", placements=("next_item",), **PLACES)


def test_all_free_text_is_masked() -> None:
    event = masked(SPOKEN)
    assert CANARY.encode() not in EVENT.encode(event)
    assert NUMBER.encode() not in EVENT.encode(event)
    assert (event.page, event.query) == ("/search?q=[@]", "shoes [@]")
    assert event.properties == {"text": "I am [@]", "[@]": "x", "phone": "[☎]"}
    assert masked(event) is event


def test_ids_are_left_as_the_sender_chose_them() -> None:
    """Somebody may call people by their e-mail address: that is the operator's own choice."""
    ids = {
        "person_id": CANARY,
        "anonymous_id": CANARY,
        "session_id": CANARY,
        "event_id": CANARY,
        "item_ids": (CANARY,),
        "decision_id": CANARY,
    }
    event = make_event(**ids, properties={"order_id": CANARY})
    assert masked(event) is event


def test_nothing_that_the_engine_writes_holds_an_address_from_a_search() -> None:
    fold = Fold(make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed"))
    later = make_event(
        event_id="e2",
        event_type="page_viewed",
        event_time_ms=NOON + 1000,
        placements=("next_item",),
    )
    late = make_event(
        event_id="e3", event_type="search_performed", event_time_ms=NOON - 3_600_000, query=CANARY
    )
    written = b""
    decisions = letters = 0
    for one in fold.run(make_record(event, at) for at, event in enumerate([SPOKEN, later, late])):
        decisions += len(one.decisions)
        letters += len(one.dead_letters)
        written += SESSION_NEWS.encode(one.news) if one.news else b""
        written += b"".join(
            DECISION.encode(made) + TRACE.encode(trace) for made, trace in one.decisions
        )
        written += b"".join(map(DEAD_LETTER.encode, one.dead_letters))
    assert decisions
    assert letters
    assert CANARY.encode() not in written
    assert NUMBER.encode() not in written


@pytest.mark.parametrize("name", FORMATS)
def test_no_event_that_we_write_holds_one(name: str) -> None:
    """The API, `import` and all else that writes to `events` take their format from this table."""
    assert CANARY.encode() not in FORMATS[name].encode(SPOKEN)
    assert FORMATS[name].decode(FORMATS[name].encode(SPOKEN)) == masked(SPOKEN)


def test_no_file_that_is_converted_holds_one(tmp_path: Path) -> None:
    assert write_lines([SPOKEN], tmp_path / "events.jsonl") == 1
    assert CANARY not in (tmp_path / "events.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "raw", [EVENT.encode(SPOKEN), FORMATS["json"].encode(SPOKEN).replace(b"[@]", CANARY.encode())]
)
def test_no_dead_letter_holds_one(raw: bytes) -> None:
    assert CANARY.encode() in raw
    letter = dead_letter(
        LogRecord("events", 0, 0, NOON, "s", raw),
        InvalidEvent("wrong_key", f"the key is {CANARY!r}"),
    )
    assert CANARY.encode() not in DEAD_LETTER.encode(letter)
    assert len(letter.raw) == len(raw)
