"""Which model decides, which was before it, and which file is meant."""

from pathlib import Path

import msgspec
import pytest

from models.artefact import Artefact, save_artefact
from models.content import Published
from models.report import Report
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.records import LogRecord
from scripts import models_cli
from scripts.models_cli import Announced, announced, find_artefact, in_force, previous
from udfs.features import FEATURE_SPACE

REPORT = Report(1, 1, 1, 0, {}, {})


def artefact(number: int) -> Artefact:
    return Artefact(
        feature_set=FEATURE_SPACE.digest, feature_names=FEATURE_SPACE.names, code_version="c",
        from_ms=0, to_ms=number, examples=1, metrics={}, calibration=None, report=REPORT,
        booster=b"",
    )  # fmt: skip


def saved(folder: Path, count: int) -> list[Published]:
    return [save_artefact(artefact(number), folder) for number in range(count)]


def at(time_ms: int, published: Published, offset: int = 0) -> Announced:
    return Announced(time_ms, offset, published.version, published)


def test_the_newest_in_force_decides_and_at_one_time_the_one_announced_last(tmp_path: Path) -> None:
    a, b, c = saved(tmp_path, 3)
    models = sorted([at(5, b, 2), at(5, a, 1), at(9, c, 0)])
    assert in_force(models, 4) is None
    assert in_force(models, 5) == in_force(models, 8) == at(5, b, 2)
    assert in_force(models, 9) == at(9, c, 0)


def test_only_rankers_are_listed_and_gone_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of responses to actions is a control of the same kind, and no ranker."""
    told = [("ranker", "b", 5), ("responses", "c", 6), ("ranker", "a", 4)]
    values = [
        CONTROL.encode(Control("model", name, version, from_ms, uri="u", sha256=version))
        for name, version, from_ms in told
    ]
    values += [CONTROL.encode(Control("policy", "default", "p", 0, payload=b"{}")), b"junk"]
    records = [LogRecord("x-control", 0, at, 0, "", value) for at, value in enumerate(values)]
    monkeypatch.setattr(
        models_cli, "read_to_end", lambda _, topics: records * (topics == ["x-control"])
    )
    found = announced("kafka", "x-")
    assert [(one.version, one.effective_from_ms, one.offset) for one in found] == [
        ("a", 4, 2), ("b", 5, 0),
    ]  # fmt: skip


def test_the_model_before_is_the_one_that_is_gone_back_to(tmp_path: Path) -> None:
    a, b, c = saved(tmp_path, 3)
    models = [at(1, a), at(2, b), at(3, b), at(9, c)]
    assert previous(models, 5) == a, "published twice is once; what is to come does not count"
    assert previous(models, 9) == b
    assert previous([*models, at(10, b)], 10) == c, "done twice it is undone"


def test_where_there_is_nothing_before_one_sentence_says_so(tmp_path: Path) -> None:
    (a,) = saved(tmp_path, 1)
    with pytest.raises(ConfigError, match="nothing to roll back to: no model is in force"):
        previous([at(9, a)], 5)
    with pytest.raises(ConfigError, match=f"nothing to roll back to: only {a.version} has been"):
        previous([at(1, a), at(2, a)], 5)


def test_a_model_that_the_engine_refused_is_passed_over(tmp_path: Path) -> None:
    a, b, c = saved(tmp_path, 3)
    Path(b.uri).unlink()
    models = [at(1, a), at(2, b), at(3, c)]
    assert previous(models, 5) == a
    Path(a.uri).unlink()
    with pytest.raises(ConfigError, match=r"nothing to roll back to: model .* cannot be read"):
        previous(models, 5)


def test_a_model_is_named_by_the_beginning_of_its_version_or_by_its_file(tmp_path: Path) -> None:
    a, b = saved(tmp_path, 2)
    assert find_artefact(a.version[:6], tmp_path) == a
    assert find_artefact(b.uri, tmp_path / "elsewhere") == b
    for named in ("", "zzz", str(tmp_path / "no.kairos-model")):
        with pytest.raises(ConfigError, match="no models are"):
            find_artefact(named, tmp_path)


def test_a_model_that_is_broken_or_of_another_feature_set_is_not_published(tmp_path: Path) -> None:
    (a,) = saved(tmp_path, 1)
    Path(a.uri).write_bytes(b"junk")
    with pytest.raises(ConfigError, match="broken"):
        find_artefact(a.uri, tmp_path)
    other = save_artefact(msgspec.structs.replace(artefact(7), feature_set="other"), tmp_path)
    with pytest.raises(ConfigError, match="trained on feature set other"):
        find_artefact(other.version, tmp_path)
