"""`kairos experiment`: the usual test from five lines of policy to its verdict, pictures, plans, and what personalisation earns."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from jobs.config import PROJECT, config_from
from models.experiments.metrics import METRICS
from schemas.codec import OUTCOME
from schemas.events import event_from_fields
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL
from schemas.limits import DAY_MS, HOUR_MS
from schemas.outcomes import Outcome
from schemas.policy import Policy
from scripts import cli
from scripts.cli import app
from scripts.experiments import outcome_source
from scripts.files.try_files import Trial, World
from scripts.outcomes import reading
from scripts.policy.policy_file import parse_policy
from tests.builders import NOON
from tests.models.experiments.outcomes import make_outcome, visits
from tests.scripts.experiments.shop_of_two_arms import write_visits

PAGE = (PROJECT / "docs" / "experiments.md").read_text()
FIVE_LINES = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
POLICY = """\
placements: [{name: home, event_types: [page_viewed]}]
holdout: {share: 0.5, starts: 2023-11-14T00:00Z}
experiments:
  - name: ranker
    starts: 2023-11-14T00:00Z
    ends: 2023-12-24T00:00Z
    arms: [{name: popular}, {name: session}]
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`kairos experiment` over outcomes that are told as those of a file, by POLICY."""
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    (tmp_path / "policy.yaml").write_text(POLICY)
    told: list[Outcome] = []
    monkeypatch.setattr(reading, "of_files", lambda *_: iter(told))

    def ask(*words: str, outcomes: list[Outcome] | None = None) -> Result:
        told[:] = outcomes or []
        given = ("--policy", str(tmp_path / "policy.yaml"))
        events = () if words[0] == "list" else ("--events", "events.jsonl")
        return CliRunner().invoke(app, ["experiment", *words, *events, *given])

    return ask


def lines_of_the_page() -> str:
    assert FIVE_LINES is not None
    return FIVE_LINES[1]


def test_the_usual_test_takes_five_lines_and_is_what_the_page_says() -> None:
    written = lines_of_the_page()
    assert len(written.splitlines()) == 5
    policy = parse_policy("placements: [{name: home, event_types: [page_viewed]}]\n" + written)
    (one,) = policy.experiments
    assert (one.name, one.unit, one.compared_with, one.shares) == ("session_ranker", "session", "popular", (0.5, 0.5))  # fmt: skip
    assert (one.metrics, one.guardrails) == (("revenue_per_visit",), ("bounce",))
    assert (one.minimum.lasts_ms, one.minimum.sessions) == (14 * DAY_MS, 10_000)
    ranked_by = [arm.changes for arm in one.arms]
    assert ranked_by == [{"placements": {"home": {"rank_by": "popular_in_category"}}}, {}]


def test_half_of_the_visits_get_each_order_from_its_start_on() -> None:
    policy = parse_policy("placements: [{name: home, event_types: [page_viewed]}]\nholdout: {share: 0}\n" + lines_of_the_page())  # fmt: skip
    start_ms = policy.experiments[0].starts_ms
    events = [
        event_from_fields({
            "event_id": f"e{n}-{day}", "event_type": "page_viewed", "event_time_ms": start_ms + day * DAY_MS + n,
            "session_id": f"s{n}-{day}", "anonymous_id": "one person", "consent": ["personalisation", "analytics"],
        })
        for day in (-1, 1) for n in range(200)
    ]  # fmt: skip
    trial = Trial(events, World(policy=policy), config_from({"KAIROS_HOME": "/nowhere"}))
    made = [decision for step in trial.run() for decision, _ in step.decisions]
    arms = {day: Counter(one.arm.get("session_ranker") for one in made if (one.event_time_ms > start_ms) is day) for day in (False, True)}  # fmt: skip
    assert arms[False] == {None: 200}
    assert arms[True].keys() == {"popular", "ranker"}
    assert min(arms[True].values()) > 70, "one person, many visits, both arms"


def test_a_verdict_comes_first_and_the_figures_below(run: Run) -> None:
    done = run("show", outcomes=visits(4_000, {"popular": 0.0, "session": 1.0}))
    assert done.exit_code == 0, done.output
    lines = [one.strip() for one in done.output.splitlines() if one.strip()]
    assert lines[0].startswith("ranker: since 2023-11-14T")
    assert lines[1] == "KEEP: session"
    assert lines[2] == "Make session the policy: everybody gets it."
    assert lines[3].startswith("revenue_per_visit is better: ")
    assert "bounce (guardrail)" in done.output
    assert "p holds however often you look" in done.output


def test_programs_get_every_figure(run: Run) -> None:
    done = run("show", "ranker", "--json", outcomes=visits(4_000, {"popular": 0.0, "session": 1.0}))
    told = json.loads(done.output)
    assert (told["verdict"]["word"], told["verdict"]["arm"]) == ("keep", "session")
    assert told["correction"] == "holm"
    (revenue, bounce) = told["metrics"]
    assert (revenue["metric"], bounce["is_guardrail"]) == ("revenue_per_visit", True)
    low, high = revenue["always_valid"]["interval"]
    once_low, once_high = revenue["fixed_horizon"]["interval"]
    assert low < once_low < revenue["difference"] < once_high < high
    assert revenue["lift"] == pytest.approx(revenue["value"] / revenue["control"] - 1)
    assert revenue["bayes"]["better"] > 0.99
    assert sum(told["units"].values()) == 4_000
    assert len(revenue["days"]) == 20


def test_figures_that_cannot_be_trusted_end_with_1(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = visits(4_000, {"popular": 0.0, "session": 0.0})
    lost = [one for one in whole if not (one.person[-1] in "37" and one.arm.get("ranker") == "session")]  # fmt: skip
    done = run("show", outcomes=lost)
    assert "DO NOT TRUST" in done.output
    monkeypatch.setattr(
        "sys.argv",
        [
            "kairos",
            "experiment",
            "show",
            "--events",
            "e.jsonl",
            "--policy",
            str(tmp_path / "policy.yaml"),
        ],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1


def test_pictures_are_written_and_are_pictures(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    done = run("show", "ranker", "--plots", str(folder), "--json", outcomes=visits(4_000, {"popular": 0.0, "session": 1.0}))  # fmt: skip
    written = json.loads(done.output)["plots"]
    assert sorted(Path(one).name for one in written) == [
        "ranker-bounce-session-days.svg", "ranker-lifts.svg", "ranker-revenue_per_visit-session-days.svg",
    ]  # fmt: skip
    for one in written:
        root = ET.parse(one).getroot()
        assert root.tag.endswith("svg")
        assert len(root.findall(".//{*}circle")) >= (2 if "lifts" in one else 20)
    lifts = (folder / "ranker-lifts.svg").read_text()
    assert "revenue_per_visit, session" in lifts


def test_a_folder_that_cannot_be_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("show", "ranker", "--plots", str(tmp_path / "file"), outcomes=visits(400, {"popular": 0.0, "session": 0.0}))  # fmt: skip
    assert "cannot be written" in str(done.exception)


def without_consent(people: int) -> Iterator[Outcome]:
    """Who did not agree to personalisation is neither held out nor personalised, and spends much."""
    for number in range(people):
        yield make_outcome("exposed", f"q{number}", NOON)
        yield make_outcome("converted", f"q{number}", NOON + 1, value=100.0)


def in_holdout(people: int, worth: float) -> Iterator[Outcome]:
    """Every second person is held out; the others spend `worth` more."""
    for number in range(people):
        person, is_held, at_ms = f"p{number}", number % 2 == 0, NOON + number * HOUR_MS // 10
        arm = {HOLDOUT: HELD_OUT if is_held else PERSONAL}
        yield make_outcome("exposed", person, at_ms, arm=arm)
        spent = 10.0 + number % 7 + (0.0 if is_held else worth)
        yield make_outcome("converted", person, at_ms + 1, value=spent)


def test_what_personalisation_earns_is_told_with_its_interval(run: Run) -> None:
    done = run("show", "holdout", outcomes=[*in_holdout(4_000, 2.0), *without_consent(1_000)])
    assert done.exit_code == 0, done.output
    (line,) = (one for one in done.output.splitlines() if one.startswith("Personalisation earns"))  # fmt: skip
    assert line.startswith(
        "Personalisation earns +2.00 EUR a person against the holdout (95 %: +1."
    )
    assert "with 2,000 people that is +3,998 EUR so far" in line
    assert "KEEP: personalised" in done.output


def test_an_unknown_experiment_names_those_there_are(run: Run) -> None:
    done = run("show", "rnaker")
    assert "there are: holdout, ranker" in str(done.exception)


def test_experiments_are_listed_with_the_holdout(run: Run) -> None:
    listed = CliRunner().invoke(app, ["experiment", "list", "--policy", "gone.yaml"])
    assert listed.exit_code != 0
    policy = parse_policy(POLICY)
    assert [one.name for one in outcome_source.experiments_of(policy)] == ["ranker", "holdout"]
    assert [one.name for one in outcome_source.experiments_of(Policy())] == ["holdout"]


def test_a_plan_says_units_and_days_for_both_ways_of_looking(run: Run) -> None:
    outcomes = visits(4_000, {"popular": 0.0, "session": 0.0})
    done = run("plan", "ranker", "--lift", "0.1", "--json", outcomes=outcomes)
    told = json.loads(done.output)
    (one,) = told["plans"]
    # van Belle's rule: 16 variances by the difference squared, in each of two arms, for a power of .8
    rough = 2 * 16 * told["deviation"] ** 2 / (0.1 * told["value"]) ** 2
    assert one["once"] == pytest.approx(rough, rel=0.03)
    assert one["once"] < one["however_often"] < 3 * one["once"]
    assert told["units_per_day"] == pytest.approx(200, rel=0.01)
    assert one["once_days"] == pytest.approx(one["once"] / told["units_per_day"])
    words = run("plan", "--arms", "3", outcomes=outcomes)
    assert "in all 3 arms together" in words.output
    assert words.output.count("│ +") == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--metric", "clicks"), "there is no metric 'clicks'"),
        (("plan", "--lift", "0"), "a lift other than 0"),
        (("plan",), "the log tells nothing of revenue_per_visit"),
    ],
)
def test_what_cannot_be_planned_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    assert said in str(run(*words).exception)


def test_files_need_a_policy() -> None:
    done = CliRunner().invoke(app, ["experiment", "show", "--events", "e.jsonl"])
    assert "--policy FILE" in str(done.exception)


def test_the_page_names_every_metric() -> None:
    assert [one for one in METRICS if f"`{one}`" not in PAGE] == []


# --- of files, and of a running engine ----------------------------------------------------------

SHOP = "placements: [{name: home, event_types: [page_viewed]}]\nholdout: {share: 0}\n"


@pytest.fixture
def shop(tmp_path: Path) -> tuple[str, ...]:
    """The test of the page, over 1,500 visits of which those of the arm `ranker` buy far more often: options that name its files."""
    text = SHOP + lines_of_the_page()
    (tmp_path / "policy.yaml").write_text(text)
    bought = {"popular": 0.1, "ranker": 0.35}
    write_visits(tmp_path / "events.jsonl", parse_policy(text), 1_500, bought)
    return "--events", str(tmp_path / "events.jsonl"), "--policy", str(tmp_path / "policy.yaml")


def told_of(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["experiment", "show", "session_ranker", "--json", *words])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_from_a_file_of_events_to_a_verdict(
    shop: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    told = told_of(*shop)
    assert (told["verdict"]["word"], told["verdict"]["arm"]) == ("keep", "ranker")
    assert sum(told["units"].values()) == 1_500
    assert not told["sample_ratio"]["is_mismatch"]
    (revenue,) = (one for one in told["metrics"] if one["metric"] == "revenue_per_visit")
    low, high = revenue["always_valid"]["interval"]
    assert low < 0.25 * 35 < high, "the truth: 25 of 100 visits more, 35 each"


@pytest.mark.long
@pytest.mark.e2e
def test_what_the_engine_wrote_is_read_as_the_fold_makes_it_whatever_its_order(
    shop: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live, corrections come late and a restart tells again what it had told."""
    from log.kafka import create_topics
    from schemas.topics import OUTCOMES, topics
    from tests.broker import running_broker

    config = config_from({"KAIROS_HOME": str(tmp_path / "home")})
    events, policy = Path(shop[1]), parse_policy(Path(shop[3]).read_text())
    outcomes = [*reading.of_files([events], None, policy, config)]
    with running_broker(tmp_path / "kafka") as address:
        for name, text in {"KAFKA": address, "TOPIC_PREFIX": "t-", "HOME": str(tmp_path / "home")}.items():  # fmt: skip
            monkeypatch.setenv(f"KAIROS_{name}", text)
        create_topics(address, topics("t-"))
        mixed = sorted(outcomes, key=lambda one: one.outcome_id)
        write(address, "t-" + OUTCOMES, [*mixed, *mixed[:50]])
        published = CliRunner().invoke(app, ["policy", "publish", shop[3]])
        listed = CliRunner().invoke(app, ["experiment", "list", "--json"])
        live = told_of()
    assert published.exit_code == 0, published.output
    assert [one["name"] for one in json.loads(listed.stdout)] == ["session_ranker"]
    assert live == told_of(*shop)


def write(kafka: str, topic: str, outcomes: list[Outcome]) -> None:
    """As the learn job does."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": kafka})
    for one in outcomes:
        producer.produce(topic, OUTCOME.encode(one), one.decision_id, timestamp=one.outcome_ms)
    producer.flush()
