"""What the console's page of policies sends: a file's text to check, keep or publish, and what is taken back."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from channels.api.bodies import BODY_BYTES_MAX
from schemas.limits import NOTE_LENGTH_MAX
from schemas.numbers import Moment

Version = Annotated[str, Meta(max_length=300)]
Text = Annotated[str, Meta(max_length=BODY_BYTES_MAX)]
Note = Annotated[str, Meta(max_length=NOTE_LENGTH_MAX)]
Typed = Annotated[str, Meta(max_length=100)]
DraftName = Annotated[str, Meta(max_length=100)]


class PolicyText(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy file's text (YAML), and why it is published.

    `starts` and `ends` as they are typed, in the policy's own time zone: empty = at once, and until another one is published.
    """

    text: Text
    note: Note = ""
    starts: Typed = ""
    ends: Typed = ""


class DraftText(Struct, frozen=True, forbid_unknown_fields=True):
    """A draft that is to be kept; `seen_ms`: when the one was saved that it began with, 0 = it is new."""

    name: DraftName
    text: Text
    note: Note = ""
    seen_ms: Moment = 0


class DraftNamed(Struct, frozen=True, forbid_unknown_fields=True):
    """A draft by its name."""

    name: DraftName


class Announced(Struct, frozen=True, forbid_unknown_fields=True):
    """A version that is to come, and from when on."""

    version: Version
    effective_from_ms: Moment


POLICY_TEXT = msgspec.json.Decoder(PolicyText)
DRAFT_TEXT = msgspec.json.Decoder(DraftText)
DRAFT_NAMED = msgspec.json.Decoder(DraftNamed)
ANNOUNCED = msgspec.json.Decoder(Announced)
