"""On a real Kafka and Flink: a game's own event becomes a fact, a rule and a column by one policy, while the job runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from jobs.publish import now_ms
from schemas.codec import CONTROL, DECISION, EVENT, TRACE
from schemas.control import Control
from schemas.decisions import Decision
from schemas.limits import SECOND_MS
from schemas.policy import Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, TRACES
from tests.builders import make_catalogue, make_event
from tests.flink.runs import Line, fill_log, produce, read_outputs, start_decide
from udfs.explain.vectors import matrix_of
from udfs.facts.features import FEATURE_SPACE

pytestmark = [pytest.mark.flink, pytest.mark.long]
PREFIX: Final = "game."
LEVEL: Final = "level_completed"
WHOLE: Final = {"KAIROS_CONSENT": "all", "KAIROS_TRACE_SHARE": "1"}
GAME: Final[dict[str, Any]] = {
    "events": [{"name": "item_tapped", "role": "view", "fields": {"item_ids": "sku"}}],
    "facts": [
        {"name": "levels", "event": LEVEL, "column": 1},
        {"name": "stars", "event": LEVEL, "how": "sum", "property": "stars", "column": 2},
    ],
    "placements": [
        {"name": "reward", "event_types": [LEVEL], "actions": ["chest"]},
        {"name": "shop", "event_types": ["item_tapped"]},
    ],
    "actions": [
        {
            "id": "chest", "kind": "content", "value": 1.0, "treatments": [{"id": "t", "content": {"title": {"en": "{fact.levels}"}}}],
            "eligibility": [{"name": "played", "when": "fact.levels >= 3 && fact.stars > 5.0"}],
        }
    ],
    "holdout": {"share": 0.0},
}  # fmt: skip
STRICT: Final = GAME | {"strict_events": True}


def line(number: int, name: str, **said: str) -> Line:
    event = make_event(
        event_id=f"{name}-{number}", event_type=name, event_time_ms=now_ms(), session_id="s", anonymous_id="a", properties=said,
    )  # fmt: skip
    return Line(event.event_time_ms, "s", EVENT.encode(event))


def publish(kafka: str, version: str, policy: dict[str, Any]) -> None:
    payload = msgspec.json.encode(msgspec.convert(policy, Policy))
    control = Control("policy", "default", version, now_ms() + 2 * SECOND_MS, payload=payload)
    produce(kafka, PREFIX + CONTROL_TOPIC, [(0, "policy/default", CONTROL.encode(control))])
    time.sleep(4)


def wait_for(is_so: Callable[[], bool]) -> None:
    while not is_so():  # the suite's own time ends it
        time.sleep(0.2)


def decisions(kafka: str, placement: str) -> list[Decision]:
    made = [DECISION.decode(one.value) for one in read_outputs(kafka, PREFIX)[DECISIONS]]
    return [one for one in made if one.placement == placement]


def test_a_level_is_a_fact_a_rule_and_a_column_from_the_policy_on(kafka: str, home: Path) -> None:
    fill_log(kafka, PREFIX, [], make_catalogue())
    decide = start_decide(kafka, PREFIX, home, settings=WHOLE)
    try:
        decide.wait_until_ready()
        produce(kafka, PREFIX + EVENTS, [line(0, LEVEL, stars="9")])  # before the policy: activity
        publish(kafka, "game", GAME)
        for number in range(1, 5):
            produce(kafka, PREFIX + EVENTS, [line(number, LEVEL, stars="2")])
        wait_for(lambda: len(decisions(kafka, "reward")) == 4)
        made = decisions(kafka, "reward")
        assert [one.action_id for one in made] == ["nothing", "nothing", "chest", "chest"]
        assert [one.content.get("title") for one in made[2:]] == ["3", "4"]
        produce(kafka, PREFIX + EVENTS, [line(5, "item_tapped", sku="i1")])
        wait_for(lambda: len(decisions(kafka, "shop")) == 1)
        assert "i1" not in {one.item_id for one in decisions(kafka, "shop")[0].items}, "it is looked at"  # fmt: skip
        traces = [TRACE.decode(one.value) for one in read_outputs(kafka, PREFIX)[TRACES]]
        shop = next(one for one in traces if one.placement == "shop")
        told = matrix_of(shop)[0]
        assert told[FEATURE_SPACE.places["person_declared_1"]] == 4.0
        assert told[FEATURE_SPACE.places["person_declared_2"]] == 8.0
        publish(kafka, "strict", STRICT)
        produce(kafka, PREFIX + EVENTS, [line(6, "level_started"), line(7, LEVEL, stars="1")])
        wait_for(lambda: len(decisions(kafka, "reward")) == 5)
        assert len(read_outputs(kafka, PREFIX)[DEAD_LETTERS]) == 1
        assert decisions(kafka, "reward")[-1].content["title"] == "5"
    finally:
        decide.process.kill()
        decide.process.communicate()
