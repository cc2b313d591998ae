"""Knowledge that the stream learns: of items, actions and past sessions, in epochs; topic `knowledge`.

An epoch is EPOCH_MS of event time. What it taught is one record per item, category, action or ended
session, in force from `effective_from_ms` on (EPOCH_AHEAD_MS after its end), and then its end
marker: a reader takes an epoch whole, once the marker is there, so an event at t never knows what
happened at or after t.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.codec import HEADER_BYTES, WRITER_SCHEMAS, Codec, StateCodec, own
from schemas.errors import InvalidEvent
from schemas.events import Id, Price, Text
from schemas.limits import (
    EPOCH_AHEAD_MS,
    EPOCH_AHEAD_OF_LOG_MAX_MS,
    EPOCH_MS,
    ID_LENGTH_MAX,
    KNOWLEDGE_BYTES_MAX,
    LINKS_MAX,
    PIECES_MAX,
    SESSION_MEMORY_ITEMS,
)
from schemas.numbers import Count, Epoch, Moment, Until, Weighed

HOURS_KEPT: Final = 48
"""Hours by which an action's exposures are counted: a local day and what comes late to it."""
RECENT_EPOCHS: Final = 32
"""Epochs, the newest, by which an action's exposures are counted one by one."""
KEY_SEPARATOR: Final = "\t"
PAST_ITEMS_MAX: Final = 10 * SESSION_MEMORY_ITEMS

ActionKey = Annotated[str, Meta(min_length=1, max_length=3 * ID_LENGTH_MAX + 2)]
EntryKind = Literal["item", "category"]
Links = Annotated[dict[Id, Weighed], Meta(max_length=LINKS_MAX)]
Pieces = Annotated[tuple[Moment, ...], Meta(max_length=PIECES_MAX)]


class ItemKnowledge(Struct, frozen=True):
    """What is known of one item, or of all items of one category, at the end of an epoch.

    Counts and links decay (half-life of 30 days; `interest_short`: one day) and are as of `at_ms`,
    the epoch's end. `examined` counts exposures less where the place in the list was lower; `taken`
    the clicks on what was exposed. `next_items`: what was touched right after it; `seen_with`: what was
    touched within three touches; `bought_with`: what was bought together; each bounded (LINKS_MAX), the
    weakest goes and its place starts with its weight (space saving, Metwally et al. 2005).

    Of an item whose stock the catalogue tells: `sold` and `held` are the times at which pieces of it were bought, and
    put into carts, each for one piece, the newest PIECES_MAX; the oldest first (udfs/knowledge/pieces.py).
    """

    kind: EntryKind
    item_id: Id
    epoch: Epoch
    effective_from_ms: Until
    at_ms: Until
    first_ms: Moment
    last_ms: Moment
    views: Weighed = 0.0
    clicks: Weighed = 0.0
    carts: Weighed = 0.0
    purchases: Weighed = 0.0
    exposures: Weighed = 0.0
    examined: Weighed = 0.0
    taken: Weighed = 0.0
    interest: Weighed = 0.0
    interest_short: Weighed = 0.0
    category: Text | None = None
    price: Price | None = None
    next_items: Links = {}
    seen_with: Links = {}
    bought_with: Links = {}
    sold: Pieces = ()
    held: Pieces = ()


class ActionKnowledge(Struct, frozen=True):
    """How people responded to one action, everywhere or in one placement and context, at the end of an epoch.

    `exposures`, `clicks` and `dismissals` decay (half-life of 30 days) and are as of `at_ms`, the epoch's end.
    Only of the action everywhere: `exposures_total` never decays; `hourly` counts exposures by the hour of
    their event time, `hour` (hours since 1970) and those before it, newest first; `recent` by epoch, this one
    and those before it, newest first; `peak` is the most in one epoch, decaying likewise.
    """

    kind: Literal["action"]
    key: ActionKey
    epoch: Epoch
    effective_from_ms: Until
    at_ms: Until
    first_ms: Moment
    last_ms: Moment
    exposures: Weighed = 0.0
    clicks: Weighed = 0.0
    dismissals: Weighed = 0.0
    exposures_total: Count = 0
    peak: Weighed = 0.0
    hour: Count = 0
    hourly: Annotated[tuple[Count, ...], Meta(max_length=HOURS_KEPT)] = ()
    recent: Annotated[tuple[Count, ...], Meta(max_length=RECENT_EPOCHS)] = ()


class PastSession(Struct, frozen=True):
    """The items that an ended session touched, in the order of their last touch; no person in it.

    `session_hash` names the record; `item_ids` are the newest SESSION_MEMORY_ITEMS.
    """

    session_hash: Id
    epoch: Epoch
    effective_from_ms: Until
    ended_ms: Moment
    item_ids: Annotated[tuple[Id, ...], Meta(max_length=PAST_ITEMS_MAX)]


class EpochEnd(Struct, frozen=True):
    """The end marker: the epoch's `records` records of this writer lie before it."""

    writer: Id
    epoch: Epoch
    effective_from_ms: Until
    records: Count


ItemRecord = ItemKnowledge | PastSession | EpochEnd
ActionRecord = ActionKnowledge | EpochEnd
KnowledgeRecord = ItemRecord | ActionRecord

ITEM_KNOWLEDGE: Final = Codec[ItemKnowledge](
    "item_knowledge", own(ItemKnowledge), KNOWLEDGE_BYTES_MAX
)
ACTION_KNOWLEDGE: Final = Codec[ActionKnowledge](
    "action_knowledge", own(ActionKnowledge), KNOWLEDGE_BYTES_MAX
)
PAST_SESSION: Final = Codec[PastSession]("past_session", own(PastSession), KNOWLEDGE_BYTES_MAX)
EPOCH_END: Final = Codec[EpochEnd]("epoch_end", own(EpochEnd), KNOWLEDGE_BYTES_MAX)
ITEM_KNOWLEDGE_STATE: Final = StateCodec(ItemKnowledge, version=1)
ACTION_KNOWLEDGE_STATE: Final = StateCodec(ActionKnowledge, version=1)


RECORDS: Final = {schema.header: schema.record for schema in WRITER_SCHEMAS}
LEARNT: Final[dict[str, Callable[[bytes], KnowledgeRecord]]] = {
    "item_knowledge": ITEM_KNOWLEDGE.decode,
    "action_knowledge": ACTION_KNOWLEDGE.decode,
    "past_session": PAST_SESSION.decode,
    "epoch_end": EPOCH_END.decode,
}
"""How the records of the topic `knowledge` are read."""


def is_learnt(value: bytes) -> bool:
    """Whether the bytes begin as a record of the topic `knowledge` does."""
    return RECORDS.get(value[:HEADER_BYTES], "") in LEARNT


def learnt_record(value: bytes, timestamp_ms: int) -> KnowledgeRecord:
    """A record of the topic `knowledge`; `timestamp_ms` is its own in Kafka. Raises InvalidEvent.

    Every reader takes records through this door: of an epoch that the log has not reached none is taken, or that
    epoch would be the newest for ever and no other come after it.
    """
    decode = LEARNT.get(RECORDS.get(value[:HEADER_BYTES], ""))
    if decode is None:
        raise InvalidEvent("unknown_schema", f"starts with {value[:HEADER_BYTES].hex()}")
    record = decode(value)
    end_ms, from_ms = epoch_end_ms(record.epoch), record.effective_from_ms
    ahead_ms = max(end_ms, from_ms - EPOCH_AHEAD_MS) - timestamp_ms
    if ahead_ms > EPOCH_AHEAD_OF_LOG_MAX_MS:
        raise InvalidEvent(
            "ahead_of_log", f"epoch {record.epoch} ends {ahead_ms // 1_000} s after its record"
        )
    if from_ms < max(end_ms, _newest_ms(record)):
        raise InvalidEvent("invalid_value", f"epoch {record.epoch} would know what comes after it")
    return record


def _newest_ms(record: KnowledgeRecord) -> int:
    """The latest time that a record speaks of."""
    if isinstance(record, EpochEnd):
        return 0
    if isinstance(record, PastSession):
        return record.ended_ms
    return max(record.at_ms, record.first_ms, record.last_ms)


def action_key(action_id: str, placement: str = "", context: str = "") -> str:
    """The key of what is known of an action: everywhere, or in one placement and context.

    None of the names may hold KEY_SEPARATOR.
    """
    return KEY_SEPARATOR.join((action_id, placement, context)) if placement else action_id


def epoch_of(time_ms: int) -> int:
    """The number of the epoch that `time_ms` falls in; it ends at its number times EPOCH_MS."""
    return time_ms // EPOCH_MS + 1


def epoch_end_ms(epoch: int) -> int:
    """The first moment after the epoch."""
    return epoch * EPOCH_MS


def effective_from_ms(epoch: int) -> int:
    """From when on decisions see the epoch."""
    return epoch * EPOCH_MS + EPOCH_AHEAD_MS
