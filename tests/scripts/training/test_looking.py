"""`--examination` of `train` and `evaluate`: what it takes, what both say of places, and that the artefact keeps it."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from jobs.config import Config, config_from
from jobs.learning.evaluation_split import Setting
from jobs.learning.weighing import LEARNT, UNASKED, Looking
from models.artefact import load_artefact
from models.learning.examination import Curve, Examination
from schemas.errors import ConfigError
from schemas.limits import SECOND_MS
from scripts.cli import app
from scripts.files.event_lines import write_lines
from scripts.training import training
from scripts.training.evaluation import evaluate_files, show_report
from scripts.training.looking import looking_from
from scripts.training.model_tables import show_examination
from scripts.training.train_report import Report, report_json
from scripts.training.train_report import show_report as show_trained
from scripts.training.training import from_files, train_from
from tests.builders import NOON
from tests.jobs.learning.test_shown_lists import LOOKED_AT, visits
from udfs.facts.features import FEATURE_SPACE

LISTS = 700


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists in random order, of which the first place is looked at three times as often as the last."""
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    write_lines(visits(LISTS, order="random"), path)
    return path


@pytest.fixture(scope="module")
def config(log: Path) -> Config:
    return config_from({"KAIROS_CONSENT": "all"})._replace(home=log.parent)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of the library wait spinning: where tests run beside one another, one is quicker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "THREADS_MAX", 1)
        yield


@pytest.fixture(scope="module")
def trained(log: Path, config: Config) -> Report:
    return train_from(from_files([log], None, config), config)[0]


# --- the option -------------------------------------------------------------------------------


def test_ways_are_named_and_the_usual_one_is_lists_in_random_order() -> None:
    assert looking_from("random") == LEARNT == Looking()
    assert looking_from("none") == UNASKED
    assert looking_from("swaps") == Looking("swaps")


def test_a_file_gives_the_chances_beside_the_first_place(tmp_path: Path) -> None:
    path = tmp_path / "places.json"
    path.write_text('{"home": [0.8, 0.4], "app": [1]}')
    assert looking_from(str(path)) == Looking(
        "given",
        (
            Curve(placement="app", source="given", chances=(1.0,)),
            Curve(placement="home", source="given", chances=(1.0, 0.5)),
        ),
    )


@pytest.mark.parametrize("content", ["", "[]", '{"home": []}', '{"home": [1, 0]}', '{"home": [1, 1.5]}', '{"home": ["a"]}', "[" * 5_000])  # fmt: skip
def test_a_file_of_anything_else_is_refused_with_an_example(tmp_path: Path, content: str) -> None:
    path = tmp_path / "places.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r'as \{"home": \[1, 0\.6, 0\.4\]\}'):
        looking_from(str(path))


def test_what_is_neither_a_way_nor_a_file_is_refused_with_the_ways(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is none of random, swaps, none, and no file that can be read"):  # fmt: skip
        looking_from("swap")
    with pytest.raises(ConfigError, match="no file that can be read"):
        looking_from(str(tmp_path))


@pytest.mark.parametrize("command", [("train",), ("evaluate", "--train-before", "2026-02-01")])
def test_both_commands_take_it(command: tuple[str, ...], log: Path) -> None:
    done = CliRunner().invoke(app, [*command, "--events", str(log), "--examination", "swap"])
    assert isinstance(done.exception, ConfigError)
    assert "--examination swap" in str(done.exception)


# --- what is told -----------------------------------------------------------------------------


def test_training_learns_weighs_and_says_it(trained: Report, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    found = trained.report.examination
    assert found is not None
    (curve,) = found.curves
    assert (curve.placement, curve.source, curve.lists) == ("rerank", "random", LISTS)
    assert curve.chances[1] == pytest.approx(LOOKED_AT[1], rel=0.5)
    assert found.weighted == trained.examples
    assert 0 < found.effective < trained.examples
    show_trained(trained)
    said = " ".join(capsys.readouterr().out.split())
    assert "rerank: how likely a place is looked at, beside the first, by 700 lists (lists in random order)" in said  # fmt: skip
    assert f"{curve.chances[1]:.3f}" in said
    assert f"at most 10 times (0 are cut there), together as much as before; all count as {found.effective:,.0f}" in said  # fmt: skip
    (told,) = report_json(trained)["report"]["examination"]["curves"]
    assert told["chances"] == curve.chances


def test_the_artefact_keeps_the_curve_and_the_clip(trained: Report) -> None:
    checksum = sha256(Path(trained.uri).read_bytes()).hexdigest()

    artefact = load_artefact(trained.uri, checksum, FEATURE_SPACE)
    assert artefact.report.examination == trained.report.examination
    assert trained.report.examination is not None
    assert trained.report.examination.clip == 10.0


def test_evaluation_learns_of_what_is_before_its_split_and_says_it(
    log: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    split_ms = NOON + 10 * 500 * SECOND_MS
    setting = Setting("rerank", split_ms, 20, config.seed, looking=LEARNT)
    found: dict[str, Any] = evaluate_files([log], None, setting, config, None)
    (curve,) = found["examination"]["curves"]
    assert curve["lists"] == 500
    assert found["examination"]["weighted"] == found["train"]["examples"]
    show_report(found)
    assert "by 500 lists (lists in random order)" in " ".join(capsys.readouterr().out.split())


def test_why_nothing_is_weighed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    doubtful = Curve(placement="home", source="random", doubts=("3 clicks in lists",))
    show_examination(Examination(curves=(doubtful,)), 9)
    assert capsys.readouterr().out == "home: every place counts alike, because 3 clicks in lists\n"
    for nothing in (None, Examination()):
        show_examination(nothing, 9)
        assert capsys.readouterr().out == ""
    given = Examination(curves=(Curve(placement="home", source="given", chances=(1.0, 0.4)),))
    show_examination(given, 9)
    assert "as given" in capsys.readouterr().out


def test_an_artefact_of_before_says_nothing_of_places(trained: Report) -> None:
    fields: dict[str, Any] = msgspec.to_builtins(trained.report)
    del fields["examination"]
    assert msgspec.convert(fields, type(trained.report)).examination is None
