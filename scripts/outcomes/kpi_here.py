"""Where `kairos kpi` and `outcomes` take outcomes from: files, or the deployment that runs."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from jobs.config import Config
from jobs.publish import now_ms
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.limits import HOUR_MS
from schemas.outcomes import Outcome
from schemas.policy import DEFAULT_POLICY
from scripts.console import show, show_json
from scripts.ops.status import running_kafka
from scripts.outcomes.alert_topic import write_new
from scripts.outcomes.alerts import checked_webhook, run
from scripts.outcomes.reading import of_files, of_topic
from scripts.policy.policies_here import policies_here, policy_in
from scripts.policy.policy_versions import draft_again, live
from udfs.outcomes.count_kpis import DIMENSIONS
from udfs.outcomes.kpi_hours import HOURS_KEPT


def outcomes_of(
    config: Config,
    files: Sequence[Path],
    items: Path | None,
    policy: Path | None,
    span: tuple[int | None, int | None],
) -> tuple[Iterator[Outcome], str]:
    """The outcomes, and the currency of the policy."""
    if files:
        if span != (None, None):
            raise ConfigError("--from and --to are of the topic, not of files")
        said = policy_in(policy) if policy is not None else DEFAULT_POLICY
        return of_files(files, items, said, config), said.currency
    if policy is not None or items is not None:
        raise ConfigError("--policy and --items are of files: --events as well")
    found = of_topic(config, *span)
    return found, draft_again(live(policies_here(), now_ms())).policy.currency


def alerts_here(
    config: Config, files: Sequence[Path], items: Path | None, policy: Path | None, *, is_json: bool
) -> int:
    """The alerts of the last hours, of files or of what runs, which keeps them in topic `alerts`; the exit code."""
    webhook = checked_webhook(config.alert_webhook)
    now, from_ms = (None, None) if files else (now_ms(), now_ms() - HOURS_KEPT * HOUR_MS)
    found, currency = outcomes_of(config, files, items, policy, (from_ms, None))
    if files:
        return run(found, currency, now, webhook, is_json=is_json)
    keep = partial(write_new, running_kafka(config), config.topic_prefix)
    return run(found, currency, now, webhook, is_json=is_json, keep=keep)


def shown_dimension(by: str | None) -> str | None:
    """The dimension that was asked for; raises ConfigError where there is none such."""
    if by is not None and by not in DIMENSIONS[1:]:
        raise ConfigError(f"--by is one of {', '.join(DIMENSIONS[1:])}, not {by!r}")
    return by


def show_written(count: int, path: Path, *, is_json: bool) -> None:
    """What became of it."""
    if is_json:
        show_json({"outcomes": count, "file": str(path)})
    else:
        show(f"{path}: {counted(count, 'outcome')}")
