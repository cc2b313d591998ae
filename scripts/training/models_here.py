"""What `kairos model` does on this deployment: one of its models put in force."""

from collections.abc import Sequence

from jobs.config import Config
from jobs.learning.artefact_check import artefacts_of
from jobs.learning.trust import keys_of, signer_of
from jobs.publish import Log, now_ms
from models.content import Published
from schemas.policy import RANKER
from scripts.change import show_change
from scripts.console import say, show_json
from scripts.ops.audited_change import Audited, change_model
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.training.model_guard import check, doubts_of
from scripts.training.model_versions import (
    Announced,
    announced,
    called,
    checked_name,
    find_artefact,
    previous,
)


def models_here(config: Config) -> list[Announced]:
    """Every ranker that was published, in the order in which they come into force; raises ConfigError."""
    return announced(running_kafka(config), config.topic_prefix, keys_of(config))


def publish(
    config: Config, named: str, at_ms: int | None, name: str, *, is_forced: bool, is_json: bool
) -> None:
    """Puts the model of this version, or in this file, in force under a name; raises ModelRefused where that speaks against it."""
    checked_name(name)
    published = find_artefact(named, config)
    doubts = doubts_of(published, config)
    check(published.version, doubts, is_forced=is_forced)
    for one in doubts:
        say(f"forced, although {one}")
    _put_in_force(config, published, at_ms, name, doubts, is_json=is_json)


def roll_back(config: Config, at_ms: int | None, name: str, *, is_json: bool) -> None:
    """Puts the model in force that was before the present one of that name."""
    _put_in_force(config, None, at_ms, checked_name(name), (), is_json=is_json)


def _put_in_force(
    config: Config,
    published: Published | None,
    at_ms: int | None,
    name: str,
    forced: Sequence[str],
    *,
    is_json: bool,
) -> None:
    """Puts a model in force, None: the one that was before; says from when on it decides, instead of what."""
    models = called(models_here(config), name)
    audited = Audited(audit_log_of(config), local_actor(), "publish" if published else "rollback")
    published = published or previous(models, now_ms(), artefacts_of(config))
    log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
    change = change_model(audited, log, models, published, at_ms, forced, name)
    told = {"forced": list(forced)} if forced else {}
    show_json(change._asdict() | told) if is_json else show_change(
        "model" if name == RANKER else f"model {name}:", change
    )
