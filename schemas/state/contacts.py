"""Contacts of a person, as they are kept; arrays by position, like schemas/state/session.py."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.numbers import Name, Whole


class Contacted(Struct, array_like=True, frozen=True):
    """A decision that is a contact, or may be ignored: reserved until `until_ms`, confirmed by `shown_ms`.

    `shown_ms` is the time of its first exposure, click or dismissal; `answered_ms` that of its last click or dismissal.
    `is_contact`: limits of the policy count it (udfs/facts/contacts.py). Empty `channel` or `group`: none.
    """

    action_id: Name
    decided_ms: Whole
    until_ms: Whole
    channel: Name = ""
    group: Name = ""
    is_contact: bool = True
    shown_ms: Whole | None = None
    answered_ms: Whole | None = None


class Clocked(Struct, array_like=True, frozen=True):
    """How far the person's clock was from UTC when they said so last."""

    utc_offset_min: Annotated[int, Meta(ge=-1440, le=1440)]
    told_ms: Whole
