"""What is said of an experiment, and why: each word with its counter-case."""

import pytest
from msgspec.structs import replace

from models.experiments.metrics import METRICS
from models.experiments.reading import Reading, read
from models.experiments.units import Compared, Ledger, metrics_of
from models.experiments.verdict import Verdict, headline, judge
from schemas.experiments import Arm, Experiment, Minimum
from schemas.limits import DAY_MS
from schemas.outcomes import Outcome
from tests.builders import NOON
from tests.models.experiments.outcomes import EXPERIMENT, visit, visits

LATER = NOON + 20 * DAY_MS
SAME = {"popular": 0.0, "session": 0.0}


def reading_of(outcomes: list[Outcome], experiment: Experiment = EXPERIMENT) -> Reading:
    ledger = Ledger(Compared(experiment, lambda one: one.arm.get("ranker"), "EUR"))
    for one in outcomes:
        ledger.add(one)
    return read(experiment, ledger.counted(metrics_of(experiment)))


def said(outcomes: list[Outcome], experiment: Experiment = EXPERIMENT, now_ms: int = LATER) -> Verdict:  # fmt: skip
    reading = reading_of(outcomes, experiment)
    return headline(judge(reading, now_ms), reading)


def test_a_large_lift_is_kept_and_its_figures_are_told() -> None:
    found = said(visits(4_000, {"popular": 0.0, "session": 1.0}))
    assert (found.word, found.arm) == ("keep", "session")
    better, safe = found.reasons
    assert better.startswith("revenue_per_visit is better: ")
    assert "(between +" in better
    assert safe == "bounce did not become worse as far as can be told"


def test_the_same_before_the_minimum_is_not_yet() -> None:
    few_days = visits(4_000, {"popular": 0.0, "session": 1.0}, days=5)
    found = said(few_days)
    assert found.word == "not yet"
    assert "but it is too early: 5.0 of 14 days, and " in found.reasons[1]
    enough = replace(EXPERIMENT, minimum=Minimum(sessions=1_000))
    assert said(few_days, enough).word == "keep", "either of both is enough"


def test_a_loss_is_stopped_at_once() -> None:
    found = said(visits(4_000, {"popular": 1.0, "session": 0.0}, days=2))
    assert found.word == "stop"
    assert found.reasons[0].startswith("revenue_per_visit became worse: ")


def test_a_guardrail_that_becomes_worse_stops_what_earns_more() -> None:
    lifted = visits(
        4_000, {"popular": 0.0, "session": 1.0}, bounce={"popular": 0.3, "session": 0.45}
    )
    found = said(lifted)
    assert found.word == "stop"
    assert found.reasons[0].startswith("bounce, a guardrail, became worse: 3")
    assert said(lifted, replace(EXPERIMENT, guardrails=())).word == "keep"


def test_where_nothing_differs_it_is_not_yet_and_after_the_end_stop() -> None:
    same = visits(2_000, SAME, seed=3)
    running = said(same)
    assert running.word == "not yet"
    assert "shows no difference that is sure" in running.reasons[0]
    ended = said(same, now_ms=EXPERIMENT.ends_ms)
    assert ended.word == "stop"
    assert ended.reasons[0] == "it has ended, and no difference was found"


def test_a_broken_split_is_not_trusted_whatever_it_shows() -> None:
    whole = visits(4_000, {"popular": 0.0, "session": 1.0})
    lost = [one for one in whole if not (one.person[-1] in "37" and one.arm.get("ranker") == "session")]  # fmt: skip
    found = said(lost)
    assert (found.word, found.arm) == ("do not trust", "")
    assert "the arms do not have the shares that they should (popular has " in found.reasons[0]


def test_an_arm_that_nobody_sees_is_named() -> None:
    found = said([one for one in visits(2_000, SAME) if one.arm.get("ranker") != "session"])
    assert found.word == "do not trust"
    assert found.reasons[0] == "nobody was seen in session: it is not on, or what is shown of it is not told"  # fmt: skip


def test_people_in_several_arms_are_not_trusted() -> None:
    twice = [one for n in range(80) for one in visit(f"p{n}", "session", LATER)]
    found = said([*visits(2_000, SAME), *twice])
    assert found.word == "do not trust"
    assert "of 2,000 people were seen in several arms" in found.reasons[0]


def test_an_effect_that_wears_off_is_waited_for() -> None:
    """High on the first days, none on the last: as people try what is new."""
    told = [one for day in range(20) for one in _of_day(day, lift=max(0.0, 3.0 - 0.35 * day))]
    found = said(told)
    assert found.word == "not yet"
    assert "comes down from day to day to nothing" in found.reasons[-1]


def _of_day(day: int, lift: float) -> list[Outcome]:
    made = visits(700, {"popular": 0.0, "session": lift}, seed=day, days=1)
    return [
        replace(
            one, person=f"{one.person}-{day}", session_id=f"{one.session_id}-{day}",
            outcome_id=f"{one.outcome_id}-{day}", outcome_ms=one.outcome_ms + day * DAY_MS,
        )
        for one in made
    ]  # fmt: skip


def test_a_constant_metric_tells_nothing() -> None:
    still = [one for one in visits(1_000, SAME) if one.kind != "converted"]
    found = said(still)
    assert found.word == "not yet"
    assert "revenue_per_visit is the same for everybody (0), so it tells nothing" in found.reasons


def test_a_metric_of_which_nothing_is_told_is_named() -> None:
    asked = replace(EXPERIMENT, metrics=("satisfaction",))
    found = said(visits(1_000, SAME), asked)
    assert "satisfaction: nothing is known of it yet" in found.reasons


def test_before_anybody_was_seen_it_is_not_yet() -> None:
    found = said([])
    assert found.word == "not yet"
    assert any("nothing is known" in one for one in found.reasons)


def test_of_several_arms_the_best_is_kept_and_all_are_corrected_for() -> None:
    three = Experiment(
        "ranker", (Arm("popular"), Arm("session"), Arm("bold")), starts_ms=NOON,
        metrics=("revenue_per_visit", "conversion"), guardrails=(),
    )  # fmt: skip
    reading = reading_of(visits(9_000, {"popular": 0.0, "session": 0.9, "bold": 1.6}), three)
    verdicts = judge(reading, LATER)
    assert {one.arm: one.word for one in verdicts} == {"session": "keep", "bold": "keep"}
    assert headline(verdicts, reading).arm == "bold"
    assert reading.comparisons == 4
    (one,) = (each for each in reading.compared if (each.metric.name, each.arm) == ("conversion", "session"))  # fmt: skip
    assert one.p is not None
    assert one.always is not None
    assert one.p >= one.always.p


def test_the_other_arm_may_be_the_control() -> None:
    found = said(
        visits(4_000, {"popular": 1.0, "session": 0.0}), replace(EXPERIMENT, control="session")
    )
    assert (found.word, found.arm) == ("keep", "popular")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_asked_for(name: str) -> None:
    asked = replace(EXPERIMENT, metrics=(name,), guardrails=())
    found = judge(reading_of(visits(600, SAME), asked), LATER)
    assert found[0].reasons
