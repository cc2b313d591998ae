"""`train --responses`: which actions get a model, how good it is said to be, and that it knows what decisions know."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from jobs.config import Config, config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.model_roots import Roots
from jobs.learning.response_examples import MOMENTS_MAX, collect_responses
from jobs.learning.trust import Trust
from models.content import Published
from models.response import ActionWeights, ResponseModel, Responses, load_responses
from schemas import CODE_VERSION
from schemas.codec import CONTROL, EVENT
from schemas.control import Control
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS, SESSION_GAP_MS
from schemas.policy import RESPONSES, Policy
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from scripts.files.event_lines import write_lines
from scripts.training import response_training
from scripts.training.model_versions import announce
from scripts.training.response_training import ActionReport, ResponseReport, show_report, train_from
from scripts.training.training import from_files
from tests.builders import NOON, make_event, make_record
from udfs.actions.respond import RESPONSE_SPACE, response_row
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.policy.compile_policy import compile_policy

COLUMN = {name: at for at, name in enumerate(RESPONSE_SPACE.names)}


# --- a training --------------------------------------------------------------------------------


def responses_to(action_id: str, people: int, clicking: str) -> list[Event]:
    """A session for each person, every second of whom has viewed something.

    `clicking`: `viewers` (nine in ten of them, one in ten of the others), `few` (one in fifty) or `nobody`.
    """
    made: list[Event] = []
    for number in range(people):
        name, is_viewer = f"{action_id}{number}", number % 2 == 0
        said = {"decision_id": f"d-{name}", "properties": {"action_id": action_id}}
        is_odd = number % 20 in (6, 11)
        is_click = {"viewers": is_viewer != is_odd, "few": number % 50 == 0, "nobody": False}
        steps: list[dict[str, Any]] = [{"event_type": "decision_exposed", **said}]
        if is_viewer:
            steps.insert(0, {"event_type": "product_viewed", "item_ids": ["i1"]})
        if is_click[clicking]:
            steps.append({"event_type": "decision_clicked", **said})
        made += [
            make_event(
                event_id=f"{name}-{at}", session_id=f"s-{name}", anonymous_id=name,
                event_time_ms=NOON + number * SECOND_MS + at, **step,
            )
            for at, step in enumerate(steps)
        ]  # fmt: skip
    return made


END = make_event(event_id="end", session_id="end", anonymous_id="end", event_time_ms=NOON + HOUR_MS)


def config_of(folder: Path) -> Config:
    return config_from({"KAIROS_HOME": str(folder), "KAIROS_CONSENT": "all"})


def trained(folder: Path, *events: Event) -> tuple[ResponseReport, Published]:
    file = folder / "events.jsonl"
    write_lines(events, file)
    config = config_of(folder)
    return train_from(from_files([file], None, config), config)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ResponseReport, Published]:
    events = [
        *responses_to("quiz", 600, "viewers"), *responses_to("sale", 300, "few"),
        *responses_to("chat", 150, "viewers"), END,
    ]  # fmt: skip
    return trained(tmp_path_factory.mktemp("trained"), *events)


def of(report: ResponseReport, action_id: str) -> ActionReport:
    return next(one for one in report.actions if one.action_id == action_id)


def test_an_action_has_a_model_where_there_is_enough_and_else_the_report_says_why_not(
    made: tuple[ResponseReport, Published],
) -> None:
    report, published = made
    told = {one.action_id: (one.exposures, one.clicks, one.why_not) for one in report.actions}
    assert told == {
        "chat": (150, 74, "fewer than 200 exposures"),
        "quiz": (600, 300, ""),
        "sale": (300, 6, "fewer than 20 clicks"),
    }
    assert (report.examples, report.invalid, report.version) == (1_050, 0, published.version)
    model = load_responses(published.uri, published.sha256, RESPONSE_SPACE)
    assert list(model.responses.actions) == ["quiz"]
    assert Path(published.uri).parent.name == "models"


def test_figures_are_of_the_newest_exposures_and_beside_those_of_the_constant_rate(
    made: tuple[ResponseReport, Published],
) -> None:
    report = made[0]
    told = of(report, "quiz").held_out
    assert told is not None
    # the quiz goes on for ten minutes, the others end before: the newest fifth of all is the quiz's end
    assert told.exposures == round(0.2 * 1_050)
    # nine in ten do as their kind does: -(0.9 log 0.9 + 0.1 log 0.1); a coin says log 2
    assert told.log_loss == pytest.approx(0.325, abs=0.05)
    assert told.log_loss_of_rate == pytest.approx(np.log(2), abs=0.01)
    assert told.ece < 0.05
    assert of(report, "sale").held_out is None


def test_report_shows_both_kinds_of_actions_and_is_json(
    made: tuple[ResponseReport, Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: list[tuple[Any, ...]] = []
    lines: list[str] = []
    monkeypatch.setattr(response_training, "show", lines.append)
    monkeypatch.setattr(response_training, "show_table", lambda *told: tables.append(told))
    show_report(made[0])
    assert lines[0].startswith("1,050 exposures; trained in ")
    (_, columns, modelled), (_, _, others) = tables
    assert [row[0] for row in modelled] == ["quiz"]
    assert len(modelled[0]) == len(columns)
    assert [(row[0], row[-1]) for row in others] == [
        ("chat", "fewer than 200 exposures"), ("sale", "fewer than 20 clicks"),
    ]  # fmt: skip
    again = msgspec.json.decode(msgspec.json.encode(response_training.report_json(made[0])))
    assert msgspec.convert(again, ResponseReport) == made[0]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "there is no event in the files: nothing to learn from"),
        (
            responses_to("quiz", 5, "viewers"),  # their windows are open
            "no exposure of an action .* is older than 30 minutes: nothing to learn from",
        ),
        (
            [*responses_to("quiz", 40, "viewers"), *responses_to("sale", 60, "few"), END],
            "none of 2 actions has 200 exposures, .*nothing to learn from .*'sale', 60 with 2 clicks",
        ),
        ([*responses_to("quiz", 200, "nobody"), END], "'quiz', 200 with 0 clicks"),
    ],
)
def test_where_there_is_nothing_to_learn_from_one_message_says_what_is_missing(
    tmp_path: Path, events: list[Event], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(tmp_path, *events)
    assert not (tmp_path / "models").exists()


class Written:
    """A log that keeps what is written to it."""

    def __init__(self) -> None:
        self.controls: list[Control] = []
        self.is_flushed = False

    def control(self, control: Control) -> None:
        self.controls.append(control)

    def flush(self) -> None:
        self.is_flushed = True


def test_what_is_announced_is_what_operators_take_as_the_model_of_responses(
    made: tuple[ResponseReport, Published],
) -> None:
    log = Written()
    told = announce(log, RESPONSES, made[1], NOON)  # type: ignore[arg-type]
    (control,) = log.controls
    assert (control, log.is_flushed) == (told, True)
    assert (told.kind, told.name, told.effective_from_ms) == ("model", "responses", NOON)
    roots = Roots((str(Path(made[1].uri).parent),))
    feed = KnowledgeFeed(Knowledge(), lambda _: None, Trust(roots))
    feed.apply(CONTROL.encode(control), 0, NOON)
    assert feed.knowledge.at(NOON - 1).responses is None
    known = feed.knowledge.at(NOON)
    assert known.responses is not None
    assert known.responses.version == made[0].version
    assert known.scorer is None, "it is no ranker"


# --- no difference between training and serving ---------------------------------------------------


def model() -> ResponseModel:
    """Looks at every feature."""
    weights = tuple(0.1 + at / 100 for at in range(RESPONSE_SPACE.count))
    return ResponseModel(
        "m",
        Responses(
            feature_set=RESPONSE_SPACE.digest, feature_names=RESPONSE_SPACE.names,
            code_version=CODE_VERSION, from_ms=0, to_ms=0, means=(0.0,) * RESPONSE_SPACE.count,
            scales=(10.0,) * RESPONSE_SPACE.count,
            actions={"banner": ActionWeights(-3.0, weights, 1, 1)},
        ),
    )  # fmt: skip


def knowing() -> Knowledge:
    """A banner in the placement `hero`, and a model of who clicks on it."""
    document = {
        "placements": [{"name": "hero", "actions": ["banner"]}],
        "actions": [{"id": "banner", "kind": "content", "treatments": [{"id": "t"}]}],
        "holdout": {"share": 0.0},
    }
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(document, Policy)))
    knowledge.add_responses("m", 0, 0, model())
    return knowledge


class Steps:
    """One visitor's events, one after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event_type: str = "page_viewed", after_ms: int = SECOND_MS, **fields: Any) -> str:
        """Adds an event; its id."""
        before_ms = self.events[-1].event_time_ms if self.events else NOON
        event_id = f"e{len(self.events)}"
        fields = {"event_time_ms": before_ms + after_ms, "channel": "web"} | fields
        self.events.append(make_event(event_id=event_id, event_type=event_type, **fields))
        return event_id

    def ask(self) -> str:
        """Asks for a decision; its id."""
        return identify_decision("a1", "s1", self.add(placements=["hero"]), "hero")

    def expose(self, decision_id: str, placement: str | None = "hero", **fields: Any) -> None:
        properties = {"action_id": "banner"} | ({"placement": placement} if placement else {})
        self.add("decision_exposed", decision_id=decision_id, properties=properties, **fields)

    def log(self) -> list[LogRecord]:
        records = [make_record(event, at) for at, event in enumerate(self.events)]
        end = make_event(event_id="end", session_id="end", event_time_ms=NOON + 9 * HOUR_MS)
        return [*records, make_record(end, len(records))]


def seen(steps: Steps) -> float:
    """The number of events of the session that the example of the only exposure knows of."""
    knowledge = knowing()
    rules = FoldRules(EVENT.decode, "seed", decides=lambda _: False)
    found = collect_responses(Fold(knowledge, rules), steps.log(), knowledge)
    assert found.features.shape == (1, RESPONSE_SPACE.count)
    return float(found.features[0, COLUMN["session_events"]])


def test_a_model_learns_from_the_very_features_that_a_decision_asks_it_with() -> None:
    steps = Steps()
    for _ in range(3):
        steps.add("product_viewed", item_ids=["i1"], price=20.0)
    decision_id = steps.ask()
    steps.add("product_viewed", item_ids=["i2"], price=90.0, after_ms=2 * MINUTE_MS)
    steps.expose(decision_id)
    knowledge = knowing()
    decided: dict[str, Decision] = {
        decision.decision_id: decision
        for one in Fold(knowledge, FoldRules(EVENT.decode, "seed")).run(steps.log())
        for decision, _ in one.decisions
    }
    rules = FoldRules(EVENT.decode, "seed", decides=lambda _: False)
    found = collect_responses(Fold(knowledge, rules), steps.log(), knowledge)
    decision = decided[decision_id]
    assert (decision.action_id, decision.propensity_source) == ("banner", "model")
    assert model().propensities(["banner"], found.features) == {
        "banner": decision.response_propensity
    }


@pytest.mark.parametrize(
    ("decision_id", "placement", "expected"),
    [("", "hero", 1.0), ("", None, 3.0), ("", "cart", 3.0), ("unknown", "hero", 3.0)],
)
def test_where_no_event_is_found_that_asked_it_is_the_moment_of_the_exposure(
    decision_id: str, placement: str | None, expected: float
) -> None:
    steps = Steps()
    asked_id = steps.ask()
    steps.add()
    steps.expose(decision_id or asked_id, placement)
    assert seen(steps) == expected


@pytest.mark.parametrize(
    ("between", "is_found"), [(MOMENTS_MAX - 2, True), (MOMENTS_MAX - 1, False)]
)
def test_the_newest_moments_of_a_session_are_kept(between: int, is_found: bool) -> None:
    steps = Steps()
    decision_id = steps.ask()
    for _ in range(between):
        steps.add()
    steps.expose(decision_id)
    assert seen(steps) == (1.0 if is_found else between + 2.0)


@pytest.mark.parametrize(
    ("after_ms", "expected"), [(SESSION_GAP_MS - 1, 2.0), (SESSION_GAP_MS, 1.0)]
)
def test_moments_of_a_session_that_has_ended_are_forgotten(after_ms: int, expected: float) -> None:
    steps = Steps()
    steps.add()
    decision_id = steps.ask()
    steps.expose(decision_id, after_ms=after_ms)
    assert seen(steps) == expected


def test_a_decision_for_the_visitor_is_known_after_they_said_who_they_are() -> None:
    steps = Steps()
    decision_id = steps.ask()
    steps.add("identified", person_id="p1")
    steps.expose(decision_id, person_id="p1")
    assert seen(steps) == 1.0


class Untouchable:
    """Fails as soon as anything is asked of it but for the policy, which is none of it."""

    policy = None

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


def test_no_feature_of_a_response_reads_what_the_stream_has_learnt() -> None:
    """So the training needs none of it; where this fails, `train_from` has to teach its fold."""
    event = make_event(event_type="product_viewed", item_ids=["i1"])
    context = SessionContext(1, NOON, NOON)
    untouchable: Any = Untouchable()
    row = response_row(Moment(PersonState(NOON, NOON), context, event, untouchable, untouchable))
    assert row[0, COLUMN["session_events"]] == 0.0
