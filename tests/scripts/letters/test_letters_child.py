"""What the console's child process does with dead letters: the same as the command, and why it could not."""

import pytest

from channels.api.audit_log import Actor, AuditLog
from channels.console.letter_bodies import LetterEdits
from jobs.config import Config
from scripts.letters import letters_child
from scripts.letters.letters_child import SHOWN_MAX, Act, Asked, Told, told
from scripts.ops.counting import Place
from tests.scripts.letters.builders import Home, fields, letter

ANNA = Actor("anna", "operator", "127.0.0.1")
JSON = """rules:
  - fields: {event_id: event_id, event_type: what, event_time_ms: event_time_ms, session_id: session_id, anonymous_id: anonymous_id}
"""


@pytest.fixture(autouse=True)
def of_home(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's settings are this home's, whose events are JSON."""
    monkeypatch.setattr(letters_child, "config_from", lambda: config._replace(source_format="json"))


def asked(act: Act, given: LetterEdits) -> Told:
    return told(Asked(Place("kafka", None, ""), act, given, ANNA))


def test_all_are_counted_by_reason(home: Home) -> None:
    home(letter(1, b"{", "malformed"), letter(2, fields(2)), letter(3, fields(3)))
    (first, second) = asked("count", LetterEdits()).shown["kinds"]
    assert (first["reason"], first["topic"], first["letters"]) == ("invalid_value", "events", 2)
    assert (second["reason"], second["letters"]) == ("malformed", 1)


def test_what_edits_would_make_of_those_of_one_reason_is_shown_the_newest_first(home: Home) -> None:
    topic = home(letter(0, b"{", "malformed"), *(letter(n, fields(n)) for n in range(1, 30)))
    found = asked("try", LetterEdits("invalid_value", "events", renames=("what=event_type",))).shown
    assert (found["letters"], found["events"], found["invalid"]) == (29, 29, 0)
    assert len(found["shown"]) == SHOWN_MAX
    assert found["shown"][0]["place"] == "events/0/29"
    assert '+ event_type: "page_viewed"' in found["shown"][0]["differences"]
    assert asked("try", LetterEdits(topic="items")).shown["letters"] == 0
    assert topic.door.events == []


@pytest.mark.parametrize("given", [LetterEdits(renames=("what=event_type",)), LetterEdits(mapping=JSON)])  # fmt: skip
def test_they_are_sent_once_and_who_did_is_noted(
    home: Home, config: Config, given: LetterEdits
) -> None:
    topic = home(letter(1, fields(1)), letter(2, b"{"))
    found = asked("send", given).shown
    assert (found["sent"], found["invalid"]) == (1, 1)
    assert found["sentence"].startswith("2 dead letters, 1 event sent again, 1 still no events")
    assert asked("send", given).shown["replayed_before"] == 1
    assert [one.event_id for one in topic.door.events] == ["e1"]
    newest = AuditLog(config.home / "audit.jsonl").newest(1)[0]
    assert (newest.who, newest.role, newest.what) == ("anna", "operator", "dead letters replay")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (LetterEdits(renames=("what",)), "OLD=NEW"),
        (LetterEdits(mapping="rules: [{"), "the mapping, line"),
        (LetterEdits(mapping="rules: []"), "the mapping"),
    ],
)
def test_an_edit_that_says_nothing_is_told_and_nothing_is_sent(
    home: Home, given: LetterEdits, why: str
) -> None:
    topic = home(letter(1, fields(1)))
    for act in ("try", "send"):
        assert why in asked(act, given).fault
    assert topic.door.events == []
