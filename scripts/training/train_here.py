"""`kairos train` on this deployment: a model from a source, in force at once where that is wanted."""

from jobs.config import Config
from jobs.knowledge_feed import RESPONSES
from jobs.learning.model_roots import locate
from jobs.learning.trust import roots_of, signer_of
from jobs.publish import Log
from models.content import Published
from schemas.signed_control import content_hash
from scripts.console import show, show_json
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.training import response_training, training
from scripts.training.model_versions import RANKER, announce
from scripts.training.training import Source


def train_here(
    config: Config, source: Source, *, is_responses: bool, is_published: bool, is_json: bool
) -> None:
    """Trains a ranker or a model of responses and tells what it is worth; raises ConfigError."""
    trainer = response_training if is_responses else training
    report, published = trainer.train_from(source, config)
    found = trainer.report_json(report)
    if is_published:
        name = RESPONSES if is_responses else RANKER
        found["effective_from_ms"] = _publish(config, name, published)
    if is_json:
        show_json(found)
        return
    trainer.show_report(report)
    show(f"model {report.version} in {report.uri}" + (", published" if is_published else ""))


def _publish(config: Config, name: str, published: Published) -> int:
    """Puts the model in force, written down before and after; the time from which it decides."""
    log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
    details = {"version": published.version, "uri": published.uri}
    with audit_log_of(config).recording(local_actor(), "model publish", details):
        locate("model", published.uri, roots_of(config))
        control = announce(log, name, published)
        details["record"] = content_hash(control)
    return control.effective_from_ms
