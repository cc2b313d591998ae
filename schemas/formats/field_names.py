"""Which names of fields are read, which are read as another, and what somebody meant by one that is none. Pure.

One table for every door: files, the topic in JSON, `/v1/events`, `/v1/decisions` and `/api/recommendations`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal, NamedTuple

from msgspec.structs import fields as fields_of

from schemas.enrich.enrich_event import LOOKED_UP
from schemas.events import SENT_TYPES, Candidate, Context, Event
from schemas.items import AvailableDates, Item, Point
from schemas.meant_types import meant_type

NOTICES_MAX: Final = 20
"""Notices of one request or import: who wrote more names that nobody reads has been told enough."""
NAME_SHOWN_MAX: Final = 60
LIKENESS: Final = 0.8
"""From here on a name is taken for another that was mistyped."""
HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+")
NEED_ITEMS: Final = frozenset(
    {
        "product_viewed", "product_added_to_cart", "product_removed_from_cart", "item_skipped", "item_rated",
        "ranking_clicked",
    }
)  # fmt: skip
"""Events that say nothing without the item that they are about."""


class Names(NamedTuple):
    """The names that one kind of object may hold: `known` ones, and others that are read as one of them.

    What stands in `meant` is not read (it could be something else), but it is told what was probably meant.
    """

    known: frozenset[str]
    aliases: Mapping[str, str] = {}
    meant: Mapping[str, str] = {}
    parts: "Mapping[str, Names]" = {}


class Note(NamedTuple):
    """A field that was not read as it was written, of an object with these names."""

    field: str
    kind: Literal[
        "alias", "beside", "unknown", "no_item", "made_id", "own_name", "attribute", "no_room",
        "left_out",
    ]  # fmt: skip
    names: Names
    within: str = ""


class Notice(NamedTuple):
    """Notes of one name, as people are told: where the first was, how many there were."""

    field: str
    meant: str | None
    reason: str
    at: int
    times: int
    is_read: bool


class Renamed(NamedTuple):
    """Fields under the names that are read, and what there is to say of the others."""

    fields: dict[str, Any]
    notes: Sequence[Note] = ()


def names_of(*kinds: type) -> frozenset[str]:
    """The fields of structs."""
    return frozenset(one.name for kind in kinds for one in fields_of(kind))


EVENT_NAMES: Final = Names(
    names_of(Event),
    aliases={
        "event": "event_type", "timestamp": "event_time_ms",
        "product_id": "item_ids", "item_id": "item_ids", "product_ids": "item_ids",
    },
    meant={
        "user_id": "person_id", "customer_id": "person_id", "uid": "person_id", "user": "person_id",
        "visitor_id": "anonymous_id", "client_id": "anonymous_id", "device_id": "anonymous_id",
        "time": "event_time_ms", "ts": "event_time_ms", "occurred_at": "event_time_ms", "created_at": "event_time_ms",
        "date": "event_time_ms", "type": "event_type", "name": "event_type", "event_name": "event_type",
        "id": "event_id", "sku": "item_ids", "items": "item_ids", "products": "item_ids",
        "session": "session_id", "url": "page", "path": "page", "current_page": "page",
        "amount": "value_amount", "revenue": "value_amount", "total": "value_amount",
        "qty": "quantity", "search": "query", "q": "query", "placement": "placements", "metadata": "properties",
        "attributes": "properties",
    },
    parts={
        "context": Names(names_of(Context) | LOOKED_UP, meant={"referer": "referrer", "utm_campaign": "campaign", "lat": "latitude", "lng": "longitude", "lon": "longitude", "state": "region", "province": "region", "country_code": "country"}),
        "candidates": Names(names_of(Candidate), meant={"id": "item_id", "product_id": "item_id", "rank": "position"}),
    },
)  # fmt: skip
"""`event`, `timestamp` and `product_id` are what `/api/recommendations` has called them since its beginning."""
ITEM_NAMES: Final = Names(
    names_of(Item),
    meant={
        "title": "name", "id": "item_id", "sku": "item_id", "product_id": "item_id", "description": "text",
        "image_url": "image", "image_link": "image", "picture": "image", "categories": "category",
        "category_path": "category", "product_type": "category", "inventory": "stock", "availability": "stock",
        "labels": "tags", "properties": "attributes", "sale_price": "price", "created_at": "created_ms",
        "effective_from": "effective_from_ms",
        "product_name": "name", "product_title": "name", "item_name": "name", "article_id": "item_id", "article_number": "item_id",
        "product_code": "item_id", "offer_id": "item_id", "item": "item_id", "product_description": "text", "long_description": "text",
        "image_src": "image", "main_image": "image", "google_product_category": "category", "category_name": "category",
        "vendor": "brand", "manufacturer": "brand", "brand_name": "brand", "inventory_quantity": "stock", "stock_quantity": "stock",
        "quantity": "stock", "qty": "stock", "in_stock": "stock", "is_available": "stock", "tag": "tags", "keywords": "tags",
        "unit_price": "price", "price_amount": "price", "amount": "price", "currency_code": "currency", "price_currency": "currency",
        "valid_from": "effective_from_ms", "date_added": "created_ms", "is_deleted": "is_gone", "deleted": "is_gone",
        "discontinued": "is_gone",
        "latitude": "place", "longitude": "place", "lat": "place", "lng": "place", "lon": "place", "location": "place", "geo": "place",
        "delivers_to": "regions", "ships_to": "regions",
        "availability_dates": "available_dates", "vector": "embedding", "embeddings": "embedding",
    },
    parts={
        "place": Names(names_of(Point), meant={"lat": "latitude", "lng": "longitude", "lon": "longitude"}),
        "available_dates": Names(names_of(AvailableDates), meant={"from": "first", "start": "first", "to": "last", "end": "last"}),
    },
)  # fmt: skip


READ: Final = ("alias", "attribute")
"""Kinds of notes that tell of nothing lost."""
NO_ITEM: Final = Note("item_ids", "no_item", EVENT_NAMES)
"""Of an event that is about an item and names none."""
MADE_ID: Final = Note("event_id", "made_id", EVENT_NAMES)
"""Of a line of a file that has no id."""


def own_name(event_type: str) -> Note:
    """Of an event whose type is none of ours: it may be the sender's own, or written wrong."""
    return Note(event_type, "own_name", EVENT_NAMES)


def renamed(fields: dict[str, Any], names: Names) -> Renamed:
    """`fields`, in a new dictionary, with each alias under the name that it stands for, where that one says nothing itself.

    Unknown names are left in: whoever builds something of the fields passes over them.
    """
    found: dict[str, Any] = dict(fields)
    notes: list[Note] = []
    if found.keys() <= names.known:
        return Renamed(found, _notes_within(found, names) if names.parts else notes)
    for name in sorted(fields.keys() - names.known):
        alias = names.aliases.get(name)
        if alias is None:
            notes.append(Note(name, "unknown", names))
        elif found.get(alias) in (None, [], ()):
            found[alias] = found.pop(name)
            notes.append(Note(name, "alias", names))
        else:
            del found[name]
            notes.append(Note(name, "beside", names))
    return Renamed(found, [*notes, *_notes_within(found, names)])


def _notes_within(fields: Mapping[str, Any], names: Names) -> list[Note]:
    """Of the names of objects within, none of which has an alias."""
    notes: list[Note] = []
    for part, own in names.parts.items():
        if part not in fields:
            continue
        given = fields[part]
        for one in given if isinstance(given, list) else (given,):
            if isinstance(one, dict) and not one.keys() <= own.known:
                unknown = sorted(one.keys() - own.known)
                notes.extend(Note(name, "unknown", own, f"{part}.") for name in unknown)
    return notes


def meant_by(name: str, names: Names) -> str | None:
    """What somebody probably meant who wrote this name."""
    plain = HUMP.sub("_", name[:NAME_SHOWN_MAX]).lower()
    found = _named(plain, names)
    if found is None:
        every = (*names.known, *names.aliases, *names.meant)
        close = get_close_matches(plain, every, 1, LIKENESS)
        found = _named(close[0], names) if close else None
    return found


def _named(plain: str, names: Names) -> str | None:
    if plain in names.known:
        return plain
    within = (f"{part}.{plain}" for part, own in names.parts.items() if plain in own.known)
    return names.aliases.get(plain) or names.meant.get(plain) or next(within, None)


def told(note: Note) -> Notice:
    """The note in words."""
    field = note.within + note.field[:NAME_SHOWN_MAX]
    if note.kind == "no_item":
        return Notice(
            field, None, "an event about an item names none in `item_ids`", 0, 1, is_read=False
        )
    if note.kind == "made_id":
        reason = "`event_id` is missing, and made of what the line says"
        return Notice(field, None, reason, 0, 1, is_read=True)
    if note.kind == "own_name":
        meant = meant_type(note.field, SENT_TYPES)
        hint = f": `{meant}` is meant?" if meant else ""
        reason = f"`{field}` is no type of ours, so activity and no more where the policy does not name it{hint}"
        return Notice(field, meant, reason, 0, 1, is_read=meant is None)
    if note.kind == "attribute":
        reason = f"`{field}` is no field of ours, and kept among the attributes"
        return Notice(field, "attributes", reason, 0, 1, is_read=True)
    if note.kind == "left_out":
        reason = f"`{field}` is left out: it says who somebody is, is there twice, or is too long for a fact"
        return Notice(field, None, reason, 0, 1, is_read=False)
    if note.kind == "no_room":
        reason = f"`{field}` finds no room among the attributes, and is left out"
        return Notice(field, None, reason, 0, 1, is_read=False)
    if note.kind != "unknown":
        alias = note.names.aliases[note.field]
        how = "is read as" if note.kind == "alias" else "is not read beside"
        return Notice(
            field, alias, f"`{field}` {how} `{alias}`", 0, 1, is_read=note.kind == "alias"
        )
    meant = meant_by(note.field, note.names)
    meant = None if meant is None else note.within + meant
    hint = f": `{meant}` is meant?" if meant else ""
    return Notice(field, meant, f"`{field}` is no field, and not read{hint}", 0, 1, is_read=False)


def first_ignored(notes: Iterable[Note]) -> Notice | None:
    """The first of the notes that tells of something lost; None where nothing is."""
    return next(
        (said for one in notes if one.kind not in READ and not (said := told(one)).is_read), None
    )


class Notices:
    """Notes by name, in the order in which they came: the first so many names, each with its place and number."""

    def __init__(self, silent: Collection[str] = ()) -> None:
        """`silent`: aliases, and names of events, that need no word."""
        self._silent = silent
        self._found: dict[tuple[str, str, str], list[Any]] = {}

    def add(self, notes: Iterable[Note], at: int) -> None:
        """Notes of the object at this place."""
        for note in notes:
            if note.kind in ("alias", "own_name") and note.field in self._silent:
                continue
            key = (note.within, note.field, note.kind)
            known = self._found.get(key)
            if known is not None:
                known[2] += 1
            elif len(self._found) < NOTICES_MAX:
                self._found[key] = [note, at, 1]

    def __iter__(self) -> Iterator[Notice]:
        for note, at, times in self._found.values():
            yield told(note)._replace(at=at, times=times)
