"""`kairos status --quality`: what is up, then what the newest events are like and what of that wants looking at."""

from collections.abc import Iterator
from typing import Final

import msgspec

from jobs.config import Config
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import show, show_json, show_table
from scripts.exit_codes import DONE, NOT_UP
from scripts.ops.status import is_whole, running_kafka, show_status, status
from scripts.quality.compare import mean_of
from scripts.quality.read_log import quality_of
from scripts.quality.report import Looked, Report
from scripts.quality.sample import NAMED_FROM
from scripts.quality.volume import Volume
from scripts.times import utc

BASES: Final = {
    "week_before": "the same time a week before",
    "time_before": "what came right before, for of the week before there is too little",
}


def status_and_quality(config: Config, *, is_json: bool, is_watched: bool = False) -> int:
    """Shows both; the exit code is that of `status`, whatever the events are like. Raises ConfigError where it is to be watched."""
    if is_watched:
        raise ConfigError("--quality reads the log and is not shown every two seconds: leave --watch out")  # fmt: skip
    found = status(config)
    report: Report | str
    try:
        report = quality_of(running_kafka(config), config)
    except ConfigError as error:
        report = str(error)
    if is_json:
        told = {"unknown": report} if isinstance(report, str) else msgspec.to_builtins(report)
        show_json(found | {"quality": told})
    else:
        show_status(found)
        show_quality(report)
    return DONE if is_whole(found) else NOT_UP


def show_quality(report: Report | str) -> None:
    """The findings first, then the figures; or why there are none."""
    if isinstance(report, str):
        show(f"quality: nothing is known of it: {report}")
        return
    show(f"quality: {counted(len(report.findings), 'thing wants', 'things want')} looking at" if report.findings else "quality: nothing wants looking at")  # fmt: skip
    for one in report.findings:
        show(f"  {one.what}: {one.says}")
    columns = ("records", "", "usual", "times", "weeks before, the last first")
    show_table("", columns, [_volume(one) for one in report.volume])
    show(_sampled(report.now) + _held_against(report))
    rows = [(one.reason, one.records, _share(one.share), _share(one.share_before), one.example) for one in report.invalid]  # fmt: skip
    if rows:
        show_table("", ("no events", "records", "now", "before", "for example"), rows)
    _show_sources(report)
    for source in [one.source for one in report.sources if one.now.events]:
        show_table("", (source, "of events", "missing", "before", "values", "more often missing in"), list(_fields(report, source)))  # fmt: skip


def _show_sources(report: Report) -> None:
    columns = ("source", "events", "of all", "before", "lag half", "1 in 100", "future", "there twice", "id of another", "unknown name")  # fmt: skip
    rows = [
        (
            one.source, now.events, _share(now.share), _share(one.before.share), _seconds(now.lag_p50_ms), _seconds(now.lag_p99_ms),
            *map(_share, (now.ahead_share, now.repeated_share, now.reused_share, now.without_role_share)),
        )
        for one in report.sources
        for now in (one.now,)
    ]  # fmt: skip
    if rows:
        show_table("", columns, rows)
    if report.sources_left_out:
        show(f"{counted(report.sources_left_out, 'source')} left out: smaller than these, or of fewer than {NAMED_FROM} sessions")  # fmt: skip


def _fields(report: Report, source: str) -> Iterator[tuple[object, ...]]:
    """Each field over all types of which some events say it."""
    known = {one.field: one.values for one in report.values if one.source == source}
    mine = [one for one in report.fields if one.source == source]
    for field in dict.fromkeys(one.field for one in mine):
        rows = [one for one in mine if one.field == field]
        yield (
            field, sum(one.events for one in rows),
            _share(mean_of((one.events, one.null_share) for one in rows)),
            _share(mean_of((one.events_before, one.null_share_before) for one in rows)),
            ("many" if known[field] is None else known[field]) if field in known else "",
            ", ".join(one.event_type for one in rows if one.is_jump),
        )  # fmt: skip


def _volume(one: Volume) -> tuple[object, ...]:
    past = ", ".join("not held" if count is None else f"{count:,}" for count in one.past)
    times = "" if one.ratio is None else f"{one.ratio:.2f}"
    return (
        f"since {utc(one.from_ms)}" if one.is_running else f"the hour from {utc(one.from_ms)}",
        f"{one.records:,}", "" if one.usual is None else f"{one.usual:,.0f}", times + (" unusual" if one.is_unusual else ""), past,
    )  # fmt: skip


def _sampled(one: Looked) -> str:
    return f"{counted(one.records, 'record')} of {utc(one.from_ms)} to {utc(one.to_ms)}"


def _held_against(report: Report) -> str:
    if report.before is None or report.basis is None:
        return "; there is nothing to hold them against"
    return f", held against {_sampled(report.before)}: {BASES[report.basis]}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _seconds(ms: float | None) -> str:
    return "" if ms is None else f"{ms / 1_000:,.1f} s"
