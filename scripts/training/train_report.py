"""What `kairos train` tells of a ranker: figures, calibration, what counts and what could go, and where items lie."""

from typing import Any, Final, NamedTuple

import msgspec

from models.learning.report import Report as ModelReport
from models.vectors import VectorTable
from schemas.counted import counted
from schemas.events import granted_in_words
from scripts.console import show, show_table
from scripts.training.model_tables import show_examination, show_figures

SHOWN_FEATURES_MAX: Final = 20


class VectorsReport(NamedTuple):
    """What tells where items lie: `items` have a vector of their own by `sessions`; of others, `has_words` and `given_dimensions` of embeddings say what they are mapped by."""

    items: int
    sessions: int
    dimensions: int
    has_words: bool
    given_dimensions: int


class Report(NamedTuple):
    """What was trained, on what, how well it ranked decisions it had not seen, and how long it took.

    `answered` decisions could have been learnt from, `decisions` of them were sampled and made,
    `examples` had the answer among their candidates. `erased` events were left out, as of before their person was erased; `refused` decisions are
    of people who do not agree to `analytics`.
    """

    version: str
    uri: str
    events: int
    answered: int
    decisions: int
    examples: int
    invalid: int
    train_seconds: float
    metrics: dict[str, float]
    report: ModelReport
    assumed_consent: tuple[str, ...] = ()
    erased: int = 0
    refused: int = 0
    vectors: VectorsReport | None = None


def report_json(report: Report) -> dict[str, Any]:
    """The report as `--json` prints it."""
    fields: dict[str, Any] = msgspec.to_builtins(report._asdict())
    if report.vectors is not None:
        fields["vectors"] = report.vectors._asdict()
    return fields


def show_report(report: Report) -> None:
    """What was learnt, for a person: figures, calibration, what counts and what could go."""
    show(
        f"{counted(report.events, 'event')}, {counted(report.answered, 'answered decision')}, {report.decisions:,} of "
        f"them made, {counted(report.examples, 'example')}"
        + (f", {counted(report.invalid, 'invalid line')}" if report.invalid else "")
        + left_out_in_words(report.erased)
        + (f", {report.refused:,} of people who do not agree to it" if report.refused else "")
        + f"; trained in {report.train_seconds:.1f} s; {granted_in_words(frozenset(report.assumed_consent))}"
    )
    told = report.report
    show_figures(report.version, report.metrics, told)
    show_examination(told.examination, told.groups)
    show(vectors_in_words(report.vectors))
    if told.calibration_curve:
        curve = [
            (f"{one.predicted:.4f}", f"{one.observed:.4f}", one.rows)
            for one in told.calibration_curve
        ]
        show_table("calibration, held out", ("predicted", "observed", "rows"), curve)
    ordered = sorted(told.importance.items(), key=lambda pair: -pair[1])[:SHOWN_FEATURES_MAX]
    counts = [(name, f"{share:.1%}") for name, share in ordered]
    show_table("what counts most", ("feature", "share of the gain"), counts)
    check = told.drop_check
    if check is not None:
        verdict = (
            "cannot go without loss" if check.has_loss else "are left out: no loss without them"
        )
        show(
            f"{counted(len(check.features), 'feature')} that hardly count {verdict} (MRR {check.mrr_difference:+.4f}"
            f" [{check.low:+.4f}, {check.high:+.4f}]): {', '.join(check.features)}"
        )
    for one in told.rounds_checks:
        verdict = "lose too much" if one.has_loss else "are enough"
        show(
            f"{counted(one.rounds, 'tree')} {verdict} (MRR {one.mrr_difference:+.4f}"
            f" [{one.low:+.4f}, {one.high:+.4f}])"
        )


def left_out_in_words(erased: int) -> str:
    """How many events were left out, where some were."""
    return f", {counted(erased, 'event')} of people who were erased left out" if erased else ""


def vectors_report(table: VectorTable | None) -> VectorsReport | None:
    """What a table of vectors was learnt from."""
    if table is None:
        return None
    return VectorsReport(
        len(table.item_ids),
        table.sessions,
        table.dimensions,
        bool(table.words),
        table.given_dimensions,
    )


def vectors_in_words(told: VectorsReport | None) -> str:
    """Which items have vectors, and by what."""
    if told is None:
        return "no vectors of items: too few sessions of several items, and too little is said of items"
    by = ["what is said of them"] * told.has_words + ["their embeddings"] * bool(
        told.given_dimensions
    )
    new = f"; others lie by {' and '.join(by)}" if by else ""
    return f"vectors of {counted(told.items, 'item')}, by {counted(told.sessions, 'session')}{new}"
