"""All that is told of the quality of what comes in, from counts to sentences. Pure; the names of these fields are what `--json` has."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from scripts.quality.compare import (
    FieldRow,
    SourceRow,
    ValuesRow,
    field_rows,
    pairs_of,
    share_of,
    source_rows,
    values_rows,
)
from scripts.quality.findings import Finding, Invalid, findings_of
from scripts.quality.sample import Sample
from scripts.quality.volume import Volume

Basis = Literal["week_before", "time_before"]
"""What a sample is held against: the same time a week before, or what came right before it where there is no such week."""


class Looked(Struct, frozen=True):
    """A sample: its records, how many of them are events, and from when to when they are by their own time (epoch ms)."""

    records: int
    events: int
    from_ms: int
    to_ms: int


class Report(Struct, frozen=True):
    """`basis` is None where there is nothing to hold the sample against. `sources_left_out`: smaller ones, or of few
    sessions, of which no row tells.
    """

    at_ms: int
    findings: list[Finding]
    volume: list[Volume]
    now: Looked
    before: Looked | None
    basis: Basis | None
    invalid: list[Invalid]
    sources: list[SourceRow]
    sources_left_out: int
    fields: list[FieldRow]
    values: list[ValuesRow]


def report_of(at_ms: int, volume: Sequence[Volume], now: Sample, before: Sample | None, basis: Basis | None) -> Report:  # fmt: skip
    """What two samples and the counted hours tell."""
    old = before or Sample()
    pairs = pairs_of(now, old)
    invalid = _invalid(now, old)
    sources = source_rows(pairs, now.events, old.events)
    fields, values = list(field_rows(pairs)), list(values_rows(pairs))
    return Report(
        at_ms, findings_of(volume, invalid, sources, fields, values), list(volume), _looked(now), _looked(before) if before else None, basis,
        invalid, sources, len({*now.sources, *old.sources}) - len(pairs), fields, values,
    )  # fmt: skip


def _looked(sample: Sample) -> Looked:
    return Looked(sample.records, sample.events, sample.from_ms, sample.to_ms)


def _invalid(now: Sample, before: Sample) -> list[Invalid]:
    return [
        Invalid(reason, count, count / now.records, share_of(before.invalid[reason], before.records), now.examples[reason])
        for reason, count in now.invalid.most_common()
    ]  # fmt: skip
