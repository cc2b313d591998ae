"""What is wrong with experiments themselves: dates, shares, arms that are compared, groups."""

from typing import Any

import msgspec
import pytest

from schemas.experiments import Experiment
from schemas.policy import Holdout, Policy
from tests.builders import NOON
from udfs.policy.check_experiments import VARIANTS_MAX, experiment_mistakes
from udfs.policy.compile_policy import compile_policy
from udfs.policy.compiled_policy import dotted

ARMS = [{"name": "a"}, {"name": "b"}]
HALF: dict[str, Any] = {"group": "page", "arms": [{"name": "a", "share": 0.25}, {"name": "b", "share": 0.25}]}  # fmt: skip


def mistakes(*experiments: dict[str, Any], **fields: Any) -> dict[str, str]:
    made = msgspec.convert([{"arms": ARMS} | one for one in experiments], tuple[Experiment, ...])
    found = experiment_mistakes(Policy(experiments=made, **fields))
    return {dotted(one.path): one.message for one in found}


@pytest.mark.parametrize(
    ("experiment", "path", "message"),
    [
        ({"control": "c"}, "control", "there is no arm 'c': there are a, b"),
        ({"starts_ms": 5, "ends_ms": 5}, "ends_ms", "before it starts"),
        ({"guardrails": ["revenue_per_visit"]}, "guardrails", "'revenue_per_visit' is a metric already"),
        ({"metrics": ["clicks"]}, "metrics[0]", "there is no metric 'clicks': there are click_rate, "),
        ({"guardrails": ["click_rate", "clicks"]}, "guardrails[1]", "there is no metric 'clicks'"),
        ({"offset": 0.5}, "offset", "only an experiment of a group"),
        ({"group": "g", "offset": 0.5}, "offset", "sum to more than 1"),
        ({"arms": [{"name": "a", "share": 1}, {"name": "b"}]}, "arms", "nothing is left"),
        ({"arms": [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.7}]}, "arms", "more than 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    experiment: dict[str, Any], path: str, message: str
) -> None:
    found = mistakes({"name": "e"} | experiment)
    assert list(found) == [f"experiments[0].{path}"]
    assert message in found[f"experiments[0].{path}"]


def test_an_arm_may_have_nobody_where_it_says_so() -> None:
    assert not mistakes({"name": "e", "arms": [{"name": "a", "share": 0}, {"name": "b"}]})


def test_two_of_a_group_with_the_same_people_at_the_same_time_are_refused() -> None:
    one = {"name": "one"} | HALF
    found = mistakes(one, {"name": "two", "offset": 0.4} | HALF)
    assert "'one' is in it at the same time, with the people from 0 to 0.5" in found["experiments[1].group"]  # fmt: skip
    assert not mistakes(one, {"name": "two", "offset": 0.5} | HALF)
    assert not mistakes(one | {"ends_ms": NOON}, {"name": "two", "starts_ms": NOON} | HALF)
    assert not mistakes(one, {"name": "two"} | HALF | {"group": "another"})


def test_a_holdout_that_ends_before_it_starts_is_refused() -> None:
    assert "before it starts" in mistakes(holdout=Holdout(starts_ms=2, ends_ms=1))["holdout.ends_ms"]  # fmt: skip


def test_of_a_group_only_what_somebody_can_be_in_is_compiled_and_counted() -> None:
    """Seven experiments of five arms and one policy: seven of five arms, of which four change something, would be 78,125 combinations; of one group they are 29."""
    eighth = [{"name": f"{n}", "share": 0.025, "changes": {"nothing_priority": n + 1.0}} for n in range(4)]  # fmt: skip
    several = [
        {"name": f"e{n}", "group": "page", "offset": n / 8, "arms": [*eighth, {"name": "as it is"}]}
        for n in range(7)
    ]
    for one in several:
        one["arms"] = [arm | {"share": 0.025} for arm in one["arms"]]  # type: ignore[attr-defined]
    assert not mistakes(*several)
    found = msgspec.convert(several, tuple[Experiment, ...])
    compiled = compile_policy(Policy(experiments=found))
    assert len(compiled.variants) == 28
    assert compiled.variant({"e6": "3"}).policy.nothing_priority == 4.0
    apart = [one | {"group": f"g{n}", "offset": 0} for n, one in enumerate(several)]
    assert str(VARIANTS_MAX) in mistakes(*apart)["experiments"]
