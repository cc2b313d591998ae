"""Which model decides, which was before it, and which file is meant."""

from pathlib import Path

import msgspec
import pytest

from jobs.config import Config, config_from
from jobs.learning.artefact_check import Artefacts, artefacts_of
from jobs.learning.model_roots import Roots
from jobs.learning.trust import models_folder
from models.artefact import SUFFIX, Artefact, save_artefact
from models.content import Published
from models.learning.report import Report
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.records import LogRecord
from schemas.signed_control import OPEN
from scripts.change import in_force
from scripts.training import model_versions
from scripts.training.model_versions import Announced, announced, find_artefact, previous
from tests.models.made import booster_of
from udfs.facts.features import FEATURE_SPACE

BOOSTER = booster_of(FEATURE_SPACE.count)
REPORT = Report(1, 1, 1, 0, {}, {})


def artefact(number: int) -> Artefact:
    return Artefact(
        feature_set=FEATURE_SPACE.digest, feature_names=FEATURE_SPACE.names, code_version="c",
        from_ms=0, to_ms=number, examples=1, metrics={}, calibration=None, report=REPORT,
        booster=BOOSTER,
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
        model_versions, "read_to_end", lambda _, topics: records * (topics == ["x-control"])
    )
    found = announced("kafka", "x-", OPEN)
    assert [(one.version, one.effective_from_ms, one.offset) for one in found] == [
        ("a", 4, 2), ("b", 5, 0),
    ]  # fmt: skip


def test_the_model_before_is_the_one_that_is_gone_back_to(tmp_path: Path) -> None:
    a, b, c = saved(tmp_path, 3)
    models = [at(1, a), at(2, b), at(3, b), at(9, c)]
    artefacts = Artefacts(Roots((str(tmp_path),)))
    assert previous(models, 5, artefacts) == a, (
        "published twice is once; what is to come does not count"
    )
    assert previous(models, 9, artefacts) == b
    assert previous([*models, at(10, b)], 10, artefacts) == c, "done twice it is undone"


def test_where_there_is_nothing_before_one_sentence_says_so(tmp_path: Path) -> None:
    (a,) = saved(tmp_path, 1)
    artefacts = Artefacts(Roots((str(tmp_path),)))
    with pytest.raises(ConfigError, match="nothing to roll back to: no model is in force"):
        previous([at(9, a)], 5, artefacts)
    with pytest.raises(ConfigError, match=f"nothing to roll back to: only {a.version} has been"):
        previous([at(1, a), at(2, a)], 5, artefacts)


def test_a_model_that_the_engine_refused_is_passed_over(tmp_path: Path) -> None:
    a, b, c = saved(tmp_path, 3)
    Path(b.uri).unlink()
    models = [at(1, a), at(2, b), at(3, c)]
    artefacts = Artefacts(Roots((str(tmp_path),)))
    assert previous(models, 5, artefacts) == a
    Path(a.uri).unlink()
    with pytest.raises(ConfigError, match=r"nothing to roll back to: model .* cannot be read"):
        previous(models, 5, artefacts)


def config_of(home: Path, models: str = "") -> Config:
    return config_from({"KAIROS_HOME": str(home), "KAIROS_MODELS": models})


def test_a_model_is_named_by_the_beginning_of_its_version_or_by_its_file(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    a, b = saved(tmp_path / "models", 2)
    assert find_artefact(a.version[:6], config) == a
    assert find_artefact(b.uri, config) == b
    for named in ("", "zzz"):
        with pytest.raises(ConfigError, match=f"0 models begin with '{named}'"):
            find_artefact(named, config)
    with pytest.raises(ConfigError, match=r"there is no file .*/no\.kairos-model"):
        find_artefact(str(tmp_path / "no.kairos-model"), config)


def test_a_file_from_anywhere_is_copied_into_the_root_where_the_engine_reads_it(
    tmp_path: Path,
) -> None:
    config = config_of(tmp_path / "home")
    (a,) = saved(tmp_path / "elsewhere", 1)
    named = Path(a.uri).rename(tmp_path / "elsewhere" / "best.kairos-model")
    found = find_artefact(str(named), config)
    assert found == Published(str(tmp_path / "home" / "models" / f"{a.version}{SUFFIX}"), a.sha256)
    assert find_artefact(a.version, config) == found
    assert artefacts_of(config).ranker(found, FEATURE_SPACE).version == a.version


def test_a_model_behind_a_remote_root_is_published_by_its_uri(tmp_path: Path) -> None:
    (a,) = saved(tmp_path / "store", 1)
    config = config_of(tmp_path / "home", f"local://{tmp_path}/store/")
    uri = f"local://{a.uri}"
    assert find_artefact(uri, config) == Published(uri, a.sha256)
    with pytest.raises(ConfigError, match="no folder of this machine"):
        find_artefact(a.uri, config)
    with pytest.raises(ConfigError, match="outside of KAIROS_MODELS"):
        find_artefact(f"local://{tmp_path}/other/x", config)


def test_a_model_of_some_features_is_listed_as_one_to_be_published(tmp_path: Path) -> None:
    """As training writes them: without the features that hardly count."""
    names = FEATURE_SPACE.names[1:]
    lean = msgspec.structs.replace(
        artefact(1), feature_names=names, feature_set=FEATURE_SPACE.only(names).digest
    )
    other = msgspec.structs.replace(lean, feature_set="other")
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    folder = models_folder(config)
    versions = [save_artefact(one, folder).version for one in (lean, other)]
    listed = {one["version"]: one["remark"] for one in model_versions.listed_json(config, [])}
    assert listed[versions[0]] == ""
    assert listed[versions[1]].startswith("trained on feature set other ")


def test_a_model_that_is_broken_or_of_another_feature_set_is_not_published(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    (a,) = saved(tmp_path / "models", 1)
    Path(a.uri).write_bytes(b"junk")
    with pytest.raises(ConfigError, match="broken"):
        find_artefact(a.uri, config)
    other = save_artefact(
        msgspec.structs.replace(artefact(7), feature_set="other"), tmp_path / "models"
    )
    with pytest.raises(ConfigError, match="trained on feature set other"):
        find_artefact(other.version, config)
    cut = msgspec.structs.replace(artefact(8), booster=BOOSTER[:-1])
    with pytest.raises(ConfigError, match="the booster is broken"):
        find_artefact(save_artefact(cut, tmp_path / "models").version, config)
