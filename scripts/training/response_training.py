"""`kairos train --responses`: how likely people are to click on each action, learnt from files or the log by the fold.

Nothing that the stream learns of items is needed: no feature of a response reads it.
"""

import time
from collections import Counter
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from jobs.config import Config
from jobs.fold.fold import Fold
from jobs.learning.response_examples import collect_responses, reward_window_ms
from jobs.learning.trust import models_folder
from models.content import Published
from models.figures import log_loss
from models.learning.calibration import expected_calibration_error
from models.response import (
    CLICKS_MIN,
    EXPOSURES_MIN,
    ResponseExamples,
    ResponseModel,
    Responses,
    fit_responses,
    save_responses,
)
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.events import granted_in_words, purposes_from, unlearnt_in_words
from schemas.limits import EVENT_TIME_MAX_MS, MINUTE_MS
from scripts.console import say, show, show_table
from scripts.training.train_report import left_out_in_words
from scripts.training.training import Source, vouched
from udfs.actions.respond import RESPONSE_SPACE

HELD_OUT_SHARE: Final = 0.2
"""The newest exposures, on which a model of the older ones is measured; the one that is kept learns from all."""


class Figures(Struct, frozen=True):
    """Of an action's `exposures` that were held out: the mean negative log likelihood in nats of the model
    and of the constant rate of the older ones, and the model's expected calibration error.
    """

    exposures: int
    log_loss: float
    log_loss_of_rate: float
    ece: float


class ActionReport(Struct, frozen=True):
    """What an action was learnt from. `why_not` says why it has no model, empty where it has one.

    `held_out` is None where the older or the newer exposures are too few to measure.
    """

    action_id: str
    exposures: int
    clicks: int
    why_not: str
    held_out: Figures | None


class ResponseReport(Struct, frozen=True):
    """What was trained, on what, and how good it is, action by action; times are those of the exposures.

    `erased` events were left out, as of before their person was erased; `refused` exposures are of people who do not agree to `analytics`.
    """

    version: str
    uri: str
    examples: int
    invalid: int
    from_ms: int
    to_ms: int
    train_seconds: float
    actions: tuple[ActionReport, ...]
    erased: int = 0
    refused: int = 0
    assumed_consent: tuple[str, ...] = ()


def train_from(source: Source, config: Config) -> tuple[ResponseReport, Published]:
    """Folds, trains, writes the model; raises ConfigError where there is nothing to learn from."""
    fold = Fold(source.knowledge, source.rules._replace(decides=lambda _: False))
    examples = collect_responses(fold, source.log, source.knowledge)
    if not examples.action_ids and examples.refused:
        raise ConfigError(
            f"nothing to learn from: {unlearnt_in_words(purposes_from(config.consent))}"
        )
    if not examples.action_ids:
        window_ms = reward_window_ms(source.knowledge, EVENT_TIME_MAX_MS)
        raise ConfigError(
            "no exposure of an action (a `decision_exposed` with a decision_id and the property "
            f"action_id) is older than {window_ms // MINUTE_MS} minutes: nothing to learn from"
        )
    begun_s = time.monotonic()
    responses = fit_responses(examples, RESPONSE_SPACE)
    if not responses.actions:
        raise ConfigError(_too_little(examples))
    say("measuring on the newest exposures")
    actions = _reports(examples, responses)
    seconds = time.monotonic() - begun_s
    published = save_responses(responses, models_folder(config))
    vouched(config, "responses", published, RESPONSE_SPACE)
    report = ResponseReport(
        published.version, published.uri, len(examples.action_ids), source.invalid,
        examples.from_ms, examples.to_ms, seconds, actions, fold.erased, examples.refused,
        tuple(sorted(purposes_from(config.consent))),
    )  # fmt: skip
    return report, published


def measure(examples: ResponseExamples) -> dict[str, Figures]:
    """Trains on the older exposures, measures on the newest: figures of the actions of which there are both."""
    count = len(examples.action_ids)
    cut = count - round(HELD_OUT_SHARE * count)
    model = ResponseModel("held-out", fit_responses(_part(examples, 0, cut), RESPONSE_SPACE))
    newest = _part(examples, cut, count)
    rows_of: dict[str, list[int]] = {}
    for at, action_id in enumerate(newest.action_ids):
        rows_of.setdefault(action_id, []).append(at)
    found = {}
    for action_id, learnt in model.responses.actions.items():
        rows = rows_of.get(action_id)
        if not rows:
            continue
        clicks = newest.clicks[rows]
        chances = np.array(
            [model.propensities([action_id], newest.features[[at]])[action_id] for at in rows]
        )
        rate = np.full(len(rows), learnt.clicks / learnt.exposures)
        found[action_id] = Figures(
            len(rows), log_loss(chances, clicks), log_loss(rate, clicks),
            expected_calibration_error(chances, clicks),
        )  # fmt: skip
    return found


def report_json(report: ResponseReport) -> dict[str, Any]:
    """The report as `--json` prints it."""
    fields: dict[str, Any] = msgspec.to_builtins(report)
    return fields


def show_report(report: ResponseReport) -> None:
    """What was learnt, for a person: the actions with a model and their figures, the others and why."""
    show(
        counted(report.examples, "exposure")
        + (f", {counted(report.invalid, 'invalid line')}" if report.invalid else "")
        + left_out_in_words(report.erased)
        + (f", {report.refused:,} of people who do not agree to it" if report.refused else "")
        + f"; trained in {report.train_seconds:.1f} s; {granted_in_words(frozenset(report.assumed_consent))}"
    )
    modelled = [_row(one) for one in report.actions if not one.why_not]
    columns = (
        "action", "exposures", "clicks", "held out", "log loss", "of the constant rate",
        "calibration error",
    )  # fmt: skip
    show_table("actions with a model", columns, modelled)
    others = [
        (one.action_id, one.exposures, one.clicks, one.why_not)
        for one in report.actions
        if one.why_not
    ]
    if others:
        show_table("actions without one", ("action", "exposures", "clicks", "why"), others)


def _row(one: ActionReport) -> tuple[object, ...]:
    told = one.held_out
    figures = (
        (told.exposures, f"{told.log_loss:.4f}", f"{told.log_loss_of_rate:.4f}", f"{told.ece:.4f}")
        if told
        else ("too few", "", "", "")
    )
    return one.action_id, one.exposures, one.clicks, *figures


def _reports(examples: ResponseExamples, responses: Responses) -> tuple[ActionReport, ...]:
    figures = measure(examples)
    exposures, clicks = _counts(examples)
    return tuple(
        ActionReport(
            name,
            exposures[name],
            clicks[name],
            "" if name in responses.actions else _why_not(exposures[name], clicks[name]),
            figures.get(name),
        )
        for name in sorted(exposures)
    )


def _counts(examples: ResponseExamples) -> tuple[Counter[str], Counter[str]]:
    """Exposures and clicks by action."""
    pairs = zip(examples.action_ids, examples.clicks.tolist(), strict=True)
    return Counter(examples.action_ids), Counter(name for name, clicked in pairs if clicked)


def _why_not(exposures: int, clicks: int) -> str:
    if exposures < EXPOSURES_MIN:
        return f"fewer than {EXPOSURES_MIN} exposures"
    what = "clicks" if clicks < CLICKS_MIN else "exposures without a click"
    return f"fewer than {CLICKS_MIN} {what}"


def _too_little(examples: ResponseExamples) -> str:
    exposures, clicks = _counts(examples)
    name, most = exposures.most_common(1)[0]
    return (
        f"none of {len(exposures)} actions has {EXPOSURES_MIN} exposures, {CLICKS_MIN} of them with a "
        f"click and {CLICKS_MIN} without: nothing to learn from "
        f"(most exposures: {name!r}, {most} with {clicks[name]} clicks)"
    )


def _part(examples: ResponseExamples, start: int, end: int) -> ResponseExamples:
    return examples._replace(
        action_ids=examples.action_ids[start:end],
        features=examples.features[start:end],
        clicks=examples.clicks[start:end],
    )
