"""Where experiments are read from: files through the fold, or what the running engine has written; either way outcomes and the policies of their time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jobs.config import Config
from jobs.learning.trust import keys_of
from jobs.publish import now_ms
from models.experiments.units import BEFORE_MS
from schemas.errors import ConfigError
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL, Arm, Experiment
from schemas.outcomes import Outcome
from schemas.policy import Policy
from scripts.ops.status import running_kafka
from scripts.outcomes import reading
from scripts.policy.policies_here import policy_in
from scripts.policy.policy_versions import announced, deciding


class Found(NamedTuple):
    """An experiment, in the policy that has it."""

    experiment: Experiment
    policy: Policy


class Source(NamedTuple):
    """`policies`: the newest first. `now_ms`: None = the time of the last outcome, as of files."""

    policies: Sequence[Policy]
    events: Sequence[Path]
    items: Path | None
    config: Config
    now_ms: int | None

    def outcomes(self, from_ms: int) -> Iterator[Outcome]:
        """All of them since then; of files simply all. Raises ConfigError where they cannot be read."""
        if not self.events:
            return reading.of_topic(self.config, from_ms if from_ms > 0 else None, None)
        return reading.of_files(self.events, self.items, self.policies[0], self.config)


def source_of(
    config: Config, events: Sequence[Path], items: Path | None, policy: Path | None
) -> Source:
    """Files with a policy of theirs, or the engine that runs; raises ConfigError."""
    if events:
        if policy is None:
            raise ConfigError(
                "with --events the experiments are those of a policy file: --policy FILE"
            )
        return Source([policy_in(policy)], events, items, config, None)
    if policy is not None:
        return Source([policy_in(policy)], (), None, config, now_ms())
    versions = deciding(announced(running_kafka(config), config.topic_prefix, keys_of(config)))
    said = [one.policy for one in reversed(versions) if one.policy is not None]
    return Source(said, (), None, config, now_ms())


def find(source: Source, name: str | None) -> Found:
    """The experiment of this name in the newest policy that has it, without a name the only one; raises ConfigError."""
    for policy in source.policies:
        several = experiments_of(policy)
        if name is None:
            own = [one for one in several if one.name != HOLDOUT] or several
            if len(own) == 1:
                return Found(own[0], policy)
            names = ", ".join(one.name for one in several) or "there is none"
            raise ConfigError(f"name an experiment: {names}")
        for one in several:
            if one.name == name:
                return Found(one, policy)
    known = ", ".join(sorted({one.name for policy in source.policies for one in experiments_of(policy)}))  # fmt: skip
    raise ConfigError(f"no policy has an experiment {name!r}; there are: {known or 'none'}")


def experiments_of(policy: Policy) -> list[Experiment]:
    """Those of the policy, and where people are held out the holdout as one more: what personalisation earns a person."""
    return [*policy.experiments, *([held_out(policy)] if policy.holdout.share else [])]


def held_out(policy: Policy) -> Experiment:
    """Whose decisions are personal against who is held out, by what a person earns."""
    holdout = policy.holdout
    return Experiment(
        HOLDOUT, (Arm(HELD_OUT, holdout.share), Arm(PERSONAL, 1.0 - holdout.share)),
        holdout.salt, "person", holdout.starts_ms, holdout.ends_ms,
        metrics=("revenue_per_person",), guardrails=(),
    )  # fmt: skip


def since(experiment: Experiment) -> int:
    """From when on outcomes bear on it."""
    return experiment.starts_ms - BEFORE_MS
