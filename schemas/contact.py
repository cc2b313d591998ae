"""Contact: how often and when a person may be told something; a part of a policy (`schemas/policy.py`)."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.actions import LengthMs
from schemas.events import Id, Text
from schemas.limits import CONTACT_LIMITS_MAX, CONTACTS_MAX, DAY_MS

Channels = Annotated[tuple[Text, ...], Meta(max_length=CONTACT_LIMITS_MAX)]
Groups = Annotated[tuple[Id, ...], Meta(max_length=CONTACT_LIMITS_MAX)]
Times = Annotated[int, Meta(ge=0, le=CONTACTS_MAX)]

SENDING: Final[tuple[str, ...]] = ("email", "push", "sms")
"""Channels that send: quiet hours are meant for these."""


class QuietHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of the day in which nothing is decided for these channels (`begin` 22, `end` 8 goes over midnight).

    The hour is the person's own where the event says its offset to UTC (`context.utc_offset_min`), else by the offset that they said last (of
    people who agreed to personalisation), else that of the policy's `time_zone`, in summer and winter. Where `begin` is `end`, all hours are quiet.
    """

    begin: Annotated[int, Meta(ge=0, le=23)]
    end: Annotated[int, Meta(ge=0, le=23)]
    channels: Channels = SENDING


class ContactLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """At most `times` contacts of one person within `within`, over all that it counts: a rolling window of event time.

    It counts contacts by these `channels` and of actions of these `groups`; none named = all. `times: 0` = never.
    """

    name: Id
    times: Annotated[int, Meta(ge=0, le=CONTACTS_MAX)]
    within_ms: LengthMs = DAY_MS
    channels: Channels = ()
    groups: Groups = ()


class Fatigue(Struct, frozen=True, forbid_unknown_fields=True):
    """Lowers the priority of an action by `factor` for each of its exposures within `within` that was not answered.

    Example: with 0.8, what was shown three times and neither clicked nor dismissed has 0.8 x 0.8 x 0.8 = 0.51 of its priority,
    so others come first long before a limit forbids it. Of contacts only, and of people who agreed to personalisation.
    """

    factor: Annotated[float, Meta(ge=0, le=1)]
    within_ms: LengthMs = 7 * DAY_MS


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """How often and when a person may be contacted, once over all placements, channels, visits and devices.

    A *contact* is a decision for an offer, assistance, a message or content, and any but doing nothing that goes out by e-mail,
    push or SMS; a slate on a page that somebody opened is none. It is reserved when it is decided and
    holds its place until the decision is not valid any more; once its exposure, click or dismissal is told, it counts from the time at which it
    was shown. What was not shown in time is released; told later, it counts all the same, so a limit is overshot by no
    more than what was shown after its end. Channels in `unreported` tell nothing back: what is decided for them counts as shown at once.

    A limit counts what was decided while a policy had a limit that counts it.
    """

    quiet_hours: QuietHours | None = None
    per_day: Times | None = None
    """At most so many contacts within 24 hours of event time; 0 = never."""
    per_week: Times | None = None
    """Likewise within 7 days."""
    limits: Annotated[tuple[ContactLimit, ...], Meta(max_length=CONTACT_LIMITS_MAX)] = ()
    fatigue: Fatigue | None = None
    unreported: Channels = SENDING
