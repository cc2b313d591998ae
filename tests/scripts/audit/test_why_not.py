"""`why-not` looks at the newest decision in which the action competed, or says why it cannot tell."""

from typing import Any

import msgspec
import pytest

from schemas.codec import TRACE
from schemas.decisions import DecisionTrace, TracedAction, Versions
from schemas.errors import ConfigError
from schemas.limits import MINUTE_MS
from schemas.records import LogRecord
from scripts.audit import why_not as module
from scripts.audit.why_not import why_not, why_not_json
from tests.builders import NOON


def competed(action_id: str, verdict: str, rule: str = "") -> TracedAction:
    stage = "eligibility" if rule else "arbitration"
    values = {"session.events": "0"} if rule else {}
    return TracedAction(
        action_id, "t", verdict, stage, rule, values, 0.0, "", 1.0, 1.0, 1.0, 0.0, 0.0  # type: ignore[arg-type]
    )  # fmt: skip


def trace(minute: int, rule: str, action_id: str = "quiz", **fields: Any) -> DecisionTrace:
    """In the decision of this minute a rule excluded the action; nothing was done."""
    actions = (competed("nothing", "chosen"), competed(action_id, "excluded", rule))
    made = DecisionTrace(
        f"d{minute}", "ann", "s", "e", NOON + minute * MINUTE_MS, "hero", minute,
        Versions("p", "m", 0, 0, "c"), "f", b"", (), 0.5, actions,
    )  # fmt: skip
    return msgspec.structs.replace(made, **fields)


TRACES = (
    trace(1, "one"),
    trace(3, "three"),
    trace(2, "two"),  # written again by a replay
    trace(4, "of chat", "chat"),
    trace(5, "of bob", person="bob"),
    trace(6, "names ann", person="bob", session_id="ann"),
    trace(7, "of anna", person="anna"),
)


@pytest.fixture(autouse=True)
def _log(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        LogRecord("x-traces", 0, at, 0, one.decision_id, TRACE.encode(one))
        for at, one in enumerate(TRACES)
    ]

    def read(kafka: str, topics: list[str]) -> list[LogRecord]:
        assert (kafka, topics) == ("kafka", ["x-traces"])
        return records

    monkeypatch.setattr(module, "read_to_end", read)


@pytest.mark.parametrize(
    ("person", "action_id", "at_minute", "rule"),
    [
        ("ann", "quiz", None, "three"),
        ("ann", "quiz", 3, "three"),
        ("ann", "quiz", 2.9, "two"),
        ("ann", "quiz", 1, "one"),
        ("ann", "chat", None, "of chat"),
        ("bob", "quiz", None, "names ann"),
        ("bob", "quiz", 5, "of bob"),
        ("anna", "quiz", None, "of anna"),
    ],
)
def test_the_newest_decision_in_which_it_competed_tells(
    person: str, action_id: str, at_minute: float | None, rule: str
) -> None:
    at_ms = None if at_minute is None else NOON + round(at_minute * MINUTE_MS)
    found = why_not("kafka", "x-", person, action_id, at_ms)
    assert (found.action.action_id, found.action.rule) == (action_id, rule)
    assert found.trace.person == person
    assert found.sentence.startswith(f"{action_id} was not chosen at hero on ")
    assert found.sentence.endswith(f"rule '{rule}' does not hold: session.events was 0.")


def test_nothing_can_be_asked_about_too() -> None:
    found = why_not("kafka", "x-", "ann", "nothing", None)
    assert found.sentence.startswith("nothing was chosen at hero on ")


@pytest.mark.parametrize(
    ("person", "action_id", "at_ms", "message"),
    [
        ("eve", "quiz", None, "there is no decision for 'eve' in x-traces"),
        ("an", "quiz", None, "there is no decision for 'an' in x-traces"),
        ("ann", "quiz", NOON, "there is no decision for 'ann' by then in x-traces"),
        (
            "ann", "sale", None,
            "'sale' competed in no decision for 'ann': there were chat, nothing, quiz",
        ),
        (
            "ann", "chat", NOON + 3 * MINUTE_MS,
            "'chat' competed in no decision for 'ann' by then: there were nothing, quiz",
        ),
    ],
)  # fmt: skip
def test_where_no_decision_can_tell_one_message_says_so(
    person: str, action_id: str, at_ms: int | None, message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        why_not("kafka", "x-", person, action_id, at_ms)
    assert str(refused.value) == message


def test_json_has_the_sentence_and_what_it_rests_on() -> None:
    found = why_not("kafka", "x-", "ann", "quiz", None)
    told = why_not_json(found)
    assert told["sentence"] == found.sentence
    assert (told["decision_id"], told["placement"]) == ("d3", "hero")
    assert told["event_time_ms"] == NOON + 3 * MINUTE_MS
    assert told["versions"]["policy"] == "p"
    assert msgspec.convert(told["action"], TracedAction) == found.action
