"""Response models: calibrated where there is data, silent where there is little, the same every time."""

from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.content import Published
from models.learning.calibration import expected_calibration_error
from models.response import (
    CLICKS_MIN,
    DEVIATIONS_MAX,
    EXPOSURES_MIN,
    ResponseExamples,
    ResponseModel,
    Responses,
    fit_responses,
    load_responses,
    save_responses,
)
from models.scorer import FeatureSpace, Matrix
from schemas.errors import ConfigError

NAMES = ("pace", "cart_value", "hour", "constant", "missing")
SPACE = FeatureSpace(NAMES, NAMES)
TRUE_WEIGHTS = {"quiz": (0.8, -0.5, 0.0), "chat": (-0.6, 0.0, 0.9)}
INTERCEPTS = {"quiz": -2.5, "chat": -1.5}


def examples(count: int, seed: int = 1) -> ResponseExamples:
    """Made-up exposures of two actions: clicks follow a logistic law of three features."""
    chance = np.random.default_rng(seed)
    names = ["quiz" if number % 2 else "chat" for number in range(count)]
    signal = chance.normal(size=(count, 3))
    features = np.full((count, 5), np.nan, dtype=np.float32)
    features[:, :3] = signal * (1.0, 40.0, 6.0) + (2.0, 80.0, 12.0)
    features[:, 3] = 7.0
    margins = [
        np.dot(TRUE_WEIGHTS[name], row) + INTERCEPTS[name]
        for name, row in zip(names, signal, strict=True)
    ]
    clicks = (chance.random(count) < 1.0 / (1.0 + np.exp(-np.array(margins)))).astype(np.float32)
    features[chance.random((count, 5)) < 0.05] = np.nan
    return ResponseExamples(names, features, clicks, 1, 2)


TRAINED = fit_responses(examples(8_000), SPACE)
MODEL = ResponseModel("v", TRAINED)


def row(*values: float) -> Matrix:
    return np.array([values], dtype=np.float32)


def predicted(model: ResponseModel, found: ResponseExamples, action_id: str) -> list[float]:
    return [
        model.propensities([action_id], one[None, :])[action_id]
        for one, name in zip(found.features, found.action_ids, strict=True)
        if name == action_id
    ]


@pytest.mark.parametrize("action_id", sorted(TRUE_WEIGHTS))
def test_propensities_of_people_never_seen_are_calibrated_and_tell_them_apart(
    action_id: str,
) -> None:
    held_out = examples(8_000, seed=2)
    labels = held_out.clicks[[name == action_id for name in held_out.action_ids]]
    chances = np.array(predicted(MODEL, held_out, action_id))
    assert expected_calibration_error(chances, labels) < 0.025
    rate = float(labels.mean())
    best = np.sort(chances)[-len(chances) // 5 :].min()
    assert labels[chances >= best].mean() > 1.8 * rate
    assert chances.mean() == pytest.approx(rate, abs=0.02)


def test_mean_propensity_on_the_training_data_is_its_click_rate() -> None:
    found = examples(8_000)
    for action_id, weights in TRAINED.actions.items():
        chances = predicted(MODEL, found, action_id)
        assert np.mean(chances) == pytest.approx(weights.clicks / weights.exposures, abs=1e-4)


def test_training_is_deterministic() -> None:
    again = fit_responses(examples(2_000), SPACE)
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(
        fit_responses(examples(2_000), SPACE)
    )


def test_weights_are_those_that_made_the_data() -> None:
    for action_id, expected in TRUE_WEIGHTS.items():
        assert TRAINED.actions[action_id].weights[:3] == pytest.approx(expected, abs=0.2)
        assert TRAINED.actions[action_id].weights[3:] == pytest.approx((0.0, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    ("exposures", "clicks", "is_enough"),
    [
        (EXPOSURES_MIN, CLICKS_MIN, True),
        (EXPOSURES_MIN - 1, CLICKS_MIN, False),
        (EXPOSURES_MIN, CLICKS_MIN - 1, False),
        (EXPOSURES_MIN, EXPOSURES_MIN - CLICKS_MIN, True),
        (EXPOSURES_MIN, EXPOSURES_MIN, False),
        (0, 0, False),
    ],
)
def test_action_has_a_model_where_enough_saw_and_clicked_it(
    exposures: int, clicks: int, is_enough: bool
) -> None:
    features = np.random.default_rng(1).normal(size=(exposures, 5)).astype(np.float32)
    labels = (np.arange(exposures) < clicks).astype(np.float32)
    found = fit_responses(ResponseExamples(["a"] * exposures, features, labels, 1, 2), SPACE)
    assert set(found.actions) == ({"a"} if is_enough else set())
    model = ResponseModel("v", found)
    assert set(model.propensities(["a", "unknown"], row(0, 0, 0, 0, 0))) == set(found.actions)


def test_missing_value_counts_as_the_mean() -> None:
    means = row(*TRAINED.means)
    nothing = MODEL.propensities(["quiz"], np.full((1, 5), np.nan, dtype=np.float32))
    assert nothing["quiz"] == pytest.approx(MODEL.propensities(["quiz"], means)["quiz"], abs=1e-6)


@pytest.mark.parametrize("value", [1e30, -1e30, np.inf, -np.inf])
def test_extreme_value_gives_a_chance_that_is_still_one(value: float) -> None:
    found = MODEL.propensities(["quiz"], row(value, value, value, value, value))
    assert 0.0 < found["quiz"] < 1.0
    far = TRAINED.means[0] + DEVIATIONS_MAX * TRAINED.scales[0] * 2
    rest = TRAINED.means[1:]
    one = MODEL.propensities(["quiz"], row(far, *rest))
    assert one == MODEL.propensities(["quiz"], row(far * 100, *rest))


def test_action_alone_and_among_others_has_the_same_propensity() -> None:
    one = row(1.0, 2.0, 3.0, 4.0, 5.0)
    both = MODEL.propensities(["quiz", "chat", "unknown"], one)
    assert both == MODEL.propensities(["chat"], one) | MODEL.propensities(["quiz"], one)


# --- the file -----------------------------------------------------------------------------------


def test_saved_model_loads_as_it_was_and_is_named_by_its_content(tmp_path: Path) -> None:
    published = save_responses(TRAINED, tmp_path)
    loaded = load_responses(published.uri, published.sha256, SPACE)
    assert loaded.responses == TRAINED
    assert loaded.version == published.version == Path(published.uri).name.split(".")[0]
    assert save_responses(TRAINED, tmp_path) == published
    one = row(1.0, 2.0, 3.0, 4.0, 5.0)
    assert loaded.propensities(["quiz"], one) == MODEL.propensities(["quiz"], one)


def stored(folder: Path, data: bytes) -> Published:
    path = folder / "given"
    path.write_bytes(data)
    return Published(str(path), sha256(data).hexdigest())


@pytest.mark.parametrize("data", [b"", b"junk", msgspec.msgpack.encode(TRAINED)[:-1]])
def test_broken_file_is_refused(tmp_path: Path, data: bytes) -> None:
    published = stored(tmp_path, data)
    with pytest.raises(ConfigError, match="broken"):
        load_responses(published.uri, published.sha256, SPACE)


@pytest.mark.parametrize(
    "changes",
    [
        {"means": (0.0,)},
        {"scales": (1.0, 1.0, 0.0, 1.0, 1.0)},
        {"scales": (1.0, 1.0, float("nan"), 1.0, 1.0)},
        {"actions": {"a": {"intercept": 0.0, "weights": [0.0], "exposures": 1, "clicks": 1}}},
        {
            "actions": {
                "a": {"intercept": float("inf"), "weights": [0.0] * 5, "exposures": 1, "clicks": 1}
            }
        },
        {"format": 2},
    ],
)
def test_numbers_that_no_training_gives_are_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    fields = msgspec.to_builtins(TRAINED) | changes
    published = stored(tmp_path, msgspec.msgpack.encode(fields))
    with pytest.raises(ConfigError, match="broken"):
        load_responses(published.uri, published.sha256, SPACE)


def test_other_checksum_feature_set_or_place_is_refused(tmp_path: Path) -> None:
    published = save_responses(TRAINED, tmp_path)
    with pytest.raises(ConfigError, match="checksum"):
        load_responses(published.uri, "0" * 64, SPACE)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_responses(str(tmp_path / "nowhere"), published.sha256, SPACE)
    other = FeatureSpace(NAMES, tuple(reversed(NAMES)))
    with pytest.raises(ConfigError, match="feature set"):
        load_responses(published.uri, published.sha256, other)


def test_file_beyond_its_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.response.RESPONSES_BYTES_MAX", 10)
    published = save_responses(TRAINED, tmp_path)
    with pytest.raises(ConfigError, match="more than 10 bytes"):
        load_responses(published.uri, published.sha256, SPACE)


def test_model_of_no_action_answers_for_none() -> None:
    empty = Responses(
        feature_set="", feature_names=("a",), code_version="", from_ms=0, to_ms=0,
        means=(0.0,), scales=(1.0,), actions={},
    )  # fmt: skip
    assert ResponseModel("v", empty).propensities(["a"], row(1.0)) == {}
