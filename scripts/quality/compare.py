"""Two samples held against each other, by source and field. Pure: counts in, rows out."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from math import sqrt
from typing import Final

from msgspec import Struct

from schemas.events import EVENT_TYPES
from scripts.console import percentile
from scripts.quality.said_fields import FIELDS
from scripts.quality.sample import CODES, OTHERS, Heard, Kind, Sample, Source, Values

SOURCES_SHOWN: Final = 12
"""The largest; what the others sent is in the totals only, as is what fewer sessions sent than it takes to name anything."""
EVENTS_MIN: Final = 30
"""Of one type and source, in both samples, before a share of them is held against the other."""
JUMP_MIN: Final = 0.1
DEVIATIONS_MIN: Final = 5.0
"""A null share has jumped where it has risen by so much, and by so many standard deviations of two shares that are the same."""
EXPECTED_MIN: Final = 10.0
"""A value is new, or gone, where so many events of it would be in the other sample if it were as frequent there."""
NAMES_SHOWN: Final = 10
"""Values of one field that are named."""
UNNAMED: Final = "(a name of few sessions)"

Pairs = Mapping[Source, tuple[Heard, Heard]]
"""By source what was heard of it in the one sample and in the other."""
NOTHING: Final = Values()


class Figures(Struct, frozen=True):
    """What one sample has of a source: `share` is of all its events, the others are of the source's; None: nothing to say it of.

    `timed`: how many tell how late they came; half of these came no later than `lag_p50_ms`, all but one in a hundred than `lag_p99_ms`.
    """

    events: int
    share: float | None
    timed: int
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    ahead_share: float | None
    repeated_share: float | None
    reused_share: float | None
    without_role_share: float | None


class SourceRow(Struct, frozen=True):
    """A source in both samples."""

    source: str
    channel: str | None
    is_unproven: bool
    now: Figures
    before: Figures


class FieldRow(Struct, frozen=True):
    """How many of a source's events of one type leave a field out; only fields that one of the samples says at all."""

    source: str
    event_type: str
    field: str
    events: int
    events_before: int
    null_share: float | None
    null_share_before: float | None
    is_jump: bool


class ValuesRow(Struct, frozen=True):
    """A field of few values: how many there are (None: too many to know), and which are new or gone, with how many events."""

    source: str
    field: str
    values: int | None
    new: dict[str, int]
    gone: dict[str, int]


def pairs_of(now: Sample, before: Sample) -> Pairs:
    """The largest sources that enough sessions make up in one of them, those with most events first."""
    both = {
        one: (now.sources.get(one, Heard()), before.sources.get(one, Heard()))
        for one in [*now.sources, *before.sources]
    }
    known = [one for one, pair in both.items() if any(heard.is_nameable for heard in pair)]
    largest = sorted(known, key=lambda one: (-max(pair.events for pair in both[one]), one.name))
    return {one: both[one] for one in largest[:SOURCES_SHOWN]}


def source_rows(pairs: Pairs, now: int, before: int) -> list[SourceRow]:
    """A row for each; `now` and `before`: how many events the samples have."""
    return [
        SourceRow(one.name, one.channel, one.is_unproven, figures_of(new, now), figures_of(old, before))
        for one, (new, old) in pairs.items()
    ]  # fmt: skip


def figures_of(heard: Heard, events: int) -> Figures:
    """Of what was heard of a source among so many events."""
    timed = len(heard.lags_ms)
    return Figures(
        events=heard.events,
        share=share_of(heard.events, events),
        timed=timed,
        lag_p50_ms=percentile(heard.lags_ms, 0.5),
        lag_p99_ms=percentile(heard.lags_ms, 0.99),
        ahead_share=share_of(heard.ahead, timed),
        repeated_share=share_of(heard.repeated, heard.events),
        reused_share=share_of(heard.reused, heard.events),
        without_role_share=share_of(heard.without_role, heard.events),
    )


def field_rows(pairs: Pairs) -> Iterator[FieldRow]:
    """Of each source, type and field that is said."""
    for source, (new, old) in pairs.items():
        for event_type in dict.fromkeys([*new.kinds, *old.kinds]):
            kinds = (new.kinds.get(event_type, Kind()), old.kinds.get(event_type, Kind()))
            shown = shown_type(event_type, new, old)
            for field in FIELDS:
                if kinds[0].said[field] or kinds[1].said[field]:
                    yield _field_row(source.name, shown, field, kinds)


def _field_row(source: str, event_type: str, field: str, kinds: tuple[Kind, Kind]) -> FieldRow:
    new, old = kinds
    nulls, nulls_before = new.events - new.said[field], old.events - old.said[field]
    return FieldRow(
        source, event_type, field, new.events, old.events, share_of(nulls, new.events), share_of(nulls_before, old.events),
        has_jumped(nulls, new.events, nulls_before, old.events),
    )  # fmt: skip


def values_rows(pairs: Pairs) -> Iterator[ValuesRow]:
    """Of each source and field of few values."""
    for source, (new, old) in pairs.items():
        for field in CODES:
            now, before = new.values.get(field, NOTHING), old.values.get(field, NOTHING)
            if not now.counts and not before.counts:
                continue
            is_known = not now.is_many and not before.is_many
            yield ValuesRow(
                source.name, field, len(now.counts) if is_known else None,
                _only_in(now, before, new.events, old.events) if is_known else {},
                _only_in(before, now, old.events, new.events) if is_known else {},
            )  # fmt: skip


def _only_in(one: Values, other: Values, events: int, others: int) -> dict[str, int]:
    """Values of the one that the other would have, were they as frequent there: the most frequent of them."""
    found = (
        (value, count)
        for value, count in one.counts.most_common()
        if value not in other.counts and one.is_nameable(value) and is_missed(count, events, others)
    )
    return dict(islice(found, NAMES_SHOWN))


def is_missed(count: int, events: int, others: int) -> bool:
    """Whether `others` events would have some of what `count` of `events` have, and have none."""
    return count > 0 and count * others >= EXPECTED_MIN * events


def has_jumped(nulls: int, events: int, nulls_before: int, events_before: int) -> bool:
    """Whether a field is left out clearly more often than before."""
    if min(events, events_before) < EVENTS_MIN:
        return False
    rise = nulls / events - nulls_before / events_before
    pooled = (nulls + nulls_before) / (events + events_before)
    deviation = sqrt(pooled * (1 - pooled) * (1 / events + 1 / events_before))
    return rise >= JUMP_MIN and rise >= DEVIATIONS_MIN * deviation


def share_of(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def mean_of(shares: Iterable[tuple[int, float | None]]) -> float | None:
    """Of shares of so many each; None of nothing."""
    held = [(count, share) for count, share in shares if share is not None]
    return sum(count * share for count, share in held) / sum(count for count, _ in held) if held else None  # fmt: skip


def shown_type(event_type: str, *heard: Heard) -> str:
    """A name of a sender's own only where enough sessions have used it."""
    known = event_type in EVENT_TYPES or event_type == OTHERS
    named = (one.values.get("event_type", NOTHING).is_nameable(event_type) for one in heard)
    return event_type if known or any(named) else UNNAMED
