"""On a real Kafka and Flink: a topic of others read by a mapping, what a CRM knows of a person, a bot; live, and replayed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from jobs.publish import now_ms
from schemas.codec import CONTROL, DECISION, EVENT
from schemas.control import Control
from schemas.decisions import Decision
from schemas.events import Context, Event
from schemas.formats.profile_rows import profile_of_row
from schemas.limits import MINUTE_MS, SECOND_MS
from schemas.policy import Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS
from tests.builders import make_catalogue, make_event
from tests.flink.replays import Replays
from tests.flink.runs import Line, environment, fill_log, produce, read_outputs, start_decide

pytestmark = [pytest.mark.flink, pytest.mark.long]

PREFIX: Final = "ways."
MAPPING: Final = """
fields:
  event_id: id
  event_time_ms: {path: at, unit: s}
  session_id: run
  anonymous_id: device
  person_id: who
rules:
  - when: {what: ping}
    skip: true
  - when: {what: came}
    event_type: identified
  - event_type: product_viewed
    fields: {item_ids: sku}
    properties: [utm_medium]
"""
POLICY: Final[dict[str, Any]] = {
    "placements": [{"name": "offer", "event_types": ["product_viewed"], "actions": ["stay"]}],
    "actions": [
        {
            "id": "stay", "kind": "content", "value": 1.0, "treatments": [{"id": "t", "content": {"title": {"en": "{context.medium}"}}}],
            "eligibility": [{"name": "at_risk", "when": 'person.profile["lifecycle"] == "at_risk"'}],
        }
    ],
    "holdout": {"share": 0.0},
}  # fmt: skip


def theirs(what: str, number: int, **said: str) -> Line:
    """A record as others write it."""
    at = now_ms() // SECOND_MS
    told = {"id": f"e{number}", "what": what, "at": at, "run": "s", "device": "a", **said}
    return Line(at * SECOND_MS, "s", msgspec.json.encode(told))


def ours(event: Event) -> Line:
    """What we add to their topic ourselves."""
    return Line(event.event_time_ms, event.session_id, EVENT.encode(event))


def decisions(kafka: str, prefix: str = PREFIX) -> list[Decision]:
    """Those that stand: what the visitor was offered is void once somebody has signed in."""
    found = [DECISION.decode(one.value) for one in read_outputs(kafka, prefix)[DECISIONS]]
    return sorted((one for one in found if one.kind == "decided"), key=lambda one: one.sequence)


def wait_for(is_so: Callable[[], bool]) -> None:
    while not is_so():  # the suite's own time ends it
        time.sleep(0.2)


def test_what_others_write_and_know_is_decided_on_and_a_bot_is_not(
    replays: Replays, kafka: str, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "game.yaml").write_text(MAPPING)
    settings = {"KAIROS_FORMAT": "json", "KAIROS_MAPPING": str(tmp_path / "game.yaml"), "KAIROS_CONSENT": "all"}  # fmt: skip
    row = {"customer_id": "p", "updated_at": now_ms() - MINUTE_MS, "lifecycle": "at_risk", "e-mail": "p@example.com"}  # fmt: skip
    profile = profile_of_row(row).event
    bot = make_event(event_id="bot", event_time_ms=now_ms(), session_id="s", anonymous_id="a", context=Context(device="bot"))  # fmt: skip
    payload = msgspec.json.encode(msgspec.convert(POLICY, Policy))
    fill_log(kafka, PREFIX, [], make_catalogue())
    control = Control("policy", "default", "risk", now_ms() - MINUTE_MS, payload=payload)
    produce(kafka, PREFIX + CONTROL_TOPIC, [(0, "policy/default", CONTROL.encode(control))])
    decide = start_decide(kafka, PREFIX, home, settings=settings)
    try:
        decide.wait_until_ready()
        produce(kafka, PREFIX + EVENTS, [theirs("saw", 1, sku="i1"), theirs("ping", 2), ours(bot)])
        wait_for(lambda: len(decisions(kafka)) == 1)
        produce(kafka, PREFIX + EVENTS, [ours(profile), theirs("came", 3, who="p")])
        time.sleep(2)
        produce(kafka, PREFIX + EVENTS, [theirs("saw", 4, who="p", sku="i2", utm_medium="email")])
        wait_for(lambda: len(decisions(kafka)) == 2)
        live = decisions(kafka)
        assert [one.event_id for one in live] == ["e1", "e4"], "neither the ping, the bot nor the profile asks"  # fmt: skip
        assert [one.action_id for one in live] == ["nothing", "stay"]
        assert live[1].content["title"] == "email"
        assert read_outputs(kafka, PREFIX)[DEAD_LETTERS] == []
    finally:
        decide.process.kill()
        decide.process.communicate()
    words = ("--kafka", kafka, "--replay", "--prefix", f"{PREFIX}out.")
    replays.run("jobs.run_decide", environment(PREFIX, home) | settings, *words)
    again = decisions(kafka, f"{PREFIX}out.")
    assert [(one.decision_id, one.action_id, one.content) for one in again] == [
        (one.decision_id, one.action_id, one.content) for one in live
    ]
