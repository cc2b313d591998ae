"""What of it all wants looking at, what is worst first. Pure: rows in, sentences out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Literal

from msgspec import Struct

from schemas.counted import counted
from schemas.limits import MINUTE_MS, SECOND_MS
from scripts.quality.compare import EVENTS_MIN, FieldRow, SourceRow, ValuesRow, is_missed, mean_of
from scripts.quality.volume import Volume
from scripts.times import utc

SHARE_MIN: Final = 0.01
COUNT_MIN: Final = 10
"""What is wrong with less than this share, or with fewer records, is not told; `status` has the same bounds for dead letters."""
GROWN: Final = 2.0
"""Nor what is not so many times what it was before."""
LAG_MIN_MS: Final = MINUTE_MS
"""A lag has grown where it has doubled and by so much."""
FINDINGS_MAX: Final = 100
TYPES_TOLD: Final = 3

What = Literal[
    "volume", "invalid", "source_gone", "value_gone", "null_share", "without_role", "reused", "repeated", "ahead", "lag",
    "source_new", "value_new",
]  # fmt: skip
SHARES: Final[dict[What, str]] = {
    "without_role": "have a name that neither Kairos nor the policy knows",
    "reused": "have the id of another event of their session, so they are dropped",
    "repeated": "came before, with the same id and time",
}


class Finding(Struct, frozen=True):
    """What it is, in a sentence; of which source, field (of `invalid`: reason) and type, and the figure now and before, where there is one."""

    what: What
    says: str
    source: str | None = None
    field: str | None = None
    event_type: str | None = None
    now: float | None = None
    before: float | None = None


Jump = tuple[tuple[str, str], list[FieldRow]]
"""A source and a field, and the types of events that leave it out."""


class Invalid(Struct, frozen=True):
    """Records that are no events, of one reason: shares are of all records. `example`: the place of one of them."""

    reason: str
    records: int
    share: float
    share_before: float | None
    example: str


def findings_of(
    volumes: Iterable[Volume], invalid: Iterable[Invalid], sources: Sequence[SourceRow],
    fields: Iterable[FieldRow], values: Sequence[ValuesRow],
) -> list[Finding]:  # fmt: skip
    """All that wants looking at, what is worst first; no more than FINDINGS_MAX."""
    jumps = jumps_in(fields)
    left_out = {at for at, _ in jumps}
    found = [
        *_of_volumes(volumes), *_of_invalid(invalid), *_gone_sources(sources),
        *_gone_values(one for one in values if (one.source, one.field) not in left_out),
        *_of_fields(jumps), *_of_shares(sources), *_of_times(sources), *_new_sources(sources), *_new_values(values),
    ]  # fmt: skip
    return found[:FINDINGS_MAX]


def _of_volumes(volumes: Iterable[Volume]) -> Iterator[Finding]:
    for one in volumes:
        if one.is_unusual:
            since = f"since {utc(one.from_ms)}" if one.is_running else f"in the hour from {utc(one.from_ms)}"  # fmt: skip
            says = f"{counted(one.records, 'record')} came {since}; the same time of past weeks had {one.usual:,.0f}"
            yield Finding("volume", says, now=float(one.records), before=one.usual)


def _of_invalid(invalid: Iterable[Invalid]) -> Iterator[Finding]:
    for one in invalid:
        if _is_grown(one.share, one.share_before, one.records):
            says = f"{one.share:.1%} of the records are no events: {one.reason}{_before(one.share_before)}; for example {one.example}"
            yield Finding("invalid", says, field=one.reason, now=one.share, before=one.share_before)


def _of_fields(jumps: Iterable[Jump]) -> Iterator[Finding]:
    for (source, field), rows in jumps:
        types = [one.event_type for one in rows]
        now = mean_of((one.events, one.null_share) for one in rows)
        before = mean_of((one.events_before, one.null_share_before) for one in rows)
        says = f"{field} is missing in {now:.0%} of {_listed(types)} of {source}; before it was {before:.0%}"
        yield Finding("null_share", says, source, field, types[0] if len(types) == 1 else None, now, before)  # fmt: skip


def jumps_in(fields: Iterable[FieldRow]) -> list[Jump]:
    """The fields that are clearly more often left out, each with its types; that with most events first."""
    found: dict[tuple[str, str], list[FieldRow]] = {}
    for one in fields:
        if one.is_jump:
            found.setdefault((one.source, one.field), []).append(one)
    return sorted(found.items(), key=lambda jump: -sum(one.events for one in jump[1]))


def _listed(types: Sequence[str]) -> str:
    """The first of them, and how many more."""
    more = len(types) - TYPES_TOLD
    told = ", ".join(types[:TYPES_TOLD])
    return f"{told} and {counted(more, 'further type')}" if more > 0 else told


def _of_shares(sources: Iterable[SourceRow]) -> Iterator[Finding]:
    for one in sources:
        for what, words in SHARES.items():
            now, before = (getattr(figures, f"{what}_share") for figures in (one.now, one.before))
            if now and _is_grown(now, before, round(now * one.now.events)):
                says = f"{now:.1%} of the events of {one.source} {words}{_before(before)}"
                yield Finding(what, says, one.source, now=now, before=before)


def _of_times(sources: Iterable[SourceRow]) -> Iterator[Finding]:
    for one in sources:
        ahead = one.now.ahead_share
        if ahead and _is_grown(ahead, None, round(ahead * one.now.timed)):
            says = (
                f"{ahead:.1%} of the events of {one.source} are from the future: a clock is wrong"
            )
            yield Finding("ahead", says, one.source, now=ahead, before=one.before.ahead_share)
        yield from islice(_lags(one), 1)


def _lags(one: SourceRow) -> Iterator[Finding]:
    if min(one.now.timed, one.before.timed) < EVENTS_MIN:
        return
    for share, now, before in (
        ("half", one.now.lag_p50_ms, one.before.lag_p50_ms),
        ("one in a hundred", one.now.lag_p99_ms, one.before.lag_p99_ms),
    ):
        if now is not None and before is not None and now >= max(GROWN * before, before + LAG_MIN_MS):  # fmt: skip
            says = f"{share} of the events of {one.source} come {now / SECOND_MS:,.0f} s or more after they happened; before it was {before / SECOND_MS:,.0f} s"
            yield Finding("lag", says, one.source, now=now, before=before)


def _gone_sources(sources: Sequence[SourceRow]) -> Iterator[Finding]:
    events, before = sum(one.now.events for one in sources), sum(one.before.events for one in sources)  # fmt: skip
    for one in sources:
        if not one.now.events and is_missed(one.before.events, before, events):
            says = f"nothing comes of {one.source} any more; before it was {one.before.share:.0%} of all events"
            yield Finding("source_gone", says, one.source, now=0.0, before=one.before.share)


def _new_sources(sources: Sequence[SourceRow]) -> Iterator[Finding]:
    events, before = sum(one.now.events for one in sources), sum(one.before.events for one in sources)  # fmt: skip
    for one in sources:
        if not one.before.events and is_missed(one.now.events, events, before):
            says = f"{one.source} is new: {one.now.share:.0%} of all events"
            yield Finding("source_new", says, one.source, now=one.now.share, before=0.0)


def _gone_values(rows: Iterable[ValuesRow]) -> Iterator[Finding]:
    for row in rows:
        for value, count in row.gone.items():
            says = f"{row.field} of {row.source}: {value} does not come any more; before it was in {counted(count, 'event')}"
            yield Finding("value_gone", says, row.source, row.field, _type_of(row, value), 0.0, float(count))  # fmt: skip


def _new_values(rows: Iterable[ValuesRow]) -> Iterator[Finding]:
    for row in rows:
        for value, count in row.new.items():
            says = f"{row.field} of {row.source}: {value} is new, in {counted(count, 'event')}"
            yield Finding("value_new", says, row.source, row.field, _type_of(row, value), float(count), 0.0)  # fmt: skip


def _type_of(row: ValuesRow, value: str) -> str | None:
    return value if row.field == "event_type" else None


def _is_grown(share: float, before: float | None, count: int) -> bool:
    return share >= SHARE_MIN and count >= COUNT_MIN and share >= GROWN * (before or 0.0)


def _before(share: float | None) -> str:
    return "" if share is None else f" (before {share:.1%})"
