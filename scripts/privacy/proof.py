"""The proof of an erasure: per place what is gone now, and by when the rest goes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from schemas.counted import counted
from schemas.limits import DAY_MS
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, OUTCOMES, SEGMENT_DAYS, TRACES
from scripts.console import show, show_table
from scripts.privacy.trails import Seen
from scripts.times import utc

OWNER = (
    "it is kept for ever and written in clear by others: their owner deletes the records, or gives the "
    "topic a retention (`kairos retention set events DAYS`)"
)


class Row(Struct, frozen=True):
    """One place: what of the person is gone, what is left, and until when at the latest (epoch ms; None = see `said`)."""

    place: str
    gone: str
    left: int = 0
    until_ms: int | None = None
    said: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left there."""
        return not self.left and not self.said


class Proof(Struct, frozen=True):
    """Who (by keyed hash) was erased, when that was asked for and when it was done; None = not yet."""

    person: str
    key_id: str
    asked_ms: int
    done_ms: int | None
    ids: int
    rows: tuple[Row, ...]
    is_known: bool

    @property
    def left_until_ms(self) -> int | None:
        """By when the last of it goes; None where nothing is left, or no date can be given."""
        return max((one.until_ms for one in self.rows if one.until_ms is not None), default=None)


def topic_rows(
    prefix: str, held: Mapping[str, Seen], retention_ms: Mapping[str, int | None]
) -> Iterable[Row]:
    """A row for each topic that holds records of people."""
    for topic in (EVENTS, DECISIONS, TRACES, OUTCOMES, DEAD_LETTERS):
        name, seen = prefix + topic, held.get(topic, Seen())
        if not seen.records:
            yield Row(f"topic {name}", "nothing was there")
            continue
        kept_ms = retention_ms.get(name)
        if kept_ms is None:
            yield Row(
                f"topic {name}", "nothing of ours reads it any more", seen.records, None, OWNER
            )
        else:
            until_ms = seen.last_ms + kept_ms + SEGMENT_DAYS * DAY_MS
            yield Row(f"topic {name}", "nothing of ours reads it any more", seen.records, until_ms)


def proof_json(proof: Proof) -> dict[str, Any]:
    """All of it as builtins."""
    found: dict[str, Any] = msgspec.to_builtins(proof)
    return found | {"left_until_ms": proof.left_until_ms}


def show_proof(proof: Proof) -> None:
    """What was erased, in a table, with what is left and until when."""
    known = (
        ""
        if proof.is_known
        else "; the log holds nothing of them, and they are on the list all the same"
    )
    done = "not done yet" if proof.done_ms is None else f"done {utc(proof.done_ms)}"
    show(
        f"{proof.person} (hash by the key {proof.key_id}), {counted(proof.ids, 'id')} on the list; "
        f"asked {utc(proof.asked_ms)}, {done}{known}"
    )
    rows = [(one.place, one.gone, one.left or "", _until(one)) for one in proof.rows]
    show_table("", ("place", "now", "records left", "gone at the latest"), rows)


def _until(row: Row) -> str:
    if row.until_ms is not None:
        return datetime.fromtimestamp(row.until_ms / 1000, UTC).date().isoformat()
    return row.said or ("now" if row.is_clear else "")
