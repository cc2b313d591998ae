"""Reads the rows of trivago's RecSys Challenge 2019 (Parquet) as events: each action is one.

A click-out is two: the list that was shown (`ranking_requested`) and the item that was taken from
it (`ranking_clicked`), a millisecond later.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.events import Candidate, Context, Event, event_from_fields
from schemas.limits import SECOND_MS, STRING_LENGTH_MAX

COLUMNS: Final = (
    "user_id", "session_id", "timestamp", "step", "action_type", "reference", "platform", "city",
    "device", "current_filters", "impressions", "prices",
)  # fmt: skip
CLICK_OUT: Final = "clickout item"
ON_ITEM: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "interaction item info": ("product_viewed", {}),
    "interaction item image": ("element_clicked", {"attribute": "image"}),
    "interaction item deals": ("element_clicked", {"attribute": "deals"}),
    "interaction item rating": ("review_read", {}),
    "search for item": ("search_performed", {}),
}
"""Actions whose reference is an item: event type and what else it carries."""
BY_TEXT: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "search for destination": ("search_performed", "query", {"attribute": "destination"}),
    "search for poi": ("search_performed", "query", {"attribute": "poi"}),
    "filter selection": ("filter_applied", "value", {"attribute": "filter"}),
    "change of sort order": ("filter_applied", "value", {"attribute": "sort"}),
}
"""Actions whose reference is a text: event type, the field it goes to, and what else it carries."""
Row = Mapping[str, Any]
UNKNOWN: Final = "unknown"
"""What stands as reference where trivago did not log one."""


class BadRow(NamedTuple):
    """A row that is no event: its number from 0, itself as JSON, and why."""

    number: int
    raw: bytes
    error: InvalidEvent


class TrivagoImport(NamedTuple):
    """What was read: the events in order of time, and the rows that are none."""

    events: list[Event]
    bad: list[BadRow]


def read_trivago(path: Path) -> TrivagoImport:
    """The events of a Parquet file in order of time, in each session by time and step.

    Times grow strictly within a session: rows of one second are milliseconds apart, in the order of
    their steps. Raises UnusableInput if the file is no such table, ConfigError if it cannot be opened.
    """
    sessions: dict[str, list[tuple[int, Row]]] = {}
    found = TrivagoImport([], [])
    for number, row in enumerate(_rows(path)):
        if _is_placed(row):
            sessions.setdefault(row["session_id"], []).append((number, row))
        else:
            error = InvalidEvent("invalid_value", "it has no session, time or step")
            found.bad.append(BadRow(number, _raw(row), error))
    for rows in sessions.values():
        rows.sort(key=lambda pair: (pair[1]["timestamp"], pair[1]["step"]))
        _session(rows, found)
    found.events.sort(key=lambda event: event.event_time_ms)
    return found


def _is_placed(row: Row) -> bool:
    return bool(row["session_id"]) and row["timestamp"] is not None and row["step"] is not None


def _raw(row: Row) -> bytes:
    return msgspec.json.encode(row)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(path, columns=list(COLUMNS))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or 'no such file'}") from error
    except (OSError, pa.ArrowException) as error:
        raise UnusableInput(f"{path} cannot be read as trivago's table: {error}") from error
    missing = sorted(set(COLUMNS) - set(table.column_names))
    if missing:
        raise UnusableInput(f"{path} is no table of trivago: it has no column {', '.join(missing)}")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _session(rows: list[tuple[int, Row]], found: TrivagoImport) -> None:
    """Adds the events of a session; a row that cannot be read costs itself."""
    now_ms = 0
    for number, (at, row) in enumerate(rows, start=1):  # a few steps come twice
        time_ms = max(row["timestamp"] * SECOND_MS, now_ms + 1)
        try:
            events = [_checked(one) for one in _events(row, number, time_ms)]
        except InvalidEvent as error:
            found.bad.append(BadRow(at, _raw(row), error))
            continue
        now_ms = events[-1].event_time_ms
        found.events.extend(events)


def _checked(event: Event) -> Event:
    """The event, if it is within every bound of one; raises InvalidEvent."""
    return event_from_fields(msgspec.to_builtins(event))


def _events(row: Row, number: int, time_ms: int) -> Iterator[Event]:
    event_id = f"{row['session_id']}-{number}"
    action, reference = row["action_type"], row["reference"] or UNKNOWN
    if action == CLICK_OUT:
        candidates = tuple(_candidates(row))
        prices = {one.item_id: one.price for one in candidates}
        yield _event(row, event_id, "ranking_requested", time_ms, candidates=candidates)
        yield _event(
            row, f"{event_id}-click", "ranking_clicked", time_ms + 1, request_id=event_id,
            item_ids=(reference,), price=prices.get(reference),
        )  # fmt: skip
    elif action in ON_ITEM:
        event_type, more = ON_ITEM[action]
        item_ids = () if reference == UNKNOWN else (reference,)
        yield _event(row, event_id, event_type, time_ms, item_ids=item_ids, **more)
    elif action in BY_TEXT:
        event_type, field, more = BY_TEXT[action]
        text = reference[:STRING_LENGTH_MAX]
        yield _event(row, event_id, event_type, time_ms, **{field: text}, **more)
    else:
        raise InvalidEvent("invalid_value", f"{action!r} is no action of trivago's table")


def _event(row: Row, event_id: str, event_type: str, time_ms: int, **fields: Any) -> Event:
    filters = row["current_filters"]
    return Event(
        event_id, event_type, time_ms, row["session_id"], row["user_id"],
        channel="web",
        context=Context(device=row["device"], country=row["platform"], city=row["city"]),
        properties={"filters": filters[:STRING_LENGTH_MAX]} if filters else {},
        **fields,
    )  # fmt: skip


def _candidates(row: Row) -> Iterator[Candidate]:
    shown = (row["impressions"] or "").split("|")
    prices = (row["prices"] or "").split("|")
    if len(shown) != len(prices):
        raise InvalidEvent("invalid_value", f"{len(shown)} impressions and {len(prices)} prices")
    for position, (item_id, price) in enumerate(zip(shown, prices, strict=True)):
        if item_id:
            yield Candidate(item_id, _price(row, price), position)


def _price(row: Row, price: str) -> float:
    try:
        return float(price)
    except ValueError as error:
        raise InvalidEvent("invalid_value", f"{price!r} is no price") from error


def item_sequences(events: Iterable[Event]) -> Iterator[Event]:
    """The items that each session touched, one `product_viewed` each, repeats in a row as one.

    `events` in order of time. What was only shown is no touch.
    """
    last: dict[str, str] = {}
    for event in events:
        for item_id in event.item_ids:
            if last.get(event.session_id) != item_id:
                last[event.session_id] = item_id
                yield Event(
                    event.event_id, "product_viewed", event.event_time_ms, event.session_id,
                    event.anonymous_id, channel=event.channel, item_ids=(item_id,),
                    context=event.context,
                )  # fmt: skip
