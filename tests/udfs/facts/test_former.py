"""What is kept for models of before: it is computed as it was, stands behind the others, is not trained on, and goes in its time."""

from math import inf

import pytest

from models.artefact import served
from models.scorer import FORMER_MARK
from schemas import CODE_VERSION
from tests.models.made import artefact_of
from udfs.facts.features import COLUMNS, FEATURE_SPACE, features_of, space_of
from udfs.facts.former import FORMER, GONE, RENAMED, Former
from udfs.facts.rooms import FACTS


def release(text: str) -> tuple[float, ...]:
    """`0.10.0` is newer than `0.9.1`; what is no number is the newest."""
    return tuple(float(one) if one.isdigit() else inf for one in text.split("."))


def test_former_versions_stand_behind_the_others_and_are_not_trained_on() -> None:
    space = space_of(features_of(FACTS, [Former("session_pace", 0, lambda _: 1.0, "9.0")]))
    assert space.names == (*FEATURE_SPACE.names, "session_pace@0")
    assert space.trained == FEATURE_SPACE.trained
    assert space.versions[-1] == 0


def test_whatever_is_kept_is_of_a_fact_that_changed_and_goes_in_its_time() -> None:
    versions = dict(zip(FEATURE_SPACE.names, FEATURE_SPACE.versions, strict=True))
    for one in FORMER:
        assert one.version < versions[one.name]
        assert release(one.until) > release(CODE_VERSION), (
            f"{one.name}: it was kept until {one.until}"
        )
        assert f"{one.name}{FORMER_MARK}{one.version}" in COLUMNS
    for before, now in RENAMED.items():
        assert before not in versions
        assert now in versions or now in GONE
    assert not versions.keys() & set(GONE)


@pytest.mark.parametrize("versions", [FEATURE_SPACE.versions, ()])
def test_a_model_of_today_is_served_whether_it_says_versions_or_not(
    versions: tuple[int, ...],
) -> None:
    found = served(artefact_of(b"", versions), FEATURE_SPACE)
    assert (found.columns, found.gone) == (FEATURE_SPACE.names, ())
