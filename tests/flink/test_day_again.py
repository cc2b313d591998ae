"""A day of simulated shoppers, live and again: the same outcomes, KPIs and verdicts."""

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.config import config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from log.kafka import read_to_end
from schemas.codec import CONTROL, EVENT
from schemas.control import Control
from schemas.experiments import Arm, Experiment
from schemas.limits import HOUR_MS
from schemas.outcomes import Outcome
from schemas.policy import Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import EVENTS, OUTCOMES
from scripts.experiments.outcome_source import Found, experiments_of
from scripts.experiments.show_experiment import ledger_of, shown_of, told
from scripts.outcomes.kpi import count, kpis_json
from scripts.outcomes.reading import decoded, once
from scripts.simulate.in_fold import knowledge_of
from tests.builders import make_event
from tests.flink.runs import Line, fill_log, produce, start_job
from tests.scripts.simulate.worlds import Played, play, setting_of
from udfs.knowledge.erasures import Erasures

pytestmark = [pytest.mark.flink, pytest.mark.long]
CONFIG = config_from({"KAIROS_CONSENT": "all"})
RANKED = Experiment("ranked", (Arm("popular"), Arm("session")), unit="person", metrics=("click_rate", "conversion"))  # fmt: skip


def a_day() -> Played:
    policy = setting_of("tiny").policy
    policy = msgspec.structs.replace(
        policy,
        experiments=(RANKED,),
        holdout=msgspec.structs.replace(policy.holdout, share=0.2),
    )
    return play(setting_of("tiny", policy, people=60, days=1))


def verdicts(outcomes: list[Outcome], policy: Policy) -> list[dict[str, Any]]:
    """What is said of each experiment, and of the holdout."""
    found = []
    for experiment in experiments_of(policy):
        ledger = ledger_of(Found(experiment, policy))
        for one in outcomes:
            ledger.add(one)
        found.append(told(shown_of(Found(experiment, policy), ledger, None)))
    return found


def net(outcomes: Iterable[Outcome]) -> dict[tuple[str, ...], float]:
    """What stands, by person, kind and cause."""
    found: Counter[tuple[str, ...]] = Counter()
    for one in outcomes:
        cause = one.decision_id, one.session_id, one.event_id, f"{one.outcome_ms}"
        found[one.person, one.kind, *cause] += one.count  # type: ignore[assignment]
    return {key: round(value, 9) for key, value in found.items() if abs(value) > 1e-9}


def rounded(told: Any) -> Any:
    """With all figures to nine digits: in which order amounts are added is not to be seen."""
    if isinstance(told, float):
        return float(f"{told:.9g}")
    if isinstance(told, dict):
        return {name: rounded(one) for name, one in told.items()}
    return [rounded(one) for one in told] if isinstance(told, list | tuple) else told


def test_a_day_again_has_the_outcomes_kpis_and_verdicts_of_live(kafka: str, home: Path) -> None:
    """Live the job reads as it comes, partition by partition, in four bursts; again all is read in the order of time."""
    prefix, played = "day.", a_day()
    policy, events = played.setting.policy, played.events
    end = make_event(event_id="end", session_id="end", anonymous_id="end", event_time_ms=events[-1].event_time_ms + 6 * HOUR_MS)  # fmt: skip
    lines = [Line(one.event_time_ms, one.session_id, EVENT.encode(one)) for one in [*events, end]]
    fill_log(kafka, prefix, [], played.setting.goods.items)
    control = Control("policy", "default", "day", 1, msgspec.json.encode(policy))
    produce(kafka, prefix + CONTROL_TOPIC, [(1, "policy/default", CONTROL.encode(control))])
    job = start_job("jobs.run_learn", kafka, prefix, home)

    def live() -> list[Outcome]:
        values = (one.value for one in read_to_end(kafka, [prefix + OUTCOMES]))
        return list(once(decoded(values), Erasures()))

    try:
        job.wait_until_ready()
        quarter = len(lines) // 4 + 1
        for begun in range(0, len(lines), quarter):
            # without a rest: a partition that is silent for a second is waited for no more, and hours pass here in seconds
            produce(kafka, prefix + EVENTS, lines[begun : begun + quarter])
        records = sorted(read_to_end(kafka, [prefix + EVENTS]), key=lambda one: one.timestamp_ms)
        knowledge = knowledge_of(played.setting, CONFIG)
        fold = Fold(knowledge, FoldRules(EVENT.decode, CONFIG.seed), Learner())
        again = [outcome for one in fold.run(records) for outcome in one.outcomes]
        while net(live()) != net(again):
            time.sleep(0.2)
        of_live, of_again = (
            rounded([kpis_json(count(one, "EUR"), "EUR", None, daily=True)["cells"], verdicts(one, policy)])
            for one in (live(), again)
        )  # fmt: skip
        assert of_live == of_again
    finally:
        job.process.kill()
        job.process.communicate()
    kinds = {one.kind for one in again}
    assert kinds >= {"exposed", "clicked", "ignored", "carted", "converted", "visited"}
    assert {one["experiment"] for one in verdicts(again, policy)} == {"ranked", "holdout"}
    assert again[-1].outcome_ms - again[0].outcome_ms > HOUR_MS
