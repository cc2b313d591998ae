"""What the console's form for one offer holds, as it is typed: texts, so that each mistake is told at its field."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.limits import CONTENT_FIELDS_MAX, NOTE_LENGTH_MAX, STRING_LENGTH_MAX

Name = Annotated[str, Meta(max_length=300)]
Short = Annotated[str, Meta(max_length=100)]
Typed = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]
Texts = Annotated[dict[Short, Typed], Meta(max_length=CONTENT_FIELDS_MAX)]
"""One text by language."""
How = Literal["is", "is_not", "at_least", "at_most", "above", "below", "has", "has_not"]


class Who(Struct, frozen=True, forbid_unknown_fields=True):
    """One condition: an attribute or `segment.NAME`, how it compares, and with what (empty of what is true or false).

    `name` is STAGE/NAME of the requirement that it is; empty = a new one.
    """

    of: Name
    how: How = "is"
    value: Typed = ""
    name: Name = ""


class OfferForm(Struct, frozen=True, forbid_unknown_fields=True):
    """An offer as the form shows it. Numbers and moments (`2026-11-30T09:00`, of the policy's time zone) are as typed; empty = no bound."""

    id: Name = ""
    placements: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    content: Annotated[dict[Short, Texts], Meta(max_length=CONTENT_FIELDS_MAX)] = {}
    reason: Texts = {}
    who: Annotated[tuple[Who, ...], Meta(max_length=50)] = ()
    needs_consent: bool = True
    starts: Short = ""
    ends: Short = ""
    value: Short = "1"
    times: Short = "1"
    within_days: Short = "30"
    cool_down_hours: Short = ""
    never_after_dismissal: bool = True
    never_after_click: bool = False
    per_day: Short = ""
    total: Short = ""
    cost: Short = "1"


class OfferChange(Struct, frozen=True, forbid_unknown_fields=True):
    """An offer, new or changed, and the version of the policy (`base`) that the form began with."""

    base: Name
    offer: OfferForm
    is_new: bool = False
    note: Annotated[str, Meta(max_length=NOTE_LENGTH_MAX)] = ""


class OfferBack(Struct, frozen=True, forbid_unknown_fields=True):
    """An offer that is to be taken back."""

    base: Name
    id: Name
    note: Annotated[str, Meta(max_length=NOTE_LENGTH_MAX)] = ""


OFFER_CHANGE = msgspec.json.Decoder(OfferChange)
OFFER_BACK = msgspec.json.Decoder(OfferBack)
