"""The learn job, live: whoever kills it changes no figure."""

import time
from pathlib import Path

import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from log.kafka import read_to_end
from schemas.codec import EVENT
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.outcomes import Outcome
from schemas.topics import EVENTS, OUTCOMES
from scripts.outcomes.kpi import count, kpis_json
from scripts.outcomes.reading import decoded, once
from tests.builders import NOON, make_catalogue, make_event, make_knowledge
from tests.flink.runs import Line, fill_log, produce, start_job
from tests.jobs.fold.test_outcomes import Visit
from udfs.knowledge.erasures import Erasures

pytestmark = [pytest.mark.flink, pytest.mark.long]


def story() -> list[Line]:
    """Visits of two hours: what was seen is clicked, bought, given back, or ignored."""
    events = []
    for number in range(24):
        visit = Visit(f"v{number % 9}", f"s{number}", NOON + number * 5 * MINUTE_MS)
        decision = visit.asks()
        visit.responds("exposed", decision)
        if number % 3:
            visit.responds("clicked", decision).does("product_added_to_cart", item_ids=["i1"], price=9.0)  # fmt: skip
        if number % 3 == 2:
            visit.buys(40.0 + number)
        if number % 6 == 5:
            visit.does("purchase_refunded", item_ids=["i1"])
        events += visit.events
    events.append(make_event(event_id="last", event_time_ms=NOON + 6 * HOUR_MS, session_id="last", anonymous_id="last"))  # fmt: skip
    ordered = sorted(events, key=lambda one: one.event_time_ms)
    return [Line(one.event_time_ms, one.session_id, EVENT.encode(one)) for one in ordered]


def read(kafka: str, prefix: str) -> list[Outcome]:
    values = (one.value for one in read_to_end(kafka, [prefix + OUTCOMES]))
    return list(once(decoded(values), Erasures()))


def test_killing_the_job_in_the_middle_changes_no_figure(kafka: str, home: Path) -> None:
    prefix, lines = "killed.", story()
    half = len(lines) // 2
    fill_log(kafka, prefix, lines[:half], make_catalogue())
    job = start_job("jobs.run_learn", kafka, prefix, home)
    try:
        job.wait_until_ready()
        while len(read(kafka, prefix)) < 5:
            time.sleep(0.05)
        job.process.kill()
        job.process.communicate()
        produce(kafka, prefix + EVENTS, lines[half:])
        job = start_job("jobs.run_learn", kafka, prefix, home)
        fold = Fold(make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed"), Learner())
        records = list(read_to_end(kafka, [prefix + EVENTS]))
        records.sort(key=lambda one: one.timestamp_ms)
        expected = [outcome for one in fold.run(records) for outcome in one.outcomes]
        assert {one.kind for one in expected} >= {"ignored", "clicked", "carted", "converted", "refunded", "visited"}  # fmt: skip
        while {one.outcome_id for one in expected} - {one.outcome_id for one in read(kafka, prefix)}:  # fmt: skip
            time.sleep(0.05)
        live, folded = (
            kpis_json(count(one, "EUR"), "EUR", None, daily=True) for one in (read(kafka, prefix), expected)
        )  # fmt: skip
        assert live["cells"] == folded["cells"]
    finally:
        job.process.kill()
        job.process.communicate()
