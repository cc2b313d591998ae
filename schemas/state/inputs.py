"""What all that a person may be told has in common on the wire and in state: the tag of the union comes first.

Beside news that is what moves a visitor's state to the person who signs in: a claim to the visitor, a transfer to the person.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.msgpack import Decoder

from schemas.codec import StateCodec
from schemas.events import Event
from schemas.numbers import Name, Whole
from schemas.state.session import Hash


class InputHead(Struct, array_like=True, frozen=True):
    """What every input begins with, in every version: its kind, whose it is, and when it is their turn."""

    kind: Name
    person: Name
    order_ms: Whole


class Claim(Struct, array_like=True, frozen=True):
    """Asks the visitor `person` for their state, for `member`, who has signed in by `event`; the transfer bears the claim's order.

    `is_own`: asks for a state of the member's own, of before there were two operators. `is_undone`: the event says that the visitor is not the
    member, so what was given to them is asked back. `is_limits`: it is the member perhaps, so only what limits count is asked for.
    """

    kind: Literal["claim"]
    person: Name
    order_ms: Whole
    session_id: str
    position: Whole
    member: Name
    transfer_id: Hash
    event: Event
    is_own: bool = False
    is_undone: bool = False
    is_limits: bool = False


class Transfer(Struct, array_like=True, frozen=True):
    """The answer to a claim, for `person`, who has signed in: the encoded state of `anonymous_id`; empty: there is none.

    `is_undone`: what the transfer `undoes` (empty: there is none to undo) gave, in `state`, is none of theirs, as `event` says. `is_purged`: of that state only what
    holds without personalisation is kept. `is_limits`: what is merged of somebody who is the person perhaps, and stays who they are.
    """

    kind: Literal["transfer"]
    person: Name
    order_ms: Whole
    session_id: str
    position: Whole
    transfer_id: Hash
    anonymous_id: Name
    state: bytes
    is_own: bool = False
    is_undone: bool = False
    undoes: Hash = b""
    event: Event | None = None
    is_purged: bool = False
    is_limits: bool = False


CLAIM: Final = StateCodec(Claim, version=1)
TRANSFER: Final = StateCodec(Transfer, version=1)
_HEAD: Final = Decoder(InputHead)


def head_of(data: bytes) -> InputHead:
    """The head of an input; the rest of its bytes, behind that of its version, is passed over."""
    return _HEAD.decode(memoryview(data)[1:])
