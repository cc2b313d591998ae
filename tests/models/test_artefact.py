"""The artefact: one file by its content, checked when it is loaded."""

from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import artefact as artefact_module
from models.artefact import (
    SUFFIX,
    Artefact,
    list_artefacts,
    load_artefact,
    load_scorer,
    save_artefact,
)
from models.content import Published
from models.learning.calibration import Calibration, CurvePoint
from models.learning.report import DropCheck, Report
from models.ranker import XgboostRanker
from models.scorer import FeatureSpace
from models.vectors import VectorTable
from schemas import CODE_VERSION
from schemas.errors import ConfigError
from tests.models.signal import SPACE, make_groups, read_by
from tests.models.test_scorers import BOOSTER

ARTEFACT = Artefact(
    feature_set=SPACE.digest,
    feature_names=SPACE.names,
    code_version=CODE_VERSION,
    from_ms=1,
    to_ms=2,
    examples=240,
    metrics={"mrr": 0.5},
    calibration=Calibration((-1.0, 2.0), (0.1, 0.5)),
    report=Report(
        rounds=30,
        groups=240,
        rows=2_880,
        held_out=20,
        importance={"touch_rank": 0.9, "ü": 0.1},
        baselines={"popularity": {"mrr": 0.2}},
        calibration_curve=(CurvePoint(0.1, 0.2, 30),),
        drop_check=DropCheck(
            features=("noise",),
            gain_share=0.01,
            mrr_with=0.5,
            mrr_without=0.49,
            mrr_difference=-0.01,
            low=-0.02,
            high=0.01,
        ),
    ),
    booster=BOOSTER,
)
BYTES = msgspec.msgpack.encode(ARTEFACT)


def written(folder: Path, data: bytes) -> Published:
    path = folder / "given"
    path.write_bytes(data)
    return Published(str(path), sha256(data).hexdigest())


def load(published: Published, space: FeatureSpace = SPACE) -> Artefact:
    return load_artefact(published.uri, published.sha256, space)


def test_an_artefact_survives_saving_and_loading(tmp_path: Path) -> None:
    assert load(save_artefact(ARTEFACT, tmp_path / "new" / "folder")) == ARTEFACT


def test_a_uri_is_as_good_as_a_path(tmp_path: Path) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    assert load(Published(Path(published.uri).as_uri(), published.sha256)) == ARTEFACT


def test_the_same_content_is_one_file_and_other_content_another(tmp_path: Path) -> None:
    first, again = save_artefact(ARTEFACT, tmp_path), save_artefact(ARTEFACT, tmp_path)
    assert first == again
    assert [path.name for path in tmp_path.iterdir()] == [f"{first.version}{SUFFIX}"]
    other = save_artefact(msgspec.structs.replace(ARTEFACT, examples=1), tmp_path)
    assert other.version != first.version
    assert len(list(tmp_path.iterdir())) == 2


def test_the_order_of_its_figures_is_no_content(tmp_path: Path) -> None:
    figures = [{"mrr": 0.5, "auc": 0.6}, {"auc": 0.6, "mrr": 0.5}]
    saved = [
        save_artefact(msgspec.structs.replace(ARTEFACT, metrics=one), tmp_path) for one in figures
    ]
    assert saved[0] == saved[1]


def test_the_scorer_is_the_booster_under_the_name_of_its_content(tmp_path: Path) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    scorer = load_scorer(published.uri, published.sha256, SPACE)
    assert scorer.version == published.version == published.sha256[:12]
    features = read_by(scorer, make_groups(1)[0].features)
    own = XgboostRanker("own", BOOSTER, SPACE.names).score(features)
    assert np.array_equal(scorer.score(features), own)
    chances = scorer.propensity(own)
    assert chances is not None
    assert ARTEFACT.calibration is not None
    assert np.array_equal(chances, ARTEFACT.calibration.apply(own))


def test_without_a_calibration_the_scorer_names_no_chance(tmp_path: Path) -> None:
    published = save_artefact(msgspec.structs.replace(ARTEFACT, calibration=None), tmp_path)
    scorer = load_scorer(published.uri, published.sha256, SPACE)
    assert scorer.propensity(np.zeros(1, dtype=np.float32)) is None


def test_another_checksum_is_refused_by_name(tmp_path: Path) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    with pytest.raises(ConfigError, match=r"its checksum is not 0{12}") as refused:
        load_artefact(published.uri, "0" * 64, SPACE)
    assert published.uri in str(refused.value)


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    path = Path(published.uri)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ConfigError, match="checksum"):
        load_scorer(published.uri, published.sha256, SPACE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"\xc1",
        msgspec.msgpack.encode({"feature_set": 1}),
        BYTES[:-5],
        b"\x81\xa2\xff\xfe\x01",
        BYTES.replace(SPACE.digest.encode(), b"\xff" * len(SPACE.digest)),
        msgspec.msgpack.encode({**msgspec.to_builtins(ARTEFACT, builtin_types=(bytes,)), "format": 1}),
        msgspec.msgpack.encode(msgspec.structs.replace(ARTEFACT, examples=-1)),
        msgspec.msgpack.encode(msgspec.structs.replace(ARTEFACT, code_version="v" * 257)),
        msgspec.msgpack.encode(
            {**msgspec.to_builtins(ARTEFACT, builtin_types=(bytes,)),
             "calibration": {"scores": [1.0, 0.0], "chances": [0.1, 0.2]}}
        ),
    ],
)  # fmt: skip
def test_broken_bytes_are_refused_by_name(tmp_path: Path, data: bytes) -> None:
    published = written(tmp_path, data)
    with pytest.raises(ConfigError, match="broken") as refused:
        load(published)
    assert published.uri in str(refused.value)


@given(at=st.integers(0, len(BYTES) - 1), byte=st.integers(0, 255), is_cut=st.booleans())
def test_any_bytes_are_an_artefact_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, is_cut: bool
) -> None:
    data = BYTES[:at] if is_cut else BYTES[:at] + bytes([byte]) + BYTES[at + 1 :]
    published = written(tmp_path_factory.mktemp("artefact"), data)
    try:
        found = load(published)
    except ConfigError:
        return
    assert isinstance(found, Artefact)


def test_a_broken_booster_in_a_sound_artefact_is_refused_by_name(tmp_path: Path) -> None:
    published = save_artefact(msgspec.structs.replace(ARTEFACT, booster=b""), tmp_path)
    with pytest.raises(ConfigError, match=published.version):
        load_scorer(published.uri, published.sha256, SPACE)


@pytest.mark.parametrize(
    "other",
    [
        FeatureSpace(SPACE.names, tuple(f"{name}, counted otherwise" for name in SPACE.names)),
        SPACE.only(SPACE.names[1:]),
        FeatureSpace(SPACE.names, (*SPACE.definitions[:-1], "another meaning")),
    ],
)
def test_a_model_of_features_that_are_not_here_is_refused_and_both_are_named(
    tmp_path: Path, other: FeatureSpace
) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    with pytest.raises(ConfigError) as refused:
        load(published, other)
    assert f"trained on feature set {SPACE.digest} (6 features)" in str(refused.value)
    assert f"this is {other.digest} ({other.count})" in str(refused.value)


def test_a_model_of_some_features_is_served_whatever_else_there_is(tmp_path: Path) -> None:
    """Columns that came, went or moved since it was trained do not concern it."""
    published = save_artefact(ARTEFACT, tmp_path)
    names = ("new", *reversed(SPACE.names))
    definitions = ("new", *reversed(SPACE.definitions))
    scorer = load_scorer(published.uri, published.sha256, FeatureSpace(names, definitions))
    features = read_by(scorer, make_groups(1)[0].features)
    own = XgboostRanker("own", BOOSTER, SPACE.names)
    assert scorer.names == own.names
    assert np.array_equal(scorer.score(features), own.score(features))


def test_a_model_that_names_a_feature_twice_is_refused(tmp_path: Path) -> None:
    twice = (*SPACE.names[:-1], SPACE.names[0])
    artefact = msgspec.structs.replace(
        ARTEFACT, feature_names=twice, feature_set=SPACE.only(twice).digest
    )
    with pytest.raises(ConfigError, match="trained on feature set"):
        load(save_artefact(artefact, tmp_path))


@pytest.mark.parametrize("uri", ["", "nowhere.kairos-model", "nosuchscheme://bucket/model"])
def test_what_cannot_be_read_is_refused_by_name(uri: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        load_artefact(uri, "0" * 64, SPACE)
    assert uri in str(refused.value)


def test_a_folder_is_no_artefact(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_artefact(str(tmp_path), "0" * 64, SPACE)


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = save_artefact(ARTEFACT, tmp_path)
    monkeypatch.setattr(artefact_module, "ARTEFACT_BYTES_MAX", len(BYTES) - 1)
    with pytest.raises(ConfigError, match=f"more than {len(BYTES) - 1} bytes"):
        load(published)


def test_a_folder_lists_its_models_newest_data_first_and_its_faults(tmp_path: Path) -> None:
    older = save_artefact(ARTEFACT, tmp_path)
    newer = save_artefact(msgspec.structs.replace(ARTEFACT, to_ms=9, feature_set="old"), tmp_path)
    (tmp_path / f"broken{SUFFIX}").write_bytes(b"junk")
    (tmp_path / f"renamed{SUFFIX}").write_bytes(Path(older.uri).read_bytes())
    (tmp_path / "other.txt").write_bytes(b"")
    found = list_artefacts(tmp_path)
    assert [one.published for one in found[:2]] == [newer, older]
    assert [one.artefact.to_ms for one in found[:2] if one.artefact] == [9, 2]
    assert [one.artefact for one in found[2:]] == [None, None]
    assert "broken" in found[2].fault
    assert f"its content is {older.version}" in found[3].fault
    assert list_artefacts(tmp_path / "nowhere") == []


def test_a_ranker_has_the_vectors_that_it_was_trained_with(tmp_path: Path) -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0]], np.float16).tobytes()
    table = VectorTable(dimensions=2, item_ids=("a", "b"), rows=rows, sessions=3)
    saved = save_artefact(msgspec.structs.replace(ARTEFACT, vectors=table), tmp_path)
    found = load_scorer(saved.uri, saved.sha256, SPACE).vectors
    assert found is not None
    assert (found.table, found.version) == (table, saved.version)
    before = save_artefact(ARTEFACT, tmp_path)
    assert load_scorer(before.uri, before.sha256, SPACE).vectors is None
