"""A model that nothing says is any good is not put in force, says why, and can be forced: from the command line and the console."""

import json
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import pytest
from typer.testing import CliRunner, Result

from channels.api.audit_log import Actor
from jobs.config import config_from
from models.artefact import Artefact, list_artefacts, save_artefact
from models.learning.report import Report
from schemas.control import Control
from scripts.cli import app
from scripts.exit_codes import DONE, FAILED
from scripts.ops import console_versions
from scripts.ops.console_versions import ConsoleVersions
from scripts.training import model_versions, models_here, train_here, training
from scripts.training.model_guard import (
    DECISIONS_MIN,
    ModelRefused,
    doubts_in,
    ranker_doubts,
    response_doubts,
)
from scripts.training.response_training import ActionReport, Figures
from tests.models.made import artefact_of, booster_of
from udfs.facts.features import FEATURE_SPACE
from udfs.items.orders import COLD_START, LAST_TOUCHED

ORDERS: Final = {"last_touched": {"mrr": 0.3}, "popularity": {"mrr": 0.4}}
GOOD: Final = Report(9, 400, 4_000, 60, {"touch_rank": 1.0}, ORDERS)
FEW: Final = "it learnt from 10 decisions, and at least 200 are wanted"
NOT_BETTER: Final = (
    "on 60 held-out decisions it ranks no better than `popularity` alone (MRR 0.400, 0.400)"
)
CONSTANT: Final = "its scores are constant: no column tells items apart"
UNMEASURED: Final = "no decision was held out, so nothing says that it ranks better than chance"
WEAK: Final = f"{FEW}; {NOT_BETTER}"


def artefact(examples: int, mrr: float, report: Report = GOOD) -> Artefact:
    made = artefact_of(booster_of(FEATURE_SPACE.count))
    return msgspec.structs.replace(made, examples=examples, metrics={"mrr": mrr}, report=report)


def test_a_model_that_ranks_better_than_simple_orders_on_enough_decisions_is_not_doubted() -> None:
    assert doubts_in(artefact(DECISIONS_MIN, 0.41)) == []


def test_each_weakness_has_its_sentence() -> None:
    assert doubts_in(artefact(10, 0.41)) == [FEW]
    assert doubts_in(artefact(400, 0.40)) == [NOT_BETTER]
    assert doubts_in(artefact(10, 0.40)) == [FEW, NOT_BETTER]
    constant = msgspec.structs.replace(GOOD, importance={"touch_rank": 0.0})
    assert doubts_in(artefact(400, 0.9, constant)) == [CONSTANT]
    assert ranker_doubts(400, {}, GOOD) == [UNMEASURED]
    assert ranker_doubts(1, {"mrr": 1.0}, GOOD)[0].startswith("it learnt from 1 decision,")
    alone = msgspec.structs.replace(GOOD, baselines={})
    assert ranker_doubts(400, {"mrr": 0.1}, alone) == []


def test_a_model_of_responses_has_to_foretell_one_action_better_than_its_rate() -> None:
    def action(loss: float | None) -> ActionReport:
        figures = Figures(50, loss, 0.5, 0.0) if loss is not None else None
        return ActionReport("a", 100, 20, "", figures)

    assert response_doubts([action(0.6), action(0.4)]) == []
    assert response_doubts([action(0.5), action(None)]) == [
        "of no action does it foretell held-out clicks better than a constant rate"
    ]
    assert response_doubts([action(None)]) == [
        "too few exposures were held out to say whether it knows more than constant rates"
    ]


class Written:
    """A log that takes everything; `controls` are what was put on it, of all of them."""

    controls: ClassVar[list[Control]] = []

    def control(self, one: Control) -> None:
        """Takes it."""
        self.controls.append(one)

    def flush(self) -> None:
        """Nothing waits."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose Kafka takes all and holds nothing."""
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    for module in (models_here, train_here):
        monkeypatch.setattr(module, "running_kafka", lambda _: "")
        monkeypatch.setattr(module, "Log", lambda *_, **__: Written())
    monkeypatch.setattr(model_versions, "read_to_end", lambda *_: [])
    return tmp_path


def kairos(*words: str) -> Result:
    return CliRunner().invoke(app, words, standalone_mode=False)


def audited(home: Path) -> list[dict[str, Any]]:
    file = home / "audit.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_weak_model_is_published_only_by_force_and_the_audit_log_says_so(home: Path) -> None:
    weak = save_artefact(artefact(10, 0.4), home / "models")
    refused = kairos("model", "publish", weak.version)
    assert isinstance(refused.exception, ModelRefused)
    assert str(refused.exception) == (
        f"model {weak.version} is not put in force: {WEAK}. "
        f"`kairos model publish {weak.version} --force` puts it there all the same"
    )
    assert audited(home) == []
    done = kairos("model", "publish", weak.version, "--force", "--json")
    assert json.loads(done.stdout)["forced"] == [FEW, NOT_BETTER]
    assert f"forced, although {FEW}" in done.stderr
    begun, ended = audited(home)
    assert (begun["outcome"], ended["outcome"]) == ("begun", "done")
    assert ended["details"]["forced"] == WEAK


def test_a_good_model_is_published_without_a_word(home: Path) -> None:
    good = save_artefact(artefact(400, 0.5), home / "models")
    done = kairos("model", "publish", good.version, "--json")
    assert (done.exception, done.stderr) == (None, "")
    assert "forced" not in json.loads(done.stdout)
    assert "forced" not in audited(home)[-1]["details"]


def test_the_list_says_what_speaks_against_a_model(home: Path) -> None:
    save_artefact(artefact(10, 0.4), home / "models")
    (row,) = json.loads(kairos("model", "list", "--json").stdout)
    assert row["doubts"] == [FEW, NOT_BETTER]
    assert FEW in " ".join(kairos("model", "list").stdout.replace("│", " ").split())


def test_the_console_refuses_and_forces_alike(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = save_artefact(artefact(10, 0.4), home / "models")
    monkeypatch.setattr(console_versions, "read_to_end", lambda *_: [])
    monkeypatch.setattr(ConsoleVersions, "_log", lambda _: Written())
    versions = ConsoleVersions(config_from(), "nowhere:1")
    anna = Actor("anna", "operator", "127.0.0.1")
    with pytest.raises(ModelRefused, match="it learnt from 10 decisions"):
        versions.publish_model(anna, weak.version, is_forced=False)
    assert versions.publish_model(anna, weak.version, is_forced=True)["version"] == weak.version
    assert audited(home)[-1]["details"]["forced"] == WEAK


TRAINED: Final = '{"event_id":"%d","event_type":"product_viewed","event_time_ms":%d,"session_id":"s%d","anonymous_id":"a%d","item_ids":["i%d"],"consent":["personalisation","analytics"]}'


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Sixty looks at items, of six people."""
    path = tmp_path / "events.jsonl"
    lines = [
        TRAINED % (at, 1_700_000_000_000 + at * 1_000, at // 10, at // 10, at * 7 % 5)
        for at in range(60)
    ]
    path.write_text("\n".join(lines))
    return path


def test_a_placements_model_is_put_in_force_under_its_name_and_says_what_it_reads(
    home: Path, events: Path
) -> None:
    words = ("--placement", "next_item", "--publish", "--as", "challenger", "--force", "--json")
    report = json.loads(kairos("train", "--events", str(events), *words).stdout)
    assert (Written.controls[-1].name, Written.controls[-1].version) == ("challenger", report["version"])  # fmt: skip
    assert audited(home)[-1]["details"]["as"] == "challenger"
    (one,) = list_artefacts(home / "models")
    assert one.artefact is not None
    assert one.artefact.placement == "next_item"
    assert one.artefact.feature_versions == FEATURE_SPACE.only(one.artefact.feature_names).versions
    assert one.artefact.feature_versions
    published = kairos("model", "publish", report["version"], "--as", "rival", "--force", "--json")
    assert json.loads(published.stdout)["version"] == report["version"]
    assert Written.controls[-1].name == audited(home)[-1]["details"]["as"] == "rival"


def test_what_a_few_events_teach_is_kept_and_not_published(home: Path, events: Path) -> None:
    refused = kairos("train", "--events", str(events), "--publish", "--json")
    report = json.loads(refused.stdout)
    assert (refused.exception, refused.return_value) == (None, FAILED)
    assert report["doubts"][0].startswith("it learnt from ")
    assert "effective_from_ms" not in report
    assert Path(report["uri"]).is_file()
    assert f"`kairos model publish {report['version']} --force`" in refused.stderr
    assert audited(home) == []
    forced = kairos("train", "--events", str(events), "--publish", "--force", "--json")
    assert forced.return_value == DONE
    assert json.loads(forced.stdout)["effective_from_ms"] > 0
    assert audited(home)[-1]["details"]["forced"].startswith("it learnt from ")
    tried = kairos("train", "--events", str(events))
    assert (tried.exception, tried.return_value) == (None, DONE)
    assert "a doubt: it learnt from " in tried.stderr


def test_help_names_the_bound() -> None:
    assert f"fewer than {DECISIONS_MIN} decisions" in " ".join(
        CliRunner().invoke(app, ["model", "publish", "--help"]).output.split()
    )


def test_a_model_is_held_to_what_ranks_without_one() -> None:
    measured = {one.version for one in training._baselines()}
    assert measured >= {COLD_START.version, LAST_TOUCHED.version}
