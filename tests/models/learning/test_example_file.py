"""The file of examples: what is written is read, in order, in pieces; a failure leaves no file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning import example_file
from models.learning.example_file import ExampleFile, ExampleWriter
from models.scorer import FeatureSpace, Matrix
from schemas.errors import ConfigError

SPACE = FeatureSpace(("a", "b", "c"), ("a", "b", "c"))


def matrix(rows: int, seed: int = 1) -> Matrix:
    values = np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)
    values[values > 1] = np.nan
    return values


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 9), max_size=12),
    first=st.integers(0, 60),
    length=st.integers(0, 60),
)
def test_any_rows_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], first: int, length: int
) -> None:
    path = tmp_path_factory.mktemp("examples") / "e.parquet"
    groups = [matrix(size, seed) for seed, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example_file, "ROWS_BUFFERED", 10)
        with ExampleWriter(path, SPACE) as writer:
            for at, one in enumerate(groups):
                writer.add(100 + at, f"s{at}", f"g{at}", one, at % len(one), 1.0 + at)
    expected = np.concatenate([*groups, np.zeros((0, 3), dtype=np.float32)])
    with ExampleFile(path, SPACE) as file:
        assert (file.rows, writer.rows, writer.groups) == (len(expected), len(expected), len(sizes))
        found = [
            b.features for b in file.batches(first, min(first + length, file.rows), ["c", "a"])
        ]
        index = file.index()
        whole = list(file.batches())
    wanted = expected[first : first + length, [2, 0]]
    joined = np.concatenate([*found, np.zeros((0, 2), dtype=np.float32)])
    np.testing.assert_array_equal(joined, wanted)  # of equal NaN too
    assert index.groups.tolist() == [at for at, size in enumerate(sizes) for _ in range(size)]
    assert index.times_ms.tolist() == (100 + index.groups).tolist()
    assert index.weights.tolist() == (1.0 + index.groups).tolist()
    assert index.sessions.tolist() == index.groups.tolist()
    assert [g for b in whole for g in b.groups] == index.groups.tolist()
    assert [g for b in whole for g in b.labels] == index.labels.tolist()
    for at, size in enumerate(sizes):
        assert index.labels[index.groups == at].tolist() == [
            float(n == at % size) for n in range(size)
        ]


def test_the_last_rows_of_an_index() -> None:
    index = example_file.Index(*(np.arange(4) for _ in range(5)))  # type: ignore[arg-type]
    assert [column.tolist() for column in index.since(3)] == [[3]] * 5


@pytest.mark.parametrize(("is_kept", "groups"), [(False, 1), (True, 2)])
def test_decisions_without_a_positive_are_kept_only_if_asked(
    tmp_path: Path, is_kept: bool, groups: int
) -> None:
    with ExampleWriter(tmp_path / "e", SPACE, keeps_unanswered=is_kept) as writer:
        writer.add(1, "s", "unanswered", matrix(2), None)
        writer.add(2, "s", "answered", matrix(2), 0)
    with ExampleFile(tmp_path / "e", SPACE) as file:
        index = file.index()
    assert writer.groups == groups == index.groups[-1] + 1
    assert index.labels.sum() == 1.0


def test_the_callers_matrix_may_be_used_again(tmp_path: Path) -> None:
    features = matrix(2)
    before = features.copy()
    with ExampleWriter(tmp_path / "e", SPACE) as writer:
        writer.add(1, "s", "g", features, 0)
        features[:] = 9
    with ExampleFile(tmp_path / "e", SPACE) as file:
        np.testing.assert_array_equal(next(file.batches()).features, before)


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_file, "ROWS_BUFFERED", 10)
    with ExampleWriter(tmp_path / "e", SPACE) as writer:
        for at in range(100):
            writer.add(at, "s", "g", matrix(4), 0)
            assert writer._buffered < 10
    with ExampleFile(tmp_path / "e", SPACE) as file:
        assert {len(batch.labels) for batch in file.batches()} == {12, 4}


@pytest.mark.parametrize(
    ("features", "positive", "weight"),
    [
        (matrix(2)[:, :2], 0, 1.0),
        (matrix(2)[0], 0, 1.0),
        (matrix(0), None, 1.0),
        (matrix(2), 2, 1.0),
        (matrix(2), -1, 1.0),
        (matrix(2), 0, float("nan")),
        (matrix(2), 0, -1.0),
        (matrix(2), 0, float("inf")),
        (np.full((2, 3), np.inf, dtype=np.float32), 0, 1.0),
    ],
)
def test_what_is_no_example_is_a_bug_of_the_caller(
    tmp_path: Path, features: Matrix, positive: int | None, weight: float
) -> None:
    with pytest.raises(ValueError), ExampleWriter(tmp_path / "e", SPACE) as writer:
        writer.add(1, "s", "g", features, positive, weight)
    assert not list(tmp_path.iterdir())


def test_a_failure_on_the_way_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ExampleWriter(tmp_path / "e", SPACE) as writer:
        writer.add(1, "s", "g", matrix(2), 0)
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "other",
    [FeatureSpace(SPACE.names, ("a", "b", "d")), FeatureSpace(("a", "b", "d"), SPACE.definitions)],
)
def test_examples_of_another_feature_set_are_refused(tmp_path: Path, other: FeatureSpace) -> None:
    with ExampleWriter(tmp_path / "e", SPACE):
        pass
    with pytest.raises(ConfigError, match=f"feature set {SPACE.digest}, this is {other.digest}"):
        ExampleFile(tmp_path / "e", other)


@pytest.mark.parametrize("content", [None, b"", b"junk", b"PAR1" * 9])
def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "e"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"examples {path}: cannot be read"):
        ExampleFile(path, SPACE)
