"""Control: a version of the policy or of a model, from a point in time on."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.events import Id, Text
from schemas.limits import CONTROL_BYTES_MAX, NOTE_LENGTH_MAX, SIGNATURE_BYTES_MAX
from schemas.numbers import Moment


class Control(Struct, frozen=True):
    """One version of one piece of knowledge: a small `payload` (JSON), or `uri` and `sha256`.

    `signature`, by the key `key_id`, is of everything else: see schemas/signed_control.py. `note` says why there is
    this version, `author` who put it there; nothing is decided by either. Nor by `is_return`: it stands for what was in
    force before an announced version, so that a version published before its time takes its place as well
    (scripts/policy/schedule.py).
    """

    kind: Text
    name: Id
    version: Id
    effective_from_ms: Moment
    payload: Annotated[bytes, Meta(max_length=CONTROL_BYTES_MAX)] | None = None
    uri: Text | None = None
    sha256: Text | None = None
    signature: Annotated[bytes, Meta(max_length=SIGNATURE_BYTES_MAX)] | None = None
    key_id: Text | None = None
    note: Annotated[str, Meta(max_length=NOTE_LENGTH_MAX)] | None = None
    author: Text | None = None
    is_return: bool = False
