"""A thousand triggers for one person, over partitions, with repeats and `kill -9` of the job in the middle: three are three."""

from collections.abc import Iterator
from typing import Final

import pytest

from jobs.publish import now_ms
from log.kafka import read_to_end
from schemas.codec import DECISION, EVENT
from schemas.limits import MINUTE_MS
from schemas.topics import DECISIONS
from tests.builders import make_event
from tests.e2e.homes import Decisions, wait_for
from tests.e2e.test_kill_and_restore import Line, Parts, job_alone, kill
from tests.jobs.fold.test_contact_race import POLICY, SESSIONS, TRIGGERS

pytestmark = [pytest.mark.flink, pytest.mark.long, pytest.mark.timeout(600)]
PREFIX: Final = "race."
LIMIT: Final = 3


@pytest.fixture
def parts(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The job alone: what it writes is read from the topic."""
    home = tmp_path_factory.mktemp("race") / "kairos"
    with job_alone(kafka, home, PREFIX, POLICY) as parts:
        yield parts


def triggers(start_ms: int) -> list[Line]:
    """From twenty visits of one person, which lie in several partitions; each is sent twice."""
    found = []
    for number in range(TRIGGERS):
        event = make_event(
            event_id=f"e{number}", event_type="cart_viewed", anonymous_id="ada", event_time_ms=start_ms + number,
            session_id=f"s{number % SESSIONS}",
        )  # fmt: skip
        found += [Line(start_ms + number, event.session_id, EVENT.encode(event))] * 2
    return found


def test_a_limit_of_three_is_three_with_a_job_killed_in_the_middle(parts: Parts) -> None:
    lines = triggers(now_ms() - MINUTE_MS)
    kafka = parts.addresses.kafka
    job = parts.start_job()
    with Decisions(kafka, PREFIX) as seen:
        parts.send(lines[:4])  # two triggers, two contacts, which the checkpoint holds
        wait_for(lambda: len(seen.look()) >= 2)
        parts.make_checkpoint()
        parts.send(lines[4:TRIGGERS])
        wait_for(lambda: len(seen.look()) >= TRIGGERS // 4)
        kill(job)
        parts.send(lines[TRIGGERS:])
        parts.start_job()
        wait_for(lambda: len({*seen.look()}) >= TRIGGERS)
    parts.make_checkpoint()
    written = [DECISION.decode(one.value) for one in read_to_end(kafka, [PREFIX + DECISIONS])]
    assert {one.person for one in written} == {"ada"}
    newest = {one.decision_id: one.action_id for one in written}
    assert len(newest) == TRIGGERS
    assert sum(action_id != "nothing" for action_id in newest.values()) == LIMIT
    # what was decided after the checkpoint is decided again, maybe in another order of its partitions: by one place at most
    ever = {one.decision_id for one in written if one.action_id != "nothing"}
    assert LIMIT <= len(ever) <= LIMIT + 1
