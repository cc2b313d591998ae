"""`kairos train` on this deployment: a model from a source, in force at once where that is wanted."""

from collections.abc import Sequence
from typing import NamedTuple

from jobs.config import Config
from jobs.learning.model_roots import locate
from jobs.learning.trust import roots_of, signer_of
from jobs.publish import Log
from models.content import Published
from schemas.policy import RANKER, RESPONSES
from schemas.signed_control import content_hash
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.training import response_training, train_report, training
from scripts.training.model_guard import ModelRefused, in_words, ranker_doubts, response_doubts
from scripts.training.model_versions import announce
from scripts.training.training import Source


class Wish(NamedTuple):
    """A ranker or a model of responses, whether it is put in force, and whatever speaks against it; under which name."""

    is_responses: bool
    is_published: bool
    is_forced: bool
    name: str = RANKER


def train_here(config: Config, source: Source, wish: Wish, *, is_json: bool) -> int:
    """Trains a model and tells what it is worth; the exit code: 1 where it is not published as it should be.

    Raises ConfigError.
    """
    trainer = response_training if wish.is_responses else training
    teller = response_training if wish.is_responses else train_report
    report, published = trainer.train_from(source, config)
    found = teller.report_json(report)
    found["doubts"] = doubts = _doubts(report)
    is_refused = wish.is_published and bool(doubts) and not wish.is_forced
    is_published = wish.is_published and not is_refused
    if is_published:
        name = RESPONSES if wish.is_responses else wish.name
        found["effective_from_ms"] = _publish(config, name, published, doubts)
    if is_json:
        show_json(found)
    else:
        teller.show_report(report)
        show(f"model {report.version} in {report.uri}" + (", published" if is_published else ""))
    if is_refused:
        complain(f"kairos: {ModelRefused(published.version, doubts)}")
    else:
        for one in doubts:
            say(f"{'forced, although' if is_published else 'a doubt:'} {one}")
    return passed(not is_refused)


def _doubts(report: train_report.Report | response_training.ResponseReport) -> list[str]:
    if isinstance(report, train_report.Report):
        return ranker_doubts(report.examples, report.metrics, report.report)
    return response_doubts(report.actions)


def _publish(config: Config, name: str, published: Published, forced: Sequence[str]) -> int:
    """Puts the model in force, written down before and after; the time from which it decides."""
    log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
    details = {"version": published.version, "uri": published.uri}
    if name not in (RANKER, RESPONSES):
        details["as"] = name
    if forced:
        details["forced"] = in_words(forced)
    with audit_log_of(config).recording(local_actor(), "model publish", details):
        locate("model", published.uri, roots_of(config))
        control = announce(log, name, published)
        details["record"] = content_hash(control)
    return control.effective_from_ms
